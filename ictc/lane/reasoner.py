"""Steps 2a, 2b and 3 of the embedding lane: nearest words, clusters of fused vectors with names, places in them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np

from ictc.errors import StepError, UsageError
from ictc.fingerprint import code_digest, prompt_digest
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.lane.clusterers import TEXT, Clustering, cluster, quiet, takes_k
from ictc.lane.describer import WORDLESS
from ictc.lane.kept import keep, recall
from ictc.lane.llmnames import SAMPLES
from ictc.lane.pairing import likeness_to
from ictc.lane.place import Placed, Placer
from ictc.lane.strategies import CONTROLS, CRITERION, CRITERION_PROMPT, GENERIC, IMAGE_ONLY
from ictc.lane.words import names_by_class, names_by_words
from ictc.means import Lane
from ictc.outlying import told
from ictc.prompts import load
from ictc.reasoners.assign import NAME_PROMPT
from ictc.reasoners.space import softmax
from ictc.reasoners.spherical import Index, likeness, unit
from ictc.store import Store, content_key
from ictc.types import Assignment, Cluster, Description, Failure, KChoice, Label, Taxonomy

SUPERVISED = (
    "Supervised: the pairing label fused images with the prompts of their TRUE classes. Scores are of the test split "
    "alone, whose truth was not shown; they say nothing of clustering without a truth."
)
MARK = "supervised (pairing label); scores of the test split"
"""The same in a few words, for pictures."""
Namer = Callable[[Taxonomy, Sequence[Sequence[str]]], Taxonomy]
"""Names clusters anew, given a draft and for each cluster what its most typical images show."""


@dataclass(frozen=True)
class Grouped:
    """`groups` [n]: -1 for an outlier; those of images whose truth was not shown are the nearest centre's."""

    placed: Placed
    found: Clustering
    groups: Index


