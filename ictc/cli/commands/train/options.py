"""What trainings have in common on the command line, and what they say when they are done."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from ictc.cli.console import print_json, say, show_line
from ictc.errors import EXIT_PARTIAL
from ictc.text import command_line

HOW = "How it is trained"
_WHICH = "Which images are trained on"
_WHERE = "Where"
VIEWS = "How views are drawn"


def option(name: str, metavar: str, help_text: str, *flags: str, panel: str | None = None, **more: Any) -> Any:
    """An option with its variable: ICTC_ and its name."""
    return typer.Option(
        *(flags or (f"--{name}",)),
        envvar="ICTC_" + name.replace("-", "_").upper(),
        metavar=metavar,
        help=help_text,
        rich_help_panel=panel,
        **more,
    )


Truth = Annotated[
    str | None,
    option("truth", "filename|folder|FILE[:COLUMN]", "Where the true classes stand.", panel=_WHICH),
]
Share = Annotated[
    float,
    option("train-share", "SHARE", "Of each class so much; the rest is held apart, to test on.", panel=_WHICH),
]
PerClass = Annotated[int | None, option("per-class", "N", "So many of each class instead.", panel=_WHICH)]
Base = Annotated[
    str,
    option(
        "base", "SPEC",
        "The network: lite0, small[:WIDTH], resnet, efficientnet, dinov2 (each also :FOLDER), vision:FOLDER, "
        "timm:NAME, torch:package.module:function, trained:FOLDER.",
    ),
]  # fmt: skip
Scratch = Annotated[bool, option("scratch", "", "Begin with random weights, not the published ones.", "--scratch")]
Side = Annotated[
    int | None, option("side", "PIXELS", r"Of the squares that it is given. \[default: the network's own]", min=8)
]
Epochs = Annotated[int, option("epochs", "N", "How often each image is seen.", panel=HOW)]
BatchSize = Annotated[int, option("batch-size", "N", "Images a step, on each device.", panel=HOW)]
Rate = Annotated[float, option("lr", "RATE", "The learning rate of Adam.", panel=HOW)]
Decay = Annotated[float, option("weight-decay", "W", "Of Adam.", panel=HOW)]
Schedule = Annotated[str, option("schedule", "constant|cosine", "Of the learning rate.", panel=HOW)]
Seed = Annotated[int, option("seed", "N", "Of the split, the order and everything drawn at random.", panel=HOW)]
DeviceName = Annotated[str | None, option("device", "DEVICE", "cpu, cuda, cuda:1, mps.", panel=_WHERE)]
Precision = Annotated[
    str,
    option(
        "precision", "auto|no|fp16|bf16", "Of the arithmetic; auto: bf16 or fp16 on a GPU, float32 on a CPU.",
        panel=_WHERE,
    ),
]  # fmt: skip


def _folder(text: str | Path) -> Path:
    """A path of nothing would be the folder that one is in."""
    if not str(text).strip():
        raise typer.BadParameter("no folder is named. Type for example: -o trained")
    return Path(text)


Output = Annotated[
    Path,
    option(
        "output", "OUT", "The folder for the result; gone on with where it was interrupted.", "--output", "-o",
        parser=_folder,
    ),
]  # fmt: skip
Restart = Annotated[bool, option("restart", "", "Throw away what OUT has, and begin anew.", "--restart")]

Unlabelled = Annotated[
    str | None,
    option(
        "truth", "filename|folder|FILE[:COLUMN]", "Where the true classes stand; only for --train-share to be of each.",
        panel=_WHICH,
    ),
]  # fmt: skip
Crop = Annotated[float, option("crop", "SHARE", "The least of an image's area that a view has.", panel=VIEWS)]
Blur = Annotated[
    float | None,
    option(
        "blur", "SHARE", r"So many of the views are blurred. \[default: as published from 64 pixels on, else none]",
        panel=VIEWS,
    ),
]  # fmt: skip
Jitter = Annotated[float, option("jitter", "S", "How strongly views change colours; 0 not at all.", panel=VIEWS)]

Run = Annotated[
    Path | None,
    option(
        "run", "RUN", "A run whose store has the vectors, or gets them; without it they are kept until OUT is done.",
        panel=_WHERE,
    ),
]  # fmt: skip


def told(out: Path, done: Mapping[str, Any], images: str, as_json: bool, also: str = "", *, share: float) -> None:
    """What came of it, and how it is used; `share`: of the images to be trained on, `also`: another command. Exits
    with 3 where images failed."""
    from ictc.training.folder import first_process

    if not first_process():
        return
    spec = f"trained:{out}"
    if done["facts"].get("warning"):
        say(f"warning: {done['facts']['warning']}")
    if share < 1 and not _apart(out):
        say("warning: no image is held apart, so nothing tells how good it is: a class needs two images or more.")
    facts = done["facts"]
    if failed := facts.get("failed"):
        codes = ", ".join(f"{code}: {n}" for code, n in facts["codes"].items())
        say(f"{failed} {'image' if failed == 1 else 'images'} failed ({codes}): {out / 'failures.jsonl'} says why.")
    if as_json:
        print_json({"output": str(out), "spec": spec, **done, "exit": EXIT_PARTIAL if failed else 0})
        if failed:
            raise typer.Exit(EXIT_PARTIAL)
        return
    if facts.get("without_text"):
        say(f"{facts['without_text']} images to train on have no text and were left out.")
    lines = [f"{done['kind']}: trained on {facts['images']:,} images"]
    if facts.get("loss") is not None:
        lines.append(f"loss {facts['loss']:.4f}")
    if facts.get("accuracy") is not None:
        lines.append(f"accuracy {facts['accuracy']:.3f} on {facts['tested']:,} that were held apart")
    if facts.get("explained"):
        lines.append(f"{facts['explained']['total']:.1%} of the variance is kept")
    if facts.get("variance") is not None:
        lines.append(f"{facts['variance']:.1%} of where images lie is told by others")
    show_line(", ".join(lines))
    show_line(f"written: {out}")
    if done["made"].get("classes") and facts.get("tested"):
        say(f"next: {command_line('compare', images, '--truth', 'folder', '--features', spec)}")
    else:
        say(f"next: {command_line('cluster', images, '--embedder', spec)}")
    if also:
        say(f"or: {also}")
    if failed:
        raise typer.Exit(EXIT_PARTIAL)


def _apart(out: Path) -> bool:
    """Whether any image was held apart; where the training does not say, none is missed."""
    try:
        with (out / "split.csv").open(encoding="utf-8", newline="") as file:
            return any(row["part"] == "test" for row in csv.DictReader(file))
    except (OSError, ValueError, KeyError, csv.Error):
        return True
