"""`ictc data list|prepare`: the data sets of the papers, put on the disk as `ictc run` reads them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ictc.cli import options as o
from ictc.cli.console import out, plain, print_json, say, show_line, watching
from ictc.errors import EXIT_PARTIAL, IctcError
from ictc.text import command_line

if TYPE_CHECKING:
    from ictc.datasets.done import Prepared
    from ictc.datasets.recipe import Dataset

Name = Annotated[str, typer.Argument(metavar="NAME", envvar="ICTC_NAME", help="A data set: see `ictc data list`.")]
Root = Annotated[
    Path,
    typer.Option("--root", envvar="ICTC_ROOT", metavar="DIR", help="The folder of all data sets; made when missing."),
]
From = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        envvar="ICTC_FROM",
        metavar="ARCHIVE_OR_DIR",
        help="An official archive, a folder of them, or a folder of what they hold; may be repeated. Without it: "
        "downloaded.",
    ),
]
Split = Annotated[
    str,
    typer.Option(
        "--split", envvar="ICTC_SPLIT", metavar="SPLIT", help="Such as test, train, all; by default what IC|TC took."
    ),
]
Classes = Annotated[
    str,
    typer.Option(
        "--classes",
        envvar="ICTC_CLASSES",
        metavar="A,B|FILE.txt",
        help="Only these classes of the first criterion: with commas, or a text file of one a line.",
    ),
]
PerClass = Annotated[
    int,
    typer.Option(
        "--per-class", envvar="ICTC_PER_CLASS", metavar="N", min=0, help="At most N images a class, drawn; 0: all."
    ),
]
Seed = Annotated[int, typer.Option("--seed", envvar="ICTC_SEED", metavar="N", min=0, help="Of --per-class.")]
Labels = Annotated[
    list[str] | None,
    typer.Option(
        "--labels",
        envvar="ICTC_LABELS",
        metavar="CRITERION=FILE",
        help="Classes of a criterion that the set does not have itself; may be repeated.",
    ),
]
Verify = Annotated[
    bool,
    typer.Option(
        "--verify/--no-verify",
        envvar="ICTC_VERIFY",
        help="Refuse files that are not the publisher's, by size and hash.",
    ),
]


def list_(root: Root = Path("data"), json_output: o.Json = False) -> None:
    """List the data sets: what each can be clustered by, how many images it has, whether it is prepared under DIR."""
    from ictc.datasets.known import dataset, installed

    rows: list[dict[str, Any]] = []
    for name in installed():
        try:
            rows.append(_row(dataset(name), root))
        except IctcError as error:  # another package's; the others are shown
            rows.append({"name": name, "error": error.message})
    if json_output:
        print_json({"root": str(root), "datasets": rows})
        return
    table = Table()
    for column in ("name", "by (classes)", "images", f"in {root}"):
        table.add_column(plain(column), overflow="fold")
    for row in rows:
        table.add_row(*map(plain, [row["name"], row["error"], "", ""] if "error" in row else _cells(row)))
    out().print(table)
    say("* needs a file: ictc data prepare NAME --labels CRITERION=FILE")
    say("Prepare one with: ictc data prepare NAME   (licences, sources and notes: ictc data list --json)")


def prepare(
    name: Name,
    root: Root = Path("data"),
    given: From = None,
    split: Split = "",
    classes: Classes = "",
    per_class: PerClass = 0,
    seed: Seed = 782,
    labels: Labels = None,
    verify: Verify = True,
    json_output: o.Json = False,
) -> None:
    """Put a data set into DIR/NAME: images called {number}_{class}.ext and metadata.csv with a column per criterion.

    Goes on where it was stopped, and does nothing where all is there. Read a licence before you use the images.
    """
    from ictc.datasets.known import dataset
    from ictc.datasets.preparing import prepare as prepare_
    from ictc.datasets.recipe import Options

    known = dataset(name)
    names, file = _classes(classes)
    options = Options(
        split=split or next(iter(known.splits)),
        classes=names,
        classes_file=file,
        per_class=per_class,
        seed=seed,
        labels=_labels(labels or []),
    )
    if known.note:
        say(known.note)
    done = prepare_(known, options, root, given or [], verify=verify, watch=watching())
    following = _next(done)
    few = [name for name, number in next(iter(done.counts.values()), {}).items() if number < per_class]
    if few:
        say(f"{len(few)} classes have fewer than {per_class} images, such as {few[0]}.")
    if json_output:
        facts = {**asdict(done), "folder": str(done.folder), "checked": dict(done.checked)}
        left = {"exit": EXIT_PARTIAL if done.failed else 0}
        print_json({"name": known.name, **facts, "licence": known.licence, "next": following, **left})
    else:
        _show(known, done)
        for line in following:
            show_line(f"next: {line}")
    if done.failed:
        say(
            f"{done.failed:,} images could not be had ({done.why.rstrip('.')}, ...); the same command tries them again."
        )
        raise typer.Exit(EXIT_PARTIAL)


def _row(known: Dataset, root: Path) -> dict[str, Any]:
    from ictc.datasets.done import state_under

    done = state_under(root, known.name)
    return {
        "name": known.name,
        "title": known.title,
        "page": known.page,
        "licence": known.licence,
        "citation": known.citation,
        "note": known.note,
        "criteria": [asdict(criterion) for criterion in known.criteria],
        "splits": dict(known.splits),
        "sources": [
            {"file": s.file, "url": s.url, "size": s.size, "checksum": s.checksum, "by_hand": s.by_hand}
            for s in known.sources
        ],
        "prepared": done and {"folder": str(done.folder), "images": done.images},
    }


def _cells(row: dict[str, Any]) -> list[str]:
    def criterion(one: dict[str, Any]) -> str:
        number = f" ({one['classes']})" if one["classes"] else ""
        return f"{one['name']}{number}" + " *" * bool(one["needs"])

    return [
        row["name"],
        ", ".join(map(criterion, row["criteria"])),
        ", ".join(f"{split} {number:,}" if number else split for split, number in row["splits"].items()),
        f"{row['prepared']['images']:,} images" if row["prepared"] else "",
    ]


def _classes(text: str) -> tuple[tuple[str, ...], Path | None]:
    """The names, and the file they stand in, which is told by its ending or a folder before it: a file that is called
    as a class alone is not meant."""
    from ictc.jsonl import read_text

    path = Path(text)
    is_file = text.endswith(".txt") or ((path.suffix != "" or "/" in text) and len(text) < 4096 and path.is_file())
    names = read_text(path).splitlines() if is_file else text.split(",")
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip())), path if is_file else None


def _labels(words: list[str]) -> dict[str, Path]:
    from ictc.errors import UsageError

    found = {}
    for word in words:
        criterion, equals, file = word.partition("=")
        if not equals or not criterion.strip() or not file:
            raise UsageError(f"--labels {word} is not CRITERION=FILE.", "Type for example: --labels mood=mood.csv")
        found[criterion.strip()] = Path(file)
    return found


def _next(done: Prepared) -> list[str]:
    """What to type to cluster by the first criterion, and to score it."""
    criterion, classes = next(iter(done.counts.items()), ("", {}))
    run = str(Path("runs") / done.folder.name)
    return [
        command_line("run", str(done.folder), "-c", criterion, "-k", str(len(classes)), "-o", run),
        command_line("score", run, "--truth", criterion),
    ]


def _show(known: Dataset, done: Prepared) -> None:
    columns = ", ".join(f"{name} ({len(classes)})" for name, classes in done.counts.items())
    show_line(f"{done.folder}: {done.images:,} images by {columns}" + ("" if done.fresh else "; it was there already"))
    if done.gone:
        say(f"{done.gone:,} images are not to be had from their publisher any more; they are left out.")
    if done.unlike:
        say(f"Not as published, and taken all the same: {done.unlike}.")
    if done.changed:
        say(f"metadata.csv in {done.folder} was changed since; it stays as it is.")
    for file, against in done.checked:
        say(f"{file}: {'checked by ' + against if against in ('md5', 'sha1', 'sha256', 'size') else against}")
    if done.unpacked:
        say("Unpacked files have no published hashes: their form was checked, not that they are the publisher's.")
    say(f"licence: {known.licence}")
