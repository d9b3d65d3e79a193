"""`ictc update`: a run brought up to date with its images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ictc.cli import options as o
from ictc.cli.asking import going_on, show_plans
from ictc.cli.console import out, print_json, say, show_line, watching
from ictc.cli.model_options import Given, with_models
from ictc.cli.outcome import Outcome, outcome_for
from ictc.cli.results import facts_of
from ictc.cli.tables import cell
from ictc.text import command_line, printable, shortened

if TYPE_CHECKING:
    from ictc.means import Means
    from ictc.updating.job import Updated

Images = Annotated[
    str,
    typer.Argument(
        metavar="[IMAGES]",
        envvar="ICTC_IMAGES",
        help="All the images there are now, as of `ictc run`; by default where the run's images came from.",
        show_default=False,
    ),
]
RevisionId = Annotated[
    str,
    typer.Option(
        "--revision",
        envvar="ICTC_REVISION",
        metavar="NNN",
        help="The revision to update; by default the last finished.",
    ),
]
_SHOWN = 12


@with_models(describes=True, names=False)
def update(
    run: o.Run,
    given: Given,
    images: Images = "",
    revision: RevisionId = "",
    with_report: o.WithReport = True,
    fail_on_error: o.FailOnError = 0.5,
    json_output: o.Json = False,
) -> None:
    """Bring RUN up to date with its images: new and changed ones (by content) go to the clusters that there are.

    All others keep what they have, corrections by hand too, and cost nothing; what was removed leaves. The result is a
    new revision. Says whether the new images differ from the old, and which cluster may be missing.
    """
    from ictc import outputs
    from ictc.means import Means, changed
    from ictc.updating.job import update as work
    from ictc.updating.prepare import Asked

    asked = Asked(run, images, revision, given.means)
    if given.dry_run:
        _plan(asked, json_output)
        return
    meter = given.meter()
    watch = watching(meter)

    def again(means: Means) -> Updated:
        fallback = {"fallback": means.fallback} if means.fallback else {}
        return work(replace(asked, given={**asked.given, **fallback}), watch, meter)

    found = going_on(again, changed(Means(), given.means), given)
    page = outputs.report(found.done, watch, anew=False) if with_report and not found.nothing else None
    outcome = _outcome(found, fail_on_error)
    commands = _commands(found, run)
    if json_output:
        told = {**found.told, "nothing": found.nothing, "commands": commands}
        print_json({**facts_of(found.done, run, None, page, outcome), "update": told})
    else:
        _show(found, run, commands)
        if page:
            show_line(f"report: {page}")
    outcome.leave()


def _plan(asked: Any, json_output: bool) -> None:
    from ictc.updating.plan import plan

    became, estimate = plan(asked)
    if json_output:
        print_json({"dry_run": True, "changes": became.to_json(), **estimate.to_json()})
        return
    show_line(became.line())
    show_plans([(f"{asked.folder}: {len(became.fresh)} images to look at", estimate)], False)


def _outcome(found: Updated, fail_on_error: float) -> Outcome:
    """Too many failed when their share of those that were looked at is above the limit."""
    failed = {f.image for f in found.failures}
    where = found.done.revision.path / "failures.jsonl"
    return outcome_for(found.failures, len(failed), max(found.tried, len(failed)), fail_on_error, where)


def _commands(found: Updated, run: Path) -> dict[str, str]:
    """What to type to add the suggested cluster, or to cluster all anew with it."""
    more = found.told.get("suggestion")
    if not more:
        return {}
    from ictc.behind import command_of
    from ictc.text import quoted

    settings = found.done.folder.settings(found.done.revision.id)
    anew = replace(settings, k=found.done.result.k + 1, taxonomy="")
    told = {"add": command_line("refine", str(run), "--add", quoted(more["name"]))}
    return told if settings.wording.get("names") else {**told, "anew": command_of(anew, str(run))}


def _show(found: Updated, run: Path, commands: dict[str, str]) -> None:
    from ictc.behind import command_of
    from ictc.updating.changes import counted

    revision, told = found.done.revision.id, found.told
    if found.nothing:
        show_line(f"Nothing to do: revision {revision} of {run} has the images that there are.")
        for failure in found.failures:
            say(f"{failure.image}: {failure.message}")
        if told["again"]:
            settings = found.done.folder.settings(revision)
            say(f"{len(told['again'])} images failed before; to try them again: {command_of(settings, str(run))}")
        return
    if found.done.reused:
        say(f"Nothing had to be computed: revision {revision} holds this update.")
    tried = f", {len(told['again'])} that failed tried again" if told["again"] else ""
    shown = counted(told["changes"]) + tried
    show_line(f"images: {shown} (revision {told['base']} → {revision})")
    for note in found.done.notes:
        if not note.startswith(f"Update of revision {told['base']}:"):
            say(note)
    if told["tried"]:
        _show_where(found)
    if told.get("cascade"):
        from ictc.reasoners.cascade.bargain import Bargain

        show_line(f"cascade: {Bargain.from_json(told['cascade']).line()}")
    if told["drift"]:
        _show_drift(told["drift"])
    if more := told["suggestion"]:
        examples = ", ".join(shortened(printable(i), 40) for i in more["images"][:3])
        show_line(
            f"perhaps a cluster is missing: “{more['name']}”, {more['size']} new images that belong together and to "
            f"none of the clusters, for example {examples}"
        )
        show_line(f"  to add it: {commands['add']}")
        if "anew" in commands:
            show_line(f"  to cluster all anew: {commands['anew']}")
    say(f"next: {command_line('diff', str(run), told['base'], revision)}")


def _show_where(found: Updated) -> None:
    from rich.table import Table

    told, sizes = found.told, {name: len(images) for name, images in found.done.result.clusters.items()}
    table = Table(title="where the new images are", title_justify="left")
    table.add_column("cluster", style="bold", overflow="fold")
    for name in ("new", "of the new", "of those before", "images now"):
        table.add_column(name, justify="right")
    rows = [r for r in told["clusters"] if r["images"]]
    for r in rows[:_SHOWN]:
        shares = (f"{r['share']:.0%}", f"{r['share_before']:.0%}")
        table.add_row(cell(r["cluster"], 40), str(r["images"]), *shares, str(sizes.get(r["cluster"], 0)))
    if told["unassigned"]:
        total = told["unassigned"] + sum(r["images"] for r in told["clusters"])
        now = str(len(found.done.result.unassigned))
        table.add_row("unassigned", str(told["unassigned"]), f"{told['unassigned'] / total:.0%}", "", now)
    out().print(table)
    if len(rows) > _SHOWN:
        show_line(f"and {len(rows) - _SHOWN} more clusters; --json has all.")


def _show_drift(drift: dict[str, Any]) -> None:
    from rich.table import Table

    from ictc.report.update_view import drift_line, sign_rows

    table = Table(title="new images beside those before", title_justify="left")
    table.add_column("", overflow="fold")
    for name in ("new", "share, 95 % interval", "expected", "p"):
        table.add_column(name, justify="right")
    for row in sign_rows(drift):
        table.add_row(row.what, row.new, row.share, row.expected, row.p)
    out().print(table)
    confidence = drift["confidence"]
    if None not in confidence.values():
        show_line(f"mean confidence: {confidence['new']:.2f} of the new, {confidence['old']:.2f} of those before")
    show_line(drift_line(drift))
