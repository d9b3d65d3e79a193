"""`ictc refine`: a finished result corrected, reworded, clustered with another K; each change is a revision."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ictc.cli import options as o
from ictc.cli.asking import going_on, show_plans
from ictc.cli.console import print_json, say, show_line, watching
from ictc.cli.model_options import Given, with_models
from ictc.cli.outcome import outcome_of
from ictc.cli.refining import may_go_on, refined_json, show_clusters, show_refined, show_why
from ictc.errors import UsageError
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.steering.job import Refined
    from ictc.steering.work import Refinement

_CLUSTERS = "Clusters"
_LOOK = "Looking and going back"


def _list(name: str, metavar: str, help_text: str) -> Any:
    told = f"{help_text} May be repeated."
    return typer.Option(
        f"--{name}", envvar=f"ICTC_{name.upper()}", metavar=metavar, help=told, rich_help_panel=_CLUSTERS
    )


def _flag(name: str, help_text: str, *short: str) -> Any:
    return typer.Option(f"--{name}", *short, envvar=f"ICTC_{name.upper()}", help=help_text, rich_help_panel=_LOOK)


Criterion = Annotated[
    str | None,
    typer.Option("--criterion", "-c", envvar="ICTC_REFINE_CRITERION", metavar="TEXT", help="Another criterion."),
]
K = Annotated[
    str | None,
    typer.Option("-k", "--k", envvar="ICTC_REFINE_K", parser=o.parse_k, metavar="K|auto", help="Another K."),
]
Keep = Annotated[
    bool,
    typer.Option(
        "--keep-descriptions",
        envvar="ICTC_KEEP_DESCRIPTIONS",
        help="With --criterion: no image is looked at again, its description stays.",
    ),
]
Rename = Annotated[list[str] | None, _list("rename", "A=B", "Cluster A is called B.")]
Merge = Annotated[
    list[str] | None,
    _list("merge", "A+B=C", "Clusters A and B become one, called C (without =C as the larger one is)."),
]
Split = Annotated[list[str] | None, _list("split", "A[=N|=B+C]", "Cluster A becomes two, N, or those called B and C.")]
Drop = Annotated[list[str] | None, _list("drop", "A", "Cluster A goes; its images go to the others.")]
Add = Annotated[list[str] | None, _list("add", "A[=ABOUT]", "One more cluster; images that belong there come to it.")]
Move = Annotated[
    list[str] | None,
    _list("move", "IMAGE=A", "An image, several (x+y=A) or all that fit a pattern (cats/*=A) go to cluster A."),
]
Pin = Annotated[list[str] | None, _list("pin", "A", "A's name and images survive another K and another criterion.")]
Unpin = Annotated[list[str] | None, _list("unpin", "A", "A is like the others again.")]
Carried = Annotated[
    Path | None,
    typer.Option(
        "--corrections",
        envvar="ICTC_CORRECTIONS",
        metavar="FILE|RUN",
        help="Corrections of another run: images by content, clusters by name.",
        rich_help_panel=_CLUSTERS,
    ),
]
Undo = Annotated[bool, _flag("undo", "Back to the revision that this one was made of; none is ever deleted.")]
Accept = Annotated[bool, _flag("accept", "This revision (after the changes) is the one wanted: it gets its report.")]
Suggest = Annotated[bool, _flag("suggest", "What could be better, as options to type.")]
Yes = Annotated[bool, _flag("yes", "Go on without asking, also where it costs.", "-y")]
Why = Annotated[
    str | None,
    typer.Option(
        "--why", envvar="ICTC_WHY", metavar="IMAGE", help="Why an image is where it is.", rich_help_panel=_LOOK
    ),
]


@with_models(describes=True, names=False)
def refine(
    ctx: typer.Context,
    run: o.Run,
    given: Given,
    criterion: Criterion = None,
    k: K = None,
    keep_descriptions: Keep = False,
    rename: Rename = None,
    merge: Merge = None,
    split: Split = None,
    drop: Drop = None,
    add: Add = None,
    move: Move = None,
    pin: Pin = None,
    unpin: Unpin = None,
    corrections: Carried = None,
    why: Why = None,
    suggest: Suggest = False,
    undo: Undo = False,
    accept: Accept = False,
    yes: Yes = False,
    revision: o.RevisionId = "",
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Change RUN's result: correct clusters, reword the criterion, ask for another K. Each change is a new revision,
    only what it touches is asked again, and what that takes is said before. Without options, on a terminal: a session.

    Several options are one revision, made in this order: unpin, rename, merge, split, drop, add, move, pin, then
    criterion and K. A name that holds = or + stands in double quotes, a quote in it is written twice:
    --rename '"a=b"=c'. A model is asked by the means of the run, unless others are given.
    """
    if not _typed(ctx, "criterion"):  # ictc.toml names the criterion and K of runs
        criterion = None
    if not _typed(ctx, "k"):
        k = None
    texts = {"unpin": unpin, "rename": rename, "merge": merge, "split": split}
    texts |= {"drop": drop, "add": add, "move": move, "pin": pin}
    from ictc.steering.parsing import parse
    from ictc.steering.work import refinement

    typed = [parse(do, text) for do, some in texts.items() for text in some or ()]
    meter = given.meter()
    wanted: int | Literal["same"] | None = o.k_value(k) if k else "same"
    asked = refinement(
        run, typed, revision, given.means, criterion, wanted, keep_descriptions, corrections, watching(meter), meter
    )
    changes = bool(asked.changes or corrections)
    if sum((undo, why is not None, suggest, changes or accept)) > 1:
        raise UsageError("Changes, --undo, --why and --suggest are asked for one at a time.", "Type them one by one.")
    if undo:
        if revision:
            raise UsageError("--undo goes back one revision, from the last.", "Leave --revision away.")
        _undo(run, json_output)
    elif why is not None:
        _why(run, revision, why, json_output)
    elif suggest:
        from ictc.cli.suggestions import suggested

        suggested(asked, yes, json_output)
    elif changes:
        _refine(asked, given, yes, accept, fail_on_error, json_output)
    elif accept:
        _accept(run, revision, json_output)
    elif not json_output and sys.stdin.isatty() and sys.stdout.isatty():
        from ictc.cli.session import Session

        Session(asked, given, yes).loop()
    else:
        raise UsageError(
            "There is nothing to change.",
            f"For example: {command_line('refine', str(run), '--rename', 'a=b')}; on a terminal it is a session.",
        )


