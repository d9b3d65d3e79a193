"""The benchmarks: a prepared data set, a criterion in the words its paper used, K, and where the truth stands.

Prompts for a language model need no entry here: the criterion's words lead to the paper's wording in `prompts/`
(`ictc.prompts.topic_of`). Those of the embedding lane are files in `bench/prompts`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Literal, get_args

from ictc.errors import UsageError

Lane = Literal["language", "embedding", "features"]
LANES: tuple[Lane, ...] = get_args(Lane)
_INSTALLED = Path(__file__).parents[1] / "_bench"
_CHECKOUT = Path(__file__).parents[2] / "bench"


@dataclass(frozen=True, slots=True)
class Preset:
    """`criterion` is what one types and the column of metadata.csv with the truth; `asks` what models are told.

    `k` None: as many as the truth has classes, since a part of the set can be prepared. `images`: of the whole set as
    it was published. `named`: the file names hold this criterion's class, so that given descriptions can be scored
    without the images. `lane`: of the published table. `strategy` and `prompts` (a file of `bench/prompts`): of the
    embedding lane. `per_class`: so many are drawn for the feature lab.
    """

    name: str
    criterion: str
    asks: str
    k: int | None = None
    images: int | None = None
    named: bool = False
    lane: Lane = "language"
    strategy: str = "image-only"
    prompts: str = ""
    per_class: int | None = None

    @property
    def prompts_file(self) -> Path | None:
        """Where the prompts of the embedding lane are."""
        return carried() / "prompts" / self.prompts if self.prompts else None

    def images_by(self, lane: Lane) -> int | None:
        """How many images a lane takes of the whole set."""
        if lane == "features" and self.per_class and self.k:
            return self.per_class * self.k
        return self.images


PRESETS: tuple[Preset, ...] = (
    Preset("mnist", "digit", "digit", 10, 10_000, named=True, lane="embedding", strategy="task", prompts="mnist.toml"),
    Preset("cifar-10", "object", "object", 10, 10_000, named=True, strategy="grouped", prompts="cifar10.toml"),
    Preset("cifar-100", "superclass", "object", 20, 10_000),
    Preset("cifar-100", "class", "object", 100, 10_000),
    Preset("stl-10", "object", "object", 10, 8_000, named=True),
    Preset("stanford-40-actions", "action", "action", 40, 9_532, named=True),
    Preset("stanford-40-actions", "location", "location", 10),
    Preset("stanford-40-actions", "mood", "mood", 4),
    Preset("ppmi", "instrument", "musical instrument", 12, 1_200, named=True),
    Preset("ppmi", "location", "location", 2),
    Preset("ppmi-7", "instrument", "musical instrument", 7, 700, named=True),
    Preset("ppmi-2", "category", "musical instrument", 2, 700, named=True),
    Preset("mit-indoor-67", "scene", "location", 67),
    Preset("food-101-30", "dish", "dish", 30, 7_500, lane="features", per_class=70),
    Preset("food-101", "dish", "dish", 101),
    Preset("open-images", "object", "object"),
    Preset("imagenet-10", "object", "object", 10),
    Preset("imagenet-dogs", "object", "dog breed", 15),
    Preset("fruits-360", "type", "type of fruit"),
    Preset("fruits-360", "colour", "colour"),
    Preset("playing-cards", "rank", "rank of the card"),
    Preset("playing-cards", "suit", "suit of the card"),
)
"""The first of a set is the one meant where no criterion is given."""


def find(name: str, criterion: str = "") -> Preset:
    """The benchmark of a set and a criterion, as one types it or in its words; the set's first without one.

    Raises:
        UsageError: there is no such set or criterion; the hint has the nearest, or all.
    """
    of_set = [p for p in PRESETS if _plain(p.name) == _plain(name)]
    if not of_set:
        hint = meant(name, dict.fromkeys(p.name for p in PRESETS))
        raise UsageError(f"There is no benchmark of '{name}'.", f"{hint} All: ictc bench")
    wanted = criterion.strip().casefold()
    found = [p for p in of_set if wanted in ("", p.criterion.casefold())]
    found = found or [p for p in of_set if wanted == p.asks.casefold()]
    if not found:
        hint = meant(criterion, [p.criterion for p in of_set])
        raise UsageError(f"The benchmark {of_set[0].name} has no criterion '{criterion}'.", hint)
    return found[0]


def _plain(name: str) -> str:
    """Hyphens, underscores and case do not matter: imagenet-10, ImageNet10."""
    return "".join(c for c in name.casefold() if c.isalnum())


def meant(typed: str, known: Iterable[str]) -> str:
    """The nearest of what is known, or all of it."""
    names = list(known)
    near = get_close_matches(typed, names, 1)
    return f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(names)}."


def carried() -> Path:
    """The folder of figures and prompts: in a wheel `ictc/_bench`, in a checkout `bench`."""
    return _INSTALLED if _INSTALLED.is_dir() else _CHECKOUT
