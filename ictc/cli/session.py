"""`ictc refine RUN` on a terminal: look, say what is to be other, look again. A plain loop over `ictc.steering`."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from ictc.cli.commands.diff import show_difference
from ictc.cli.console import say, show_line
from ictc.cli.ending import Terminated, heard
from ictc.cli.model_options import Given
from ictc.cli.refining import changed, may_go_on, show_why, tell_left_out
from ictc.cli.sessionview import HELP, show_cluster, show_numbered
from ictc.cli.suggestions import show_suggestions
from ictc.errors import IctcError, UsageError
from ictc.steering.parsing import EXAMPLES
from ictc.text import command_line, quoted

if TYPE_CHECKING:
    from ictc.job import Done
    from ictc.steering.corrections import Change
    from ictc.steering.work import Refinement

_OPTION = re.compile(rf"--(?=({'|'.join(EXAMPLES)})\b)")
_NUMBER = re.compile(r"(?<![^\s=+])#(\d+)(?![^\s=+])")


class Session:
    """`asked` says which run, by what means and within which limits: those of all that is done in the session."""

    def __init__(self, asked: Refinement, given: Given, yes: bool) -> None:
        self._asked = asked
        self._given = given
        self._yes = yes
        self._done: Done = self._current(asked.revision)
        self._commands: dict[str, Callable[[str], None]] = {
            "?": self._help,
            "help": self._help,
            "show": self._show,
            "l": self._show,
            "why": self._why,
            "c": self._criterion,
            "k": self._k,
            "s": self._suggest,
            "undo": self._undo,
            "go": self._go,
            "diff": self._diff,
            "accept": self._accept,
            **{do: self._correction(do) for do in EXAMPLES},
        }

    def loop(self) -> None:
        """Until the person accepts or quits, or the input ends."""
        self._line_editing()
        show_numbered(self._done)
        say("? shows what can be typed; q ends.")
        while (line := self._read()) is not None:
            word, _, rest = line.strip().partition(" ")
            if word in ("q", "quit", "exit"):
                break
            if word and not self._carried_out(word, rest.strip()):
                break
        run = str(self._asked.folder)
        say(f"Revision {self._done.revision.id} is the run's result. Its page: {command_line('report', run)}")

    def _carried_out(self, word: str, rest: str) -> bool:
        """Whether the session goes on. Errors are told, Ctrl-C ends the command alone: what was answered is kept."""
        command = self._commands.get(word)
        try:
            if command is None:
                raise UsageError(f"'{word}' is no command.", "? shows what can be typed.")
            with heard(say):
                command(rest)
        except Terminated:
            raise
        except (KeyboardInterrupt, typer.Abort):
            say("\nStopped. What was answered is kept; the same command goes on.")
        except IctcError as e:
            _tell(e)
        return word != "accept"

    def _read(self) -> str | None:
        """A line; None at the end of the input. Ctrl-C leaves what was typed."""
        while True:
            try:
                with heard(say):
                    return input(f"{self._done.revision.id}> ")
            except EOFError:
                show_line("")
                return None
            except Terminated:
                raise
            except KeyboardInterrupt:
                show_line("")

    def _line_editing(self) -> None:
        with suppress(ImportError):  # not on every system; input() works without
            import readline

            def complete(start: str, number: int) -> str | None:
                words = [*self._commands, *map(quoted, self._done.result.names)]
                fitting = [w for w in words if w.startswith(start)]
                return fitting[number] if number < len(fitting) else None

            readline.set_completer_delims(" =+")
            readline.set_completer(complete)
            readline.parse_and_bind("tab: complete")

    def _current(self, revision: str = "") -> Done:
        from ictc.outputs import reopen
        from ictc.steering.job import go_to

        done = reopen(self._asked.folder, revision)
        return go_to(self._asked.folder, revision) if revision else done

    def _help(self, _: str) -> None:
        for line in HELP.splitlines():
            show_line(line)

    def _show(self, name: str) -> None:
        if not name:
            show_numbered(self._done)
            return
        from ictc.steering.finding import cluster_named

        show_cluster(self._done, cluster_named(self._named(name).strip('"'), self._done.result.names))

    def _named(self, text: str) -> str:
        """Clusters by the numbers they were shown with: `#3`."""
        names = list(self._done.result.clusters)

        def name(found: re.Match[str]) -> str:
            if not 0 < int(found[1]) <= len(names):
                raise UsageError(f"There is no cluster {found[0]}.", f"There are #1 to #{len(names)}.")
            return quoted(names[int(found[1]) - 1])

        return _NUMBER.sub(name, text)

    def _correction(self, do: str) -> Callable[[str], None]:
        def make(text: str) -> None:
            from ictc.steering.parsing import parse

            try:
                change = parse(do, self._named(text))
            except UsageError as e:
                if "understood" not in e.message:
                    raise
                raise UsageError(f"{do} '{text}' is not understood.", f"Type {do} {EXAMPLES[do]}") from None
            self._refine(change)

        return make

    def _criterion(self, text: str) -> None:
        from ictc.steering.work import anew

        if not text:
            raise UsageError(f"The criterion is: {self._done.result.criterion}", "Another one: c TEXT")
        self._refine(anew(self._asked.folder, self._done.revision.id, text, "same", False))

    def _k(self, text: str) -> None:
        from ictc.cli.options import k_value, parse_k
        from ictc.steering.work import anew

        try:
            k = k_value(parse_k(text))
        except typer.BadParameter:
            raise UsageError(f"'{text}' is no number of clusters.", "Type for example k 8, or k auto.") from None
        self._refine(anew(self._asked.folder, self._done.revision.id, None, k, False))

    def _refine(self, change: Change) -> None:
        from ictc.cli.commands.refine import carried_out
        from ictc.differing import difference
        from ictc.steering.forecast import forecast

        asked = replace(self._asked, changes=(change,), revision=self._done.revision.id)
        if not may_go_on(forecast(asked), self._yes):
            say("Nothing was changed.")
            return
        refined = carried_out(asked, self._given)
        self._done = refined.done
        show_numbered(self._done)
        show_line(changed(difference(refined.before.result, self._done.result)))
        tell_left_out(refined.left_out)

    def _why(self, text: str) -> None:
        from ictc.steering.looking import why

        if not text:
            raise UsageError("Which image?", "Type for example why photo-1.png")
        show_why(why(text, self._done.result, self._done.revision.corrections()))

    def _undo(self, _: str) -> None:
        from ictc.steering.job import undo

        try:
            self._done = undo(self._asked.folder).done
        except UsageError as e:
            raise UsageError(e.message, f"To any other revision: go {self._done.folder.revision_ids[-1]}") from None
        show_numbered(self._done)

    def _go(self, revision: str) -> None:
        if not revision.isdigit():
            listed = ", ".join(self._done.folder.revision_ids)
            raise UsageError("Which revision?", f"Type for example go 001. There are: {listed}")
        self._done = self._current(revision)
        show_numbered(self._done)

    def _diff(self, revision: str) -> None:
        from ictc.differing import difference
        from ictc.outputs import reopen

        made = self._done.folder.entry(self._done.revision.id).get("refined")
        revision = revision or (made["of"] if made else "")
        if not revision:
            raise UsageError("This revision is made of no other.", "Compare with one: diff 001")
        before = reopen(self._asked.folder, revision)
        show_difference(difference(before.result, self._done.result), before.revision.id, self._done.revision.id)

    def _suggest(self, _: str) -> None:
        from ictc.steering.advice import advice_takes, advise

        asked = replace(self._asked, changes=(), revision=self._done.revision.id)
        if not may_go_on(advice_takes(asked), self._yes):
            return
        found = advise(asked)
        show_suggestions(found)
        if found.suggestions:
            say("y accepts a suggestion, n (or Enter) passes on, q leaves the rest.")
        for suggestion in found.suggestions:
            answer = typer.prompt(f"{suggestion.command()}? [y/n/q]", default="n", show_default=False, err=True)
            if answer.strip().casefold() in ("q", "quit"):
                break
            if answer.strip().casefold() in ("y", "yes"):
                try:
                    self._refine(suggestion.change)
                except UsageError as e:  # of an earlier one, a name may be gone
                    _tell(e)

    def _accept(self, _: str) -> None:
        from ictc.cli.console import watch
        from ictc.outputs import accept

        page, self._done = accept(self._asked.folder, self._done.revision.id, watch)
        show_line(f"revision {self._done.revision.id} is accepted; report: {page}")


def _tell(e: IctcError) -> None:
    """What went wrong, with options as the session's commands."""
    say(_OPTION.sub("", f"{e.message}\n{e.hint}".rstrip()))
