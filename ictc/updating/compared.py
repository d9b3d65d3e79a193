"""New images held against old ones: the drift, and a cluster that the names may lack."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ictc.backends import Backends
from ictc.interfaces import Vectors
from ictc.outlying import without
from ictc.reasoners.spherical import Index, unit
from ictc.types import Assignment, Description, Label
from ictc.updating.drift import Side, drift
from ictc.updating.prepare import Prepared
from ictc.updating.suggestion import suggestion

_MOST = 20_000  # old images that new ones are compared with, evenly spread: the signs' shares vary by less than .005


def compared(
    made: Prepared,
    labelled: Sequence[Description],
    labels: Sequence[Label],
    assignments: Sequence[Assignment],
    backends: Backends,
) -> dict[str, Any]:
    """`drift` and `suggestion` as JSON; None where there is nothing to say."""
    known, names = made.known, without(made.result.taxonomy).names
    chosen = np.unique(np.linspace(0, len(known.descriptions) - 1, _MOST).astype(np.intp)).tolist()
    placed = {a.image: a for a in assignments}
    new = [d for d in labelled if d.image in placed]
    if not new or not known.descriptions:
        return {"drift": None, "suggestion": None}
    old = [known.descriptions[i] for i in chosen]
    words = {x.image: x.label for x in labels}
    said = [*(known.labels[i].label for i in chosen), *(words[d.image] for d in new)]
    rows = _rows([*old, *new], said, len(old), made.result.criterion, backends)
    place = {name: i for i, name in enumerate(names)}

    def groups(clusters: Sequence[str | None]) -> Index:
        return np.asarray([-1 if c is None else place.get(c, -1) for c in clusters], dtype=np.intp)

    first = Side(
        rows[: len(old)],
        groups([made.assigned[d.image].cluster for d in old]),
        said[: len(old)],
        [made.assigned[d.image].confidence for d in old],
    )
    second = Side(
        rows[len(old) :],
        groups([placed[d.image].cluster for d in new]),
        said[len(old) :],
        [placed[d.image].confidence for d in new],
    )
    found = drift(first, second, len(names))
    more = suggestion(first, second, found.doubtful, [d.image for d in new], names)
    return {"drift": found.to_json(), "suggestion": more.to_json() if more else None}


def _rows(
    descriptions: Sequence[Description], labels: Sequence[str], n: int, criterion: str, backends: Backends
) -> Vectors:
    """Unit rows around the mean of the first n: of what images look like, else of what they are said to show, with the
    label, which speaks of the criterion alone, beside it."""
    seen = backends.likeness(descriptions, criterion)
    if seen is not None:
        return _centred(seen, n)
    embed = backends.embedder().embed_texts
    number: dict[str, int] = {}
    own = [number.setdefault(label, len(number)) for label in labels]
    texts, words = embed([d.text for d in descriptions]), embed(list(number))[own]
    return unit(np.hstack([_centred(texts, n), _centred(words, n)]))


def _centred(rows: Vectors, n: int) -> Vectors:
    return unit(rows - rows[:n].mean(0, dtype=np.float64).astype(np.float32))
