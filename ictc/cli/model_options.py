"""The options that say by what means a run is made; the same for all commands that call models.

A command takes them as one parameter `given`; `with_models` shows them as options of their own in its place.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer

from ictc.errors import UsageError

if TYPE_CHECKING:
    from ictc.spending.meter import Meter

C = TypeVar("C", bound=Callable[..., None])

_MODELS = "Models"
_LIMITS = "Limits and money"
_PLACE = "Where it is computed"


def _option(name: str, kind: Any, help_text: str, panel: str = _MODELS, metavar: str | None = None, **more: Any) -> Any:
    flags = [name] if name.startswith("--") else [f"--{name}"]
    envvar = "ICTC_" + flags[0].lstrip("-").split("/")[0].replace("-", "_").upper()
    option = typer.Option(
        *more.pop("flags", flags), envvar=envvar, metavar=metavar, help=help_text, rich_help_panel=panel, **more
    )
    return Annotated[kind, option]


_SPECS = r"offline, openai:MODEL\[@URL], hf:REPO_OR_DIR\[,4bit], vllm:REPO_OR_DIR"
_DESCRIBER = {
    "describer": _option("describer", str | None, f"Who describes: {_SPECS}, recorded:FILE.", metavar="SPEC"),
}
_REASONER = {
    "model": _option("model", str | None, "Describer and reasoner at once, where they are not given.", metavar="SPEC"),
    "reasoner": _option("reasoner", str | None, f"Who labels, merges and assigns: {_SPECS}.", metavar="SPEC"),
}
_NAMING = {
    "names": _option("names", Path | None, "Cluster names of your own, one a line.", metavar="FILE"),
    "open_names": _option("open", bool | None, "With --names: the model may add names.", flags=["--open/--closed"]),
    "language": _option("language", str | None, "The language of labels and names.", metavar="LANGUAGE"),
}
_LEVELS = {
    "levels": _option(
        "levels", int | None, "2: the names are merged once more, into broader groups.", metavar="1|2", min=1, max=2
    ),
    "groups": _option(
        "groups", int | None, r"How many broader groups; alone it means --levels 2. \[default: about the root of K]",
        metavar="N", min=2,
    ),
}  # fmt: skip
_PACK = {
    "pack": _option("pack", int | None, "Descriptions per request.", metavar="N", min=1),
}
_CASCADE = {
    "cascade": _option(
        "cascade", bool | None, "Ask the model about what is uncertain only; embeddings decide the rest.",
        flags=["--cascade/--no-cascade"],
    ),
    "budget": _option(
        "budget", str | None, "Calls of a cascade: a share of what asking about everything takes, or a number. "
        r"\[default: 5%]", metavar="5%|N",
    ),
}  # fmt: skip
_SURE = {
    "min_confidence": _option(
        "min-confidence", float | None, "Images less sure than this are left unassigned.", metavar="SHARE",
        min=0, max=1,
    ),
    "outliers": _option(
        "outliers",
        Literal["keep", "unsure", "cluster"] | None,
        "Images unlike all others: `keep` them where they are, leave them unassigned (`unsure`), or make one more "
        r"`cluster` of them. \[default: keep]",
    ),
}  # fmt: skip
_ENGINE = {
    "engine": _option(
        "engine", str | None, "Where things are computed: here, on a Ray cluster of this machine, or on one that runs "
        r"(docs/scale.md). \[default: local]", _PLACE, "local|ray|ray:ADDRESS",
    ),
    "ray_cpus": _option("ray-cpus", float | None, r"CPUs that a worker takes. \[default: 0.5]", _PLACE, "SHARE"),
    "ray_gpus": _option("ray-gpus", float | None, r"GPUs that a worker takes. \[default: 0]", _PLACE, "SHARE"),
    "ray_workers": _option(
        "ray-workers", int | None, r"How many workers. \[default: as many as fit]", _PLACE, "N", min=1
    ),
}  # fmt: skip
ENGINE = tuple(_ENGINE)
_BOTH = {
    "prompts": _option("prompts", Path | None, "A folder of prompts that replace built-in ones.", metavar="DIR"),
    "fallback": _option(
        "fallback",
        Literal["offline", "embedding", "none"] | None,
        "Who goes on when a model is gone; by default asks on a terminal, else stops.",
    ),
    "device": _option("device", str | None, "For hf and vllm: cpu, cuda, cuda:1, mps.", metavar="DEVICE"),
    "batch_size": _option("batch-size", int | None, "For hf and vllm: requests at once.", metavar="N", min=1),
    "trust_remote_code": _option(
        "trust-remote-code", bool | None, "Run code that comes with a model.", flags=["--trust-remote-code"]
    ),
    "concurrency": _option("concurrency", int | None, "Requests in flight at most.", _LIMITS, "N", min=1),
    "rpm": _option("rpm", int | None, "Requests a minute at most.", _LIMITS, "N", min=1),
    "tpm": _option("tpm", int | None, "Tokens a minute at most.", _LIMITS, "N", min=1),
    "timeout": _option("timeout", float | None, "Seconds a request may take.", _LIMITS, "SECONDS", min=0.1),
    "retries": _option("retries", int | None, "Further tries after a passing fault.", _LIMITS, "N", min=0),
    "retry_failed": _option(
        "retry-failed", bool | None, "Ask again what a model refused or could not answer before.", _LIMITS,
        flags=["--retry-failed"],
    ),
    "image_side": _option(
        "image-side", int | None, "Longer side to which larger images are scaled before they are sent.", _LIMITS,
        "PIXELS", min=16,
    ),
    "batch": _option(
        "batch", bool | None, "Use the provider's batch interface (cheaper, slower).", _LIMITS, flags=["--batch"]
    ),
    "leave": _option(
        "leave", bool | None, "With --batch: submit and leave; the same command collects.", _LIMITS, flags=["--leave"]
    ),
    "max_calls": _option("max-calls", int | None, "Stop after so many requests.", _LIMITS, "N", min=0),
    "max_cost": _option("max-cost", float | None, "Stop before more is spent.", _LIMITS, "DOLLARS", min=0),
    "prices": _option(
        "price", list[str] | None, "Dollars per million tokens, for a price that is not known; may be repeated.",
        _LIMITS, "[MODEL=]IN,OUT",
    ),
    "dry_run": _option(
        "dry-run", bool | None, "Say what it would ask and cost; ask nothing.", _LIMITS, flags=["--dry-run"]
    ),
}  # fmt: skip
_NOT_MEANS = ("model", "max_calls", "max_cost", "dry_run")


@dataclass(frozen=True, slots=True)
class Given:
    """The options that a person gave, by name; None where not."""

    options: Mapping[str, Any]

    @property
    def means(self) -> dict[str, Any]:
        """What goes into `means.changed`. Raises UsageError: the budget is none (also "", which asks about all)."""
        found = {k: v for k, v in self.options.items() if v is not None and k not in _NOT_MEANS}
        if found.get("leave") and not found.get("batch"):
            raise UsageError("--leave does nothing without --batch.", "Add --batch, or leave it out.")
        if found.get("fallback") == "none":
            del found["fallback"]
        if prices := found.pop("prices", None):
            found["prices"] = tuple(prices)
        if "groups" in found and found.get("levels") == 1:
            raise UsageError("--groups does nothing with --levels 1.", "Leave one of the two out.")
        if "budget" in found:
            from ictc.reasoners.cascade.plan import parse_budget

            found["budget"] = str(parse_budget(found["budget"]))
        if (model := self.options.get("model")) is not None:
            found = {"reasoner": model} | ({"describer": model} if "describer" in self.options else {}) | found
        return found

    @property
    def may_ask(self) -> bool:
        """Whether the person has not said what is to be done when a model is gone."""
        return self.options.get("fallback") is None

    @property
    def dry_run(self) -> bool:
        return bool(self.options.get("dry_run"))

    def meter(self) -> Meter:
        """A new account, with the limits that were given."""
        from ictc.spending.meter import Meter

        return Meter(max_calls=self.options.get("max_calls"), max_cost=self.options.get("max_cost"))


def spent_json(meter: Meter) -> dict[str, Any]:
    """What `--json` prints of what models were asked by commands that keep no account of it; nothing of nothing."""
    total = meter.to_json()
    return {"spent": total} if total["requests"] or total["failed"] else {}


def with_models(
    *, describes: bool = False, reasons: bool = True, names: bool = True, only: tuple[str, ...] = ()
) -> Callable[[C], C]:
    """Replaces the parameter `given` of a command by the options that bear on what it does (`only`: some of them)."""
    thinks = {**_REASONER, **({**_NAMING, **_LEVELS} if names else {}), **_CASCADE, **_SURE, **_PACK} if reasons else {}
    shown = {**(_DESCRIBER if describes else {}), **thinks, **_BOTH, **_ENGINE}
    shown = {name: shown[name] for name in only} if only else shown

    def wrapped(command: C) -> C:
        @functools.wraps(command)
        def run(**arguments: Any) -> None:
            given = Given({name: arguments.pop(name) for name in shown})
            command(**arguments, given=given)

        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "given"]
        more = [
            inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=a) for n, a in shown.items()
        ]
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in own] + more
        run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        return run  # type: ignore[return-value]

    return wrapped