class LaneReasoner:
    """Implements `Reasoner`, `Evidence` and `Appearance`. `tell` is told before something slow starts; `namer`, with
    its fingerprint, is a language model that names the clusters."""

    def __init__(
        self,
        placer: Placer,
        lane: Lane,
        store: Store,
        *,
        namer: Namer | None = None,
        named_by: str = "",
        tell: Callable[[str], None] = quiet,
    ) -> None:
        self._placer = placer
        self._lane = lane
        self._store = store
        self._namer = namer
        self._named_by = named_by
        self._tell = tell
        self._last: tuple[str, Grouped] | None = None

    @property
    def fingerprint(self) -> str:
        """Of all but the paths of the files of prompts and truth."""
        return content_key("lane-named/1", clusters=self._identity, namer=self._named_by)

    @property
    def _identity(self) -> str:
        """What the clusters depend on, their names apart."""
        lane = self._lane
        return content_key(
            "lane/1",
            **{key: value for key, value in lane.to_json().items() if key not in ("embedder", "prompts", "truth")},
            embedder=self._placer.embedder.fingerprint,
            code=code_digest("ictc.lane"),
            prompts=prompt_digest(CRITERION_PROMPT, NAME_PROMPT),
        )

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        """What the nearest prompt stands for; without prompts the nearest word."""
        tick(len(descriptions))
        by = self._by
        placed = None if self._lane.prompt_set is None else self._placer.place(descriptions, criterion)
        if placed is None or placed.nearest is None:
            return [Label(d.image, _first(d.text), by) for d in descriptions]
        return [Label(d.image, placed.names[j], by) for d, j in zip(descriptions, placed.nearest.tolist(), strict=True)]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        """The clusters, the largest first, each with a name of its own.

        Raises:
            StepError: there is not one.
        """
        done = self.grouped(descriptions, criterion, k)
        count = len(done.found.centres)
        if not count:
            raise StepError(
                f"{self._lane.clusterer} found no cluster: all {len(descriptions)} images are outliers.",
                "Take one that takes a K, such as --clusterer kmeans; or other parameters, such as --param eps=...",
            )
        names = self._names(done, count)
        tally: list[Counter[str]] = [Counter() for _ in range(count)]
        for label, group in zip(labels, done.groups.tolist(), strict=True):
            if group >= 0:
                tally[group][label.label] += 1
        clusters = [
            Cluster(name, "", dict(sorted(t.items(), key=lambda x: (-x[1], x[0]))))
            for name, t in zip(names, tally, strict=True)
        ]
        control = CONTROLS.get(self._lane.strategy)
        supervised = [SUPERVISED] if self._lane.supervised else []
        remarks = [*([control] if control else []), *supervised, *done.found.notes]
        draft = Taxonomy(criterion, clusters, done.found.choice, " ".join(remarks))
        return draft if self._namer is None else self._namer(draft, self._typical(done, descriptions))

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        """The cluster of each image. Names written by hand stand for the clusters in their order; where there are more
        or fewer of them than clusters, each image goes to the name that it is most like."""
        tick(len(descriptions))
        done = self.grouped(descriptions, criterion, taxonomy.k)
        if len(done.found.centres) != taxonomy.k:
            return self._by_name(done.placed.images, descriptions, taxonomy)
        shares = softmax(likeness(unit(done.placed.rows), done.found.centres))
        own = shares[np.arange(len(shares)), done.groups]
        return [
            Assignment(d.image, taxonomy.names[g], round(share, 4), self._by)
            if g >= 0
            else told(Assignment(d.image, None, None, self._by, _first(d.text)), None)
            for d, g, share in zip(descriptions, done.groups.tolist(), own.tolist(), strict=True)
        ]

    def evidence(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        """The vectors as they are clustered (without prompts that need the names of a first clustering).

        Raises:
            StepError, UsageError: see `Placer`. There are none in place of these: words say far less of an image.
        """
        lane = self._lane
        if lane.strategy == CRITERION and lane.prompt_set is None:
            plain = Placer(self._placer.embedder, replace(lane, strategy=IMAGE_ONLY, pairing="best"))
            return plain.place(descriptions, criterion).rows
        return self._placer.place(descriptions, criterion).rows

    def appearance(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
        """The images' own vectors, where images were embedded."""
        return None if self._placer.texts_only else self._placer.stored(descriptions)

    def grouped(self, descriptions: Sequence[Description], criterion: str, k: int | None) -> Grouped:
        """Where images lie and which belong together, not yet named. Found once for the same images and K, and kept in
        the store.

        Raises:
            UsageError: see `Placer.place` and `clusterers.cluster`. InputError: vectors that cannot be clustered.
        """
        named = bool(self._lane.shown)  # whose truth is known by their names
        what = "\0".join((d.sha256 or d.text) + f"\0{d.image}" * named for d in descriptions)
        images = hashlib.sha256(what.encode(errors="surrogatepass")).hexdigest()
        key = content_key("lane-clusters/1", lane=self._identity, images=images, criterion=criterion, k=k)
        if self._last and self._last[0] == key:
            return self._last[1]
        names, choice = self._first_names(descriptions, criterion, k)
        k = k or (choice.k if choice else None)
        placed = self._placer.place(descriptions, criterion, names)
        found = None if self._lane.recompute else recall(self._store, key)
        if found is None:
            found = self._found(placed, k, [d.image for d in descriptions], choice)
            keep(self._store, key, found)
            same = content_key(
                "lane-clusters/1", lane=self._identity, images=images, criterion=criterion, k=len(found.centres)
            )
            if same != key:  # step 3 knows the number of names alone
                keep(self._store, same, found)
        groups = found.groups
        if placed.test is not None:
            groups = np.empty(len(placed.rows), dtype=np.intp)
            groups[~placed.test] = found.groups
            groups[placed.test] = likeness(unit(placed.rows[placed.test]), found.centres).argmax(1)
        self._last = key, Grouped(placed, found, groups)
        return self._last[1]

    @property
    def _by(self) -> str:
        return f"embedding:{self._lane.embedder}"

    def _found(self, placed: Placed, k: int | None, images: Sequence[str], choice: KChoice | None) -> Clustering:
        lane = self._lane
        shown = np.ones(len(images), dtype=bool) if placed.test is None else ~placed.test
        clustered = placed.rows[shown]
        anchors = None if placed.anchors is None else placed.anchors[_distinct(placed.names)]
        if k is None and placed.names and takes_k(lane.clusterer) and lane.clusterer != TEXT:
            distinct = list(dict.fromkeys(placed.names))
            k = min(len(distinct), len(clustered))
            choice = KChoice(k, "the prompts", f"the prompts name them: {', '.join(distinct)}")
        named = [image for image, there in zip(images, shown.tolist(), strict=True) if there]
        found = cluster(
            clustered, lane.clusterer, k, dict(lane.params), lane.seed, anchors, names=named, tell=self._tell
        )
        return replace(found, choice=found.choice or choice)

    def _first_names(
        self, descriptions: Sequence[Description], criterion: str, k: int | None
    ) -> tuple[Sequence[str], KChoice | None]:
        """For prompts of a criterion without a file: the names that image-only clusters have, and how K was chosen."""
        if self._lane.strategy != CRITERION or self._lane.prompt_set is not None:
            return (), None
        lane = replace(self._lane, strategy=IMAGE_ONLY, pairing="best")
        if lane.clusterer == TEXT:  # there are no texts yet
            lane = replace(lane, clusterer=Lane().clusterer, params=())
        first = LaneReasoner(Placer(self._placer.embedder, lane), lane, self._store, tell=self._tell)
        taxonomy = first.merge(descriptions, [Label(d.image, "") for d in descriptions], criterion, k)
        return taxonomy.names, taxonomy.choice

    def _names(self, done: Grouped, count: int) -> list[str]:
        """Distinct names of the groups: of the prompts, then of the vocabulary, else numbers."""
        placed, names = done.placed, [""] * count
        if done.found.texts is not None:
            held = [placed.names[i] for i in _distinct(placed.names)]
            names = [held[i] for i in done.found.texts.tolist()]
        elif placed.nearest is not None and self._lane.strategy not in (IMAGE_ONLY, GENERIC):
            kinds = list(dict.fromkeys(placed.names))
            kind = np.asarray([kinds.index(name) for name in placed.names])
            names = names_by_class(done.groups, kind[placed.nearest], kinds, count)
        with suppress(UsageError):  # an embedder without texts
            names = names_by_words(placed.images, done.groups, names, self._placer.embedder.embed_texts)
        return [name or f"cluster {i}" for i, name in enumerate(names, 1)]

    def _by_name(
        self, images: Vectors, descriptions: Sequence[Description], taxonomy: Taxonomy
    ) -> list[Assignment | Failure]:
        prompt = load(NAME_PROMPT)
        texts = self._placer.embedder.embed_texts([prompt.replace("{name}", name) for name in taxonomy.names])
        shares = softmax(likeness_to(images, texts))
        return [
            Assignment(d.image, taxonomy.names[row.argmax()], round(float(row.max()), 4), self._by, "nearest name")
            for d, row in zip(descriptions, shares, strict=True)
        ]

    def _typical(self, done: Grouped, descriptions: Sequence[Description]) -> list[list[str]]:
        """What the images nearest to each centre show."""
        alike = likeness(unit(done.placed.rows), done.found.centres)
        typical = []
        for g in range(len(done.found.centres)):
            inside = np.flatnonzero(done.groups == g)
            best = inside[np.argsort(-alike[inside, g], kind="stable")[:SAMPLES]]
            typical.append([descriptions[i].text for i in best.tolist()])
        return typical


def _distinct(names: Sequence[str]) -> list[int]:
    """Where each name comes first."""
    return [names.index(name) for name in dict.fromkeys(names)]


def _first(text: str) -> str:
    return "image" if text == WORDLESS else text.split(",")[0].strip() or "image"
