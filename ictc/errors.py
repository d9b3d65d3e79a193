"""Everything that can go wrong, as one tree. Each message says what was wrong, where, and what to type next.

    IctcError
    ├── UsageError            bad input or options                               exit 2
    │   ├── InputError        an image source, list, or truth file is unusable
    │   ├── SpecError         a model spec that names nothing we know
    │   └── MissingExtra      an optional package is not installed
    ├── RunError              a run folder that cannot be used or written         exit 2
    │   ├── RunBusy           another process holds the run
    │   └── RunTooNew         written by a newer version
    ├── StorageFull           the disk is full; what was computed is kept         exit 2
    ├── StepError             a step could not give any result                    exit 4
    ├── ModelGone             a model cannot be reached, refuses the key, ...      exit 4
    ├── AnswersLater          submitted and left: the same command collects       exit 3
    ├── BudgetSpent           --max-cost or --max-calls is used up                exit 5
    └── TooManyFailures       the share of failed items is above --fail-on-error  exit 4

A single item that fails is not an exception: it is a `Failure` value in its place (`ictc.types`).
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_USAGE = 2
EXIT_PARTIAL = 3
EXIT_FAILED = 4
EXIT_BUDGET = 5
EXIT_INTERRUPTED = 130
EXIT_UNREAD = 141
EXIT_TERMINATED = 143


class IctcError(Exception):
    """Base class. `message` is what was wrong and where; `hint` is what to type or do next."""

    exit_code = EXIT_FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class UsageError(IctcError):
    """What was asked cannot be done as asked."""

    exit_code = EXIT_USAGE


class InputError(UsageError):
    """A folder, list, description or truth file is missing, empty or malformed."""


class SpecError(UsageError):
    """A model spec such as `openai:gpt-4o` names nothing that is installed."""


class MissingExtra(UsageError):
    """An optional package is needed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra that is not installed.", f"Run: pip install 'ictc[{extra}]'")


class RunError(IctcError):
    """A run folder cannot be used."""

    exit_code = EXIT_USAGE


class RunBusy(RunError):
    """Another process is writing to this run."""


class RunTooNew(RunError):
    """The run was written by a newer version of ictc."""


class StorageFull(IctcError):
    """The disk is full. Everything computed before is in the store; running the same command goes on."""

    exit_code = EXIT_USAGE


class StepError(IctcError):
    """A step of the method could not give a result from what it was given."""


class ModelGone(IctcError):
    """A model answers nothing more. What it answered before is in the store; the same command asks only the rest."""


class AnswersLater(IctcError):
    """Submitted to a provider and left there, as asked for (`left`: what): there are no answers yet."""

    exit_code = EXIT_PARTIAL

    def __init__(self, left: Sequence[str]) -> None:
        super().__init__(
            f"Submitted and left with the provider: {', '.join(left)}.",
            "Run the same command again to collect the answers.",
        )
        self.left = left


class BudgetSpent(IctcError):
    """What may be spent is spent. What was answered is in the store; a larger budget goes on from there."""

    exit_code = EXIT_BUDGET


class Told(UserWarning):
    """What a person should know and that is no error; the command line says it as it stands."""


class TooManyFailures(IctcError):
    """More items failed than `--fail-on-error` allows."""
