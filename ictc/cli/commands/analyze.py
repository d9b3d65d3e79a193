"""`ictc analyze`: what a run's clusters are like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from ictc.cli import options as o
from ictc.cli.console import out, print_json, say, show_line, watch
from ictc.errors import EXIT_PARTIAL
from ictc.result import UNASSIGNED
from ictc.text import printable, shortened

if TYPE_CHECKING:
    from ictc.job import Done

Near = Annotated[
    float,
    typer.Option(
        "--near",
        envvar="ICTC_NEAR",
        metavar="COSINE",
        min=0.0,
        max=1.0,
        help="From which on images are near-duplicates.",
    ),
]
Limit = Annotated[
    int,
    typer.Option(
        "--sample",
        envvar="ICTC_SAMPLE",
        metavar="N",
        min=2,
        help="Images compared with each other; of more, N are drawn.",
    ),
]
OnMap = Annotated[
    bool, typer.Option("--tsne", envvar="ICTC_TSNE", help="Try k-means on the t-SNE map too, and say what it is worth.")
]
Noise = Annotated[
    bool,
    typer.Option(
        "--noise", envvar="ICTC_NOISE", help="The noise study instead: pictures made worse are embedded again."
    ),
]
Worse = Annotated[
    int,
    typer.Option("--images", envvar="ICTC_NOISE_IMAGES", metavar="N", min=1, help="Of --noise: pictures made worse."),
]
Seed = Annotated[
    int, typer.Option("--seed", envvar="ICTC_SEED", metavar="N", min=0, help="Of everything that is drawn.")
]
_ROWS, _TOLD, _NAME, _WORDS = 10, 5, 28, 60


def analyze(
    run: o.Run,
    revision: o.RevisionId = "",
    truth: o.MaybeTruth = None,
    near: Near = 0.98,
    sample: Limit = 20_000,
    tsne: OnMap = False,
    noise: Noise = False,
    images: Worse = 200,
    seed: Seed = 0,
    json_output: o.Json = False,
) -> None:
    """Say what RUN's clusters are like: how far apart, which words describe them, their outliers, near neighbours in
    other clusters, duplicates and near-duplicates. Embeds nothing; writes analysis.json beside the result files.

    With --noise: how far assignments and scores move when pictures get noise, blur, JPEG artefacts, are cropped, hidden
    in part or darkened, at three strengths each; writes noise.json and noise.png.
    """
    from ictc import outputs
    from ictc.analysis.job import Asked, analyze

    if noise:
        _study(outputs.reopen(run, revision), truth, images, seed, json_output)
        return
    asked = Asked(truth, near, sample, tsne, seed=seed)
    found = analyze(outputs.reopen(run, revision), asked, watch)
    undrawn = found["tsne_kmeans"].get("failed") if tsne else None
    if json_output:
        print_json({**found, "exit": EXIT_PARTIAL} if undrawn else found)
    else:
        _tables(found)
    if undrawn:
        say(f"--tsne: {undrawn} All else is done.")
        raise typer.Exit(EXIT_PARTIAL)


def _tables(found: dict[str, Any]) -> None:
    if "supervised" in found:
        say(found["supervised"])
    _clusters(found)
    _neighbours(found)
    _copies(found)
    if "map" in found.get("tsne_kmeans", {}):
        _on_map(found["tsne_kmeans"])
    if found["compared"] < found["images"]:
        say(f"Compared with each other: {found['compared']:,} of {found['images']:,} images (--sample N).")
    show_line(f"all of it: {found['file']}")


def _study(done: Done, truth: str | None, images: int, seed: int, json_output: bool) -> None:
    from ictc.analysis.noise import Asked, study

    found = study(done, Asked(truth, images, seed), watch)
    if json_output:
        print_json(found)
        return
    if "supervised" in found:
        say(found["supervised"])
    scored = ("acc", "ari", "nmi") if "acc" in found["clean"] else ()
    table = _table("noise", "change", "value", "cosine", "same cluster", "ARI with clean", *map(str.upper, scored))
    for row in [{"kind": "none", **found["clean"]}, *found["changes"]]:
        value = f"{row['value']:g}" if row.get("strength") else ""
        told = (row.get(key) for key in ("cosine", "agreement", "ari_with_clean", *scored))
        table.add_row(row["kind"], value, *map(_number, told))
    out().print(table)
    show_line(
        f"{found['images']:,} of {found['of']:,} images; clusters by the nearest centre. Figure: {found['figure']}"
    )


def _clusters(found: dict[str, Any]) -> None:
    scored = "acc" in found
    table = _table("clusters", "cluster", "images", "silhouette", *(["class"] if scored else []), "words", "outliers")
    for c in found["clusters"]:
        classes = c.get("classes", {})
        top = next(iter(classes.items()), None)
        share = f"{top[0]} {top[1] / max(1, c['images']):.0%}" if top else ""
        table.add_row(
            _cell(c["name"]),
            f"{c['images']:,}",
            _number(c["silhouette"]),
            *([_cell(share)] if scored else []),
            _cell(", ".join(w["word"] for w in c["words"][:_TOLD]), _WORDS),
            _cell(
                ", ".join(x["image"] for x in c["outliers"][:2]) + (" ..." if len(c["outliers"]) > 2 else ""), _WORDS
            ),
        )
    out().print(table)
    told = f"  ACC {found['acc']:.4f}  ARI {found['ari']:.4f}  NMI {found['nmi']:.4f}" if scored else ""
    show_line(f"silhouette of all: {_number(found['silhouette'])}{told}")


def _neighbours(found: dict[str, Any]) -> None:
    if not found["neighbours"]:
        return
    table = _table("nearest across clusters", "image", "cluster", "image", "cluster", "cosine")
    for pair in found["neighbours"][:_ROWS]:
        table.add_row(*_pair(pair), f"{pair['cosine']:.2f}")
    out().print(table)


def _copies(found: dict[str, Any]) -> None:
    copies = found["copies"]
    for group in copies["equal"][:_ROWS]:
        show_line(f"equal bytes: {', '.join(group['images'])}")
    if copies["near"]:
        table = _table("near-duplicates", "image", "cluster", "image", "cluster", "cosine", "look")
        for pair in copies["near"][:_ROWS]:
            bits = f"{pair['bits']} bits" if "bits" in pair else ""
            table.add_row(*_pair(pair), f"{pair['cosine']:.3f}", bits)
        out().print(table)
    look = f"looks that differ in at most {copies['bits_up_to']} of {copies['of_bits']} bits"
    show_line(
        f"{copies['equal_images']} images have equal bytes, in {copies['equal_groups']} groups; {copies['near_pairs']} "
        f"pairs are near: cosine from {copies['cosine_from']} ({copies['vectors']}), or {look}."
    )


def _on_map(found: dict[str, Any]) -> None:
    table = _table("k-means on the t-SNE map", "", "silhouette", "ACC", "ARI", "NMI")
    for name, worth in (("of the map", found["map"]), ("of this run", found["clusters"])):
        table.add_row(name, *(_number(worth.get(key)) for key in ("silhouette", "acc", "ari", "nmi")))
    out().print(table)
    show_line(
        f"ARI of the two {found['ari_with_clusters']:.2f}; of maps of other seeds with this one "
        f"{found['stability']:.2f}."
    )
    say(f"Warning: {found['warning']}")


def _pair(pair: dict[str, Any]) -> list[Text]:
    return [_cell(pair[key] or UNASSIGNED) for key in ("image", "cluster", "other", "other_cluster")]


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in columns:
        numbers = column in ("images", "silhouette", "cosine", "ACC", "ARI", "NMI")
        table.add_column(column, justify="right" if numbers else "left", overflow="fold")
    return table


def _cell(text: str, width: int = _NAME) -> Text:
    return Text(shortened(printable(text), width))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
