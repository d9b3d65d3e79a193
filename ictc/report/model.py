"""What the report page shows: frozen values, counted and chosen beforehand, so that rendering only prints them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ictc.report.update_view import UpdateView
from ictc.scoring.calibration import Bin
from ictc.types import Cluster, Failure, KChoice

_SMALL = 80


@dataclass(frozen=True, slots=True)
class ModelUsed:
    """One model of the run: which steps it did, how it was asked for, and exactly which one it was."""

    steps: str
    spec: str
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Provenance:
    """How the run was made: what a reader needs to make it again.

    `next_commands` holds (command, what it does); `seconds` is wall time per stage; `made` is an ISO date and time.
    `corrected`: a person merged, split, dropped or added clusters.
    """

    command: str = ""
    next_commands: Sequence[tuple[str, str]] = ()
    models: Sequence[ModelUsed] = ()
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    made: str = ""
    revision: str = ""
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A JPEG and its size in pixels."""

    jpeg: bytes
    width: int
    height: int

    @property
    def pixels(self) -> bool:
        """Whether it is so small that it is shown with its pixels as squares."""
        return self.width < _SMALL


@dataclass(frozen=True, slots=True)
class Picture:
    """One image (or, without thumbnail, one description) of a section.

    `number` is that of its image among all images of the run. `wrong`: its true class is matched with another cluster,
    or with none.
    """

    image: str
    number: int = 0
    text: str = ""
    label: str = ""
    labelled_by: str = ""
    confidence: float | None = None
    evidence: str = ""
    by: str = ""
    truth: str = ""
    wrong: bool = False
    thumbnail: Thumbnail | None = None

    @property
    def words(self) -> str:
        """What stands for the image where it cannot be seen: the most that is known of it."""
        return self.text or self.label or self.evidence or self.image


@dataclass(frozen=True, slots=True)
class Heading:
    """A broader group of clusters; `name` "" holds what belongs to none."""

    name: str
    clusters: int
    size: int
    share: float


@dataclass(frozen=True, slots=True)
class Section:
    """A cluster, or the unassigned images (`number` 0).

    `size` counts all its images; `likely` and `doubtful` are those shown, `hidden` those in between. `preview`:
    the numbers of some of its pictures. `opens`: the broader group whose first section this is.
    """

    number: int
    cluster: Cluster
    size: int
    share: float
    likely: Sequence[Picture]
    doubtful: Sequence[Picture]
    hidden: int
    confidence: float | None
    labels: Sequence[tuple[str, int]]
    more_labels: int
    preview: Sequence[int] = ()
    opens: Heading | None = None

    @property
    def mistakes(self) -> bool:
        """Whether any image that is shown is marked as wrong."""
        return any(p.wrong for p in (*self.likely, *self.doubtful))

    @property
    def anchor(self) -> str:
        return f"cluster-{self.number}" if self.number else "unassigned"


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How one true class was found: `matched` is its cluster, "" where none was left for it."""

    name: str
    n: int
    matched: str
    recall: float | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A true class of the confusion matrix; each cell is (images, heat 0..10 by share of the row, matched)."""

    name: str
    n: int
    cells: Sequence[tuple[int, int, bool]]


@dataclass(frozen=True, slots=True)
class ReliabilityView:
    """How often confidences are right: `bins` that hold images, their calibration error, and who has no confidence."""

    bins: Sequence[Bin]
    ece: float
    without: int

    @property
    def n(self) -> int:
        return sum(b.n for b in self.bins)


@dataclass(frozen=True, slots=True)
class ScoreView:
    """The scores as shown: tiles of (name, value, note), the table of classes and the confusion matrix.

    A matrix too large to read is left out: `rows` is empty. `reliability` is None where no image has a confidence.
    `supervised` says what true classes went into the result, "" where none did.
    """

    n: int
    without_truth: int
    tiles: Sequence[tuple[str, str, str]]
    classes: Sequence[ClassScore]
    columns: Sequence[str]
    rows: Sequence[HeatRow]
    reliability: ReliabilityView | None = None
    supervised: str = ""


@dataclass(frozen=True, slots=True)
class MapGroup:
    """The images of one section on the map: integer positions in the drawing, and the images' numbers."""

    number: int
    name: str
    points: Sequence[tuple[int, int]]
    images: Sequence[int]


@dataclass(frozen=True, slots=True)
class MapLabel:
    """A group's name and the middle of its place on the map; `line` (x1, y1, x2, y2) leads to the group."""

    x: int
    y: int
    name: str
    line: tuple[int, int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class ImageMap:
    """The 2-D map: `shown` of `total` images have a point. `labels` do not overlap, and hide few dots or none."""

    width: int
    height: int
    groups: Sequence[MapGroup]
    labels: Sequence[MapLabel]
    shown: int
    total: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that the page shows of one revision. `changes`: how it differs from an earlier one, in lines;
    `update`: where it is an update, what that found."""

    criterion: str
    sections: Sequence[Section]
    unassigned: Section | None
    choice: KChoice | None
    counts: Mapping[str, int]
    confidence: float | None
    failures: Sequence[Failure]
    more_failures: int
    failure_codes: Sequence[tuple[str, str, int]]
    scores: ScoreView | None
    map: ImageMap | None
    warnings: Sequence[str]
    provenance: Provenance
    changes: Sequence[str] = ()
    update: UpdateView | None = None

    @property
    def k(self) -> int:
        return len(self.sections)

    @property
    def specs(self) -> list[str]:
        """The model specs in use, each once."""
        return list(dict.fromkeys(m.spec for m in self.provenance.models))

    @property
    def groups(self) -> list[Section]:
        """The clusters, the largest (of the largest broader group) first, then unassigned images if there are any."""
        return [*self.sections, *([self.unassigned] if self.unassigned else [])]

    @property
    def pictured(self) -> bool:
        """Whether any image is shown as a picture; otherwise the page shows descriptions as cards."""
        return any(p.thumbnail for s in self.groups for p in (*s.likely, *s.doubtful))

    @property
    def thumbnails(self) -> dict[int, Thumbnail]:
        """The pictures in it, by the number of their image."""
        shown = (p for s in self.groups for p in (*s.likely, *s.doubtful))
        return {p.number: p.thumbnail for p in shown if p.thumbnail}


@dataclass(frozen=True, slots=True)
class Page:
    """All revisions of a run, oldest first; the one at `current` is shown when the page opens.

    `told` is what the script must know to look among all images, None where it cannot; `data` holds the pieces (JSON)
    that are within the page, `thumbnails` the pictures besides those of `reports`, and `folder` names the folder with
    the other pieces and pictures, "" where there is none. `key` says of what the page was made.
    """

    reports: Sequence[Report]
    current: int = 0
    told: Mapping[str, Any] | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    thumbnails: Mapping[int, Thumbnail] = field(default_factory=dict)
    folder: str = ""
    key: str = ""
