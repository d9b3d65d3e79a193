"""`ictc prompts show|copy`: what models are told, and a folder of it to change."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from ictc.cli import options as o
from ictc.cli.console import out, plain, print_json, say, show_line

Step = Literal[
    "describe", "describe/together", "label", "merge", "merge/groups", "merge/round", "merge/attach", "assign", "repair"
]

StepArgument = Annotated[
    Step | None,
    typer.Argument(
        metavar="[STEP]", envvar="ICTC_STEP", help="One of describe, label, merge, assign, repair; by default all."
    ),
]
ShownCriterion = Annotated[
    str,
    typer.Option("--criterion", "-c", envvar="ICTC_CRITERION", metavar="TEXT", help="What to cluster by, in words."),
]
Folder = Annotated[
    Path | None, typer.Option("--prompts", envvar="ICTC_PROMPTS", metavar="DIR", help="Prompts of your own.")
]
Language = Annotated[
    str, typer.Option("--language", envvar="ICTC_LANGUAGE", metavar="LANGUAGE", help="The language of the answers.")
]
Target = Annotated[Path, typer.Argument(metavar="DIR", envvar="ICTC_DIR", help="A folder; made when missing.")]
Force = Annotated[bool, typer.Option("--force", envvar="ICTC_FORCE", help="Overwrite files that are there.")]


def show(
    step: StepArgument = None,
    criterion: ShownCriterion = "mood",
    prompts: Folder = None,
    language: Language = "",
    json_output: o.Json = False,
) -> None:
    """Show what a model is sent in a step, with example data in place of an image's own. Sends nothing."""
    from ictc.prompts import ITEM, SHARED, Prompts

    found = Prompts(prompts)
    shown = {}
    for name in [step] if step else SHARED:
        given = {"criterion": criterion, "language": language}
        shared = {**SHARED[name], **{key: value for key, value in given.items() if key in SHARED[name]}}
        prompt = found.open(name, **shared)
        file = found.name_of(name, criterion)
        shown[name] = {"file": file, "system": prompt.system, "user": prompt.user(**ITEM[name])}
    if json_output:
        print_json({"criterion": criterion, "prompts": shown})
        return
    for name, parts in shown.items():
        out().rule(plain(f"{name}: {parts['file']}"), align="left")
        for part in ("system", "user"):
            if parts[part]:
                out().print(plain(f"{part}:\n{parts[part]}\n"))


def copy(folder: Target, force: Force = False, json_output: o.Json = False) -> None:
    """Copy the built-in prompts into DIR, to change them there and use them with --prompts DIR.

    Delete those that you do not change: what is missing in DIR is taken from the built-in ones.
    """
    from ictc.errors import UsageError
    from ictc.files import write_atomic
    from ictc.prompts import built_in, load

    there = [name for name in built_in() if (folder / name).exists()]
    if there and not force:
        raise UsageError(
            f"{folder} has {there[0]} already{f' and {len(there) - 1} more' if len(there) > 1 else ''}.",
            "Name another folder, or add --force to overwrite them.",
        )
    try:
        for name in built_in():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_atomic(folder / name, load(name) + "\n")
    except OSError as e:
        raise UsageError(f"{folder} cannot be written: {e}.", "Name another folder.") from e
    if json_output:
        print_json({"folder": str(folder), "files": list(built_in())})
        return
    show_line(f"{len(built_in())} files in {folder}")
    say("Change them, then try: ictc prompts show -c CRITERION --prompts DIR")
