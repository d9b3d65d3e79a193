"""How well a clustering agrees with the truth: Hungarian-matched ACC, ARI, NMI, with intervals and tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ictc.errors import InputError
from ictc.interfaces import Vectors
from ictc.scoring.calibration import Bin, expected_calibration_error, reliability
from ictc.scoring.intervals import bootstrap
from ictc.scoring.metrics import adjusted_rand, hungarian, normalized_mutual_information, silhouette
from ictc.scoring.tables import ClassScore, Confusion, Match, class_scores, count_table

_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores over the `n` images of the run whose class is known; `without_truth` counts the others.

    `acc` is the share of images whose cluster stands for their class under the best one-to-one matching; clusters
    that stand for none score nothing. `unassigned` and `failed` images (of the n) are wrong in `acc` and are one more
    cluster in `ari` and `nmi`. `_low` and `_high` bound the 95 % bootstrap interval. `silhouette` (cosine) is over all
    assigned images with vectors. `off_list` counts answers that named no cluster, where answers were given.
    `reliability` and its `ece` compare confidences with how often they are right in the sense of `acc`, over the
    assigned images that have one; `without_confidence` counts the other assigned ones.
    """

    n: int
    k: int
    k_true: int
    acc: float
    acc_low: float
    acc_high: float
    ari: float
    ari_low: float
    ari_high: float
    nmi: float
    nmi_low: float
    nmi_high: float
    silhouette: float | None
    ece: float | None
    unassigned: int
    failed: int
    off_list: int
    without_truth: int
    without_confidence: int
    reliability: Sequence[Bin]
    matching: Sequence[Match]
    per_class: Sequence[ClassScore]
    confusion: Confusion

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the fields in order, numbers to six places."""
        plain = {
            name: _rounded(getattr(self, name))
            for name in self.__dataclass_fields__
            if name not in {"reliability", "matching", "per_class", "confusion"}
        }
        return {
            **plain,
            "reliability": [{key: _rounded(value) for key, value in asdict(b).items()} for b in self.reliability],
            "matching": [{"cluster": m.cluster, "class": m.class_, "n": m.n} for m in self.matching],
            "per_class": [
                {
                    "class": c.class_,
                    "n": c.n,
                    "correct": c.correct,
                    "recall": _rounded(c.recall),
                    "precision": _rounded(c.precision),
                    "f1": _rounded(c.f1),
                    "cluster": c.cluster,
                }
                for c in self.per_class
            ],
            "confusion": {
                "classes": list(self.confusion.classes),
                "clusters": self.confusion.columns,
                "counts": [list(row) for row in self.confusion.counts],
            },
        }


def score_assignments(
    predicted: Mapping[str, str | None],
    truth: Mapping[str, str],
    *,
    failed: Collection[str] = (),
    clusters: Sequence[str] | None = None,
    vectors: Mapping[str, Vectors] | None = None,
    confidences: Mapping[str, float | None] | None = None,
    off_list: int = 0,
    seed: int = 0,
    by_name: bool = False,
) -> Scores:
    """Score a run. `predicted` has the cluster of each image (None: unassigned), `failed` the images with none;
    `confidences` says how sure each cluster is, where that is known.

    `clusters` are the names there were to choose from (default: those in use); `k` is their number. `vectors` are
    one per image. Names of clusters and classes carry no meaning here: renaming or reordering changes no score. With
    `by_name` they do, as in classification: a cluster stands for the class of its own name.

    Raises:
        InputError: no image of the run has a truth.
    """
    images = predicted.keys() | set(failed)
    known = {image: truth[image] for image in sorted(images & truth.keys())}
    if not known:
        raise InputError("None of the run's images has a class in the truth.", "Check that both name the images alike.")
    given = {image: None if image in failed else cluster for image, cluster in predicted.items()}
    in_use = {cluster for cluster in given.values() if cluster is not None}
    names = sorted(in_use.union(clusters or ()))
    classes = sorted(set(known.values()))
    table = count_table(given, known, classes, names)
    pairs = _alike(classes, names) if by_name else hungarian(table[:, :-1])
    confusion = _confusion(table.tolist(), classes, names, pairs)
    matching = [Match(names[c], classes[r], int(table[r, c])) for r, c in pairs]
    rows, cols = np.nonzero(table)
    cells = table[rows, cols].astype(np.float64)[None]
    intervals = bootstrap(table, pairs, seed=seed)
    n = len(known)
    n_failed = sum(image in known for image in set(failed))
    assigned = {image: cluster for image, cluster in given.items() if cluster is not None}
    bins, unsaid = _reliability(assigned, known, {m.cluster: m.class_ for m in matching}, confidences or {})
    return Scores(
        n=n,
        k=len(names),
        k_true=len(classes),
        acc=sum(m.n for m in matching) / n,
        acc_low=intervals["acc"][0],
        acc_high=intervals["acc"][1],
        ari=float(adjusted_rand(cells, rows, cols)[0]),
        ari_low=intervals["ari"][0],
        ari_high=intervals["ari"][1],
        nmi=float(normalized_mutual_information(cells, rows, cols)[0]),
        nmi_low=intervals["nmi"][0],
        nmi_high=intervals["nmi"][1],
        silhouette=None if vectors is None else silhouette(assigned, vectors),
        ece=expected_calibration_error(bins),
        unassigned=int(table[:, -1].sum()) - n_failed,
        failed=n_failed,
        off_list=off_list,
        without_truth=len(images) - n,
        without_confidence=unsaid,
        reliability=bins,
        matching=matching,
        per_class=class_scores(confusion, matching),
        confusion=confusion,
    )


def _alike(classes: Sequence[str], names: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs (class, cluster) of one name."""
    return [(row, names.index(name)) for row, name in enumerate(classes) if name in names]


def _reliability(
    assigned: Mapping[str, str],
    truth: Mapping[str, str],
    stands_for: Mapping[str, str],
    confidences: Mapping[str, float | None],
) -> tuple[list[Bin], int]:
    """The table over the assigned images with truth and confidence, and how many with truth have none."""
    images = [image for image in truth if image in assigned]
    said = [(c, stands_for.get(assigned[i]) == truth[i]) for i in images if (c := confidences.get(i)) is not None]
    return reliability([c for c, _ in said], [right for _, right in said]), len(images) - len(said)


def _confusion(
    table: list[list[int]], classes: Sequence[str], names: Sequence[str], pairs: Sequence[tuple[int, int]]
) -> Confusion:
    """Columns in the order of the classes they stand for, then the others, then the unassigned."""
    first = [c for _, c in sorted(pairs)]
    order = [*first, *(c for c in range(len(names)) if c not in set(first))]
    return Confusion(classes, [names[c] for c in order], [[row[c] for c in [*order, -1]] for row in table])


def _rounded(value: Any) -> Any:
    return round(value, _DIGITS) if isinstance(value, float) else value
