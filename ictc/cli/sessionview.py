"""What the refining session shows: the clusters by number, one of them closely, and its commands."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ictc.cli.console import out, say, show_line
from ictc.cli.refining import pinned_of
from ictc.cli.tables import cell

if TYPE_CHECKING:
    from ictc.job import Done

HELP = """\
  show             the clusters; show A or show #3: one of them closely
  rename A=B       cluster A is called B
  merge A+B=C      A and B become one, called C (merge A+B: as the larger one)
  split A          into two; A=3: into three; A=B+C: into those called so
  drop A           A goes, its images go to the others
  add A            one more cluster; add A=what belongs there
  move IMAGE=A     an image; x+y=A several; cats/*=A all that fit
  pin A, unpin A   its name and images survive another K and another criterion
  c TEXT           another criterion
  k 8, k auto      another K
  why IMAGE        description, label, evidence and confidence of an image
  s                suggestions: y accepts one, n passes on, q leaves the rest
  diff, diff 001   what is other than before, or than in another revision
  undo, go 001     back to the revision before, or to any other
  accept           this is the result wanted: write its report, and end
  q                end; every revision stays
Clusters go by name, or by number: merge #2+#5=vehicle. A name that holds = or + stands in double quotes.
Ctrl-C ends what is being done, Ctrl-D the session."""

_SAMPLES = 6


def show_numbered(done: Done) -> None:
    """One row a cluster, with a sample file and what it shows; then what is odd."""
    from rich.table import Table

    result = done.result
    texts = {d.image: d.text for d in result.descriptions}
    pinned, odd = set(pinned_of(done)), Counter(c for f in done.findings for c in f.clusters)
    table = Table(title=cell(f"revision {done.revision.id}, by {result.criterion}", 73, "italic"), title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("cluster", style="bold", overflow="fold", min_width=8)
    table.add_column("images", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("for example", style="dim", overflow="fold")
    total = max(1, len(result.assignments))
    for n, (name, images) in enumerate(result.clusters.items(), 1):
        marks = (" (pinned)" if name in pinned else "") + (" (!)" if odd[name] else "")
        sample = f"{images[0]}: {texts.get(images[0], '')}" if images else ""
        table.add_row(str(n), cell(name + marks, 40), str(len(images)), f"{len(images) / total:.0%}", cell(sample, 110))
    out().print(table)
    if result.unassigned:
        show_line(f"unassigned: {len(result.unassigned)}, for example {result.unassigned[0]}")
    for line in (*done.mixed, *(f"(!) {f.message}" for f in done.findings)):
        say(line)


def show_cluster(done: Done, name: str) -> None:
    """One cluster: what belongs to it, its labels, and images from the surest to the least sure."""
    result = done.result
    cluster = next(c for c in result.taxonomy.clusters if c.name == name)
    images = result.clusters[name]
    texts = {d.image: d.text for d in result.descriptions}
    sure = {a.image: a.confidence for a in result.assignments}
    show_line(f"{name}: {len(images)} images{f'; {cluster.about}' if cluster.about else ''}")
    told = ", ".join(f"{label} ({n})" for label, n in list(result.labels_of[name].items())[:12])
    show_line(f"labels: {told or 'none'}")
    step = max(1, len(images) // _SAMPLES)
    for image in images[::step][:_SAMPLES]:
        confidence = f" ({c:.2f})" if (c := sure[image]) is not None else ""
        out().print(cell(f"{image}{confidence}: {texts.get(image, '')}", 300))