def _typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT")


def _refine(asked: Refinement, given: Given, yes: bool, accept: bool, fail_on_error: float, json_output: bool) -> None:
    from ictc.differing import difference
    from ictc.steering.forecast import forecast

    found = forecast(asked)
    if given.dry_run:
        show_plans([(str(asked.folder), found)], json_output)
        return
    if not may_go_on(found, yes):
        say("Nothing was changed.")
        raise typer.Exit(1)
    refined = carried_out(asked, given)
    if accept:
        _accepted(asked.folder, refined.done.revision.id)
    requests = asked.meter.to_json()["requests"]
    what = difference(refined.before.result, refined.done.result)
    outcome = outcome_of(refined.done, fail_on_error)
    if json_output:
        print_json({**refined_json(asked.folder, refined, what, requests), **outcome.to_json()})
    else:
        show_refined(refined, what, requests, found.remarks)
    outcome.leave()


def carried_out(asked: Refinement, given: Given) -> Refined:
    """The refinement, made; where a model is gone, the person is asked whether the offline lane does the rest."""
    from dataclasses import replace

    from ictc.means import Means, changed
    from ictc.steering.job import refine as make

    def again(means: Means) -> Refined:
        fallback = {"fallback": means.fallback} if means.fallback else {}
        return make(replace(asked, given={**asked.given, **fallback}))

    return going_on(again, changed(Means(), given.means), given)


def _undo(run: Path, json_output: bool) -> None:
    from ictc.differing import difference
    from ictc.steering.job import undo

    back = undo(run)
    what = difference(back.before.result, back.done.result)
    if json_output:
        print_json(refined_json(run, back, what, 0) | {"undone": back.before.revision.id})
        return
    show_clusters(back.done)
    show_line(f"back at revision {back.done.revision.id}; {back.before.revision.id} stays, and can be had again:")
    show_line(f"  {command_line('refine', str(run), '--revision', back.before.revision.id, '--accept')}")


def _why(run: Path, revision: str, image: str, json_output: bool) -> None:
    from ictc.outputs import reopen
    from ictc.steering.looking import why

    done = reopen(run, revision)
    found = why(image, done.result, done.revision.corrections())
    if json_output:
        print_json({"run": str(run), "revision": done.revision.id, "images": [w.to_json() for w in found]})
    else:
        show_why(found)


def _accept(run: Path, revision: str, json_output: bool) -> None:
    page, accepted = _accepted(run, revision)
    if json_output:
        print_json({"run": str(run), "revision": accepted, "accepted": True, "report": str(page)})
    else:
        show_line(f"revision {accepted} is accepted; report: {page}")


def _accepted(run: Path, revision: str) -> tuple[Path, str]:
    from ictc.outputs import accept

    page, done = accept(run, revision, watching())
    return page, done.revision.id
