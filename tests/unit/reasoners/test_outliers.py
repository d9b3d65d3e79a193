"""What becomes of images unlike all others, around any reasoner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from ictc.errors import UsageError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.outlying import ABOUT, cluster_of, fitted, is_told, outliers_of
from ictc.reasoners import outliers
from ictc.reasoners.cascade.bargain import Bargain
from ictc.reasoners.outliers import OutlierReasoner
from ictc.reasoners.spherical import unit
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

NAMES = Taxonomy("thing", [Cluster("cat", labels={"kitten": 2}), Cluster("dog")])
BESIDE = fitted(NAMES, "cluster")


class Even:
    """Assigns by turns, is not sure of `b`, and fails for `x`. Remembers the names it was given."""

    fingerprint = "even/1"
    bargain: Bargain | None = None
    names: Sequence[str] = ()

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        tick(len(descriptions))
        return [Label(d.image, criterion) for d in descriptions]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        return NAMES

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        tick(len(descriptions))
        self.names = taxonomy.names
        return [self._of(d.image, taxonomy.names[i % 2]) for i, d in enumerate(descriptions)]

    def _of(self, image: str, name: str) -> Assignment | Failure:
        if image == "x":
            return Failure(image, "assign", "refused", "no")
        if image == "b":
            return Assignment(image, None, 0.2, "offline", f"unsure, perhaps {name}: puppy")
        return Assignment(image, name, 0.9, "model (openai:x gone)", "puppy")


class Letters:
    """Texts of equal letters lie together; counts the texts it was asked for."""

    fingerprint = "letters/1"
    embedded = 0

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        self.embedded += len(texts)
        for _ in texts:
            tick(1)
        rows = np.zeros((len(texts), 26), dtype=np.float32)
        for i, text in enumerate(texts):
            np.add.at(rows[i], [ord(c) - 97 for c in text if c.isalpha()], 1)
        return unit(rows)


def described(*odd: tuple[str, str], usual: int = 60) -> list[Description]:
    """Images of `usual` texts, all different and alike, and `odd` ones."""
    texts = ("aaaaaaaaaa" + "bc" * (i % 4) + f" {i}" for i in range(usual))
    return [*(Description(f"u{i}", t, "m") for i, t in enumerate(texts)), *(Description(a, b, "m") for a, b in odd)]


def made(choice: str, inner: Even | None = None) -> OutlierReasoner:
    return OutlierReasoner(inner or Even(), choice, Letters())


ODD = (("a", "zzzz"), ("b", "qqqq"), ("x", "wwww"))


def test_kept_outliers_are_counted_and_nothing_else() -> None:
    inner, there = Even(), described(*ODD)
    keeping = made("keep", inner)
    assert outliers_of(keeping) is None
    assert keeping.assign(there, NAMES, "thing") == inner.assign(there, NAMES, "thing")
    assert keeping.outliers is not None
    told = keeping.outliers.to_json()
    assert told == {"images": 2, "of": 63, "share": 0.0317, "choice": "keep", "cluster": "", "examples": ("a", "b")}
    assert "2 of 63 images (3.2 %)" in keeping.outliers.line() and "--outliers unsure" in keeping.outliers.line()
    assert keeping.fingerprint == inner.fingerprint, "the same run as without"


def test_unsure_outliers_have_no_cluster_and_say_what_they_might_be() -> None:
    found = made("unsure").assign(described(*ODD), NAMES, "thing")
    assert found[:60] == Even().assign(described(*ODD), NAMES, "thing")[:60]
    assert found[60] == Assignment("a", None, None, "model (openai:x gone)", "outlier, perhaps cat: puppy")
    assert found[61] == Assignment("b", None, None, "offline", "outlier: unsure, perhaps dog: puppy")
    assert isinstance(found[62], Failure)
    assert all(is_told(a) for a in found[60:62] if isinstance(a, Assignment))
    assert not any(is_told(a) for a in found[:60] if isinstance(a, Assignment))


def test_outliers_form_a_cluster_of_which_the_reasoner_within_knows_nothing() -> None:
    inner = Even()
    reasoner = made("cluster", inner)
    taxonomy = reasoner.merge(described(), [], "thing", 2)
    assert taxonomy.names == ["cat", "dog", "outliers"] and taxonomy.clusters[:2] == NAMES.clusters
    found = reasoner.assign(described(*ODD), taxonomy, "thing")
    assert list(inner.names) == ["cat", "dog"]
    assert [a.cluster for a in found[60:62] if isinstance(a, Assignment)] == ["outliers"] * 2
    assert reasoner.outliers is not None and reasoner.outliers.cluster == "outliers"
    assert [found[60].image, found[62].image] == ["a", "x"]


def test_without_a_cluster_for_them_nothing_is_asked() -> None:
    inner = Even()
    with pytest.raises(UsageError, match="no cluster for the outliers") as error:
        made("cluster", inner).assign(described(), NAMES, "thing")
    assert "step2b" in (error.value.hint or "") and not inner.names


def test_equal_descriptions_count_once_and_share_their_fate() -> None:
    same = [(f"s{i}", "aaaaaaaaaa") for i in range(500)]
    reasoner = made("unsure")
    found = reasoner.assign(described(*same, *ODD[:2], ("c", "zzzz")), NAMES, "thing")
    moved = [a.image for a in found if isinstance(a, Assignment) and is_told(a)]
    assert moved == ["a", "b", "c"], "500 equal ones make nobody an outlier"


def test_few_descriptions_have_no_outliers_and_are_not_embedded() -> None:
    embedder = Letters()
    reasoner = OutlierReasoner(Even(), "unsure", embedder)
    few = described(("a", "zzzz"), usual=18)
    assert reasoner.assign(few, NAMES, "thing") == Even().assign(few, NAMES, "thing")
    equal = [Description(f"i{i}", "aaaa" if i else "zzzz", "m") for i in range(100)]
    assert reasoner.assign(equal, NAMES, "thing") == Even().assign(equal, NAMES, "thing")
    assert reasoner.outliers is None and embedder.embedded == 0
    assert reasoner.assign([], NAMES, "thing") == []


def test_too_many_are_looked_at_only_where_something_is_to_be_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "MOST", 50)
    embedder = Letters()
    keeping = OutlierReasoner(Even(), "keep", embedder)
    keeping.assign(described(*ODD), NAMES, "thing")
    assert keeping.outliers is None and embedder.embedded == 0
    acting = made("unsure")
    acting.assign(described(*ODD), NAMES, "thing")
    assert acting.outliers is not None and acting.outliers.images == 2


def test_the_search_is_part_of_the_progress() -> None:
    ticks: list[int] = []
    made("keep").assign(described(), NAMES, "thing", ticks.append)
    assert ticks == [54, *[1] * 6], "what the reasoner within does, then every tenth text that is embedded"
    ticks.clear()
    made("keep").assign(described(usual=19), NAMES, "thing", ticks.append)
    assert sum(ticks) == 19, "too few to look, and all are done"
    ticks.clear()
    made("keep").assign(described(*((f"s{i}", "aaaa") for i in range(40))), NAMES, "thing", ticks.append)
    assert ticks[0] == 90 and sum(ticks) == 100, "equal descriptions are embedded once"


def test_without_a_search_progress_is_that_of_the_reasoner_within(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "MOST", 50)
    ticks: list[int] = []
    made("keep").assign(described(), NAMES, "thing", ticks.append)
    assert ticks == [60]


def test_what_images_look_like_goes_before_their_words() -> None:
    class Seen:
        def appearance(self, descriptions: Sequence[Description], criterion: str) -> Vectors | None:
            if criterion != "thing":
                return None
            return Letters().embed_texts(["qqqq" if d.image == "u7" else "a" * 9 + "bcde"[i % 4]
                                          for i, d in enumerate(descriptions)])  # fmt: skip

    there = [Description(d.image, d.text, "m", sha256=d.image) for d in described(*ODD[:1])]
    reasoner = OutlierReasoner(Even(), "keep", Letters(), Seen())
    reasoner.assign(there, NAMES, "thing")
    assert reasoner.outliers is not None and list(reasoner.outliers.examples) == ["u7"]
    reasoner.assign(there, NAMES, "colour")
    assert list(reasoner.outliers.examples) == ["a"], "nothing was seen of colours: words decide"


def test_all_else_is_the_reasoner_within() -> None:
    inner, ticks = Even(), list[int]()
    reasoner = made("unsure", inner)
    assert reasoner.label(described(), "mood", ticks.append) == inner.label(described(), "mood") and ticks == [60]
    assert reasoner.merge(described(), [], "mood", 2) is NAMES
    reasoner.assign(described(), NAMES, "mood", ticks.append)
    assert sum(ticks) == 120
    inner.bargain = Bargain("5%", 10)
    assert reasoner.bargain is inner.bargain
    prints = {made(choice).fingerprint for choice in ("keep", "unsure", "cluster")}
    assert len(prints) == 3


def test_the_cluster_takes_a_name_that_nobody_has() -> None:
    named = Taxonomy("thing", [Cluster("Outliers", "of my own"), Cluster("cat")])
    beside = fitted(named, "cluster")
    assert beside.names == ["Outliers", "cat", "other outliers"] and cluster_of(beside) == "other outliers"
    assert fitted(beside, "cluster") is beside and fitted(beside, "keep") == named == fitted(named, "unsure")
    assert fitted(named, "keep") is named
    assert cluster_of(Taxonomy("thing", [Cluster("cat", ABOUT, {"cat": 3})])) is None, "it has labels: it is a name"
