"""The accuracy that was asked for, on recorded descriptions; needs the folder of `ICTC_DATA`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ictc.descriptions import read_recorded
from ictc.interfaces import Embedder
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.scoring.scores import score_assignments
from ictc.types import Assignment, Label

DATA = os.environ.get("ICTC_DATA", "")


@pytest.mark.skipif(not DATA, reason="ICTC_DATA does not name the folder of recorded descriptions")
def test_musical_instruments(embedder: Embedder) -> None:
    descriptions = read_recorded(Path(DATA) / "captions" / "ppmi7_instrument_llava.jsonl.gz")
    reasoner = EmbeddingReasoner(embedder)
    labels = [x for x in reasoner.label(descriptions, "musical instrument") if isinstance(x, Label)]
    taxonomy = reasoner.merge(descriptions, labels, "musical instrument", 7)
    answers = reasoner.assign(descriptions, taxonomy, "musical instrument")
    predicted = {a.image: a.cluster for a in answers if isinstance(a, Assignment)}
    truth = {name: name.rpartition(".")[0].partition("_")[2] for name in predicted}
    assert len(predicted) == 700
    assert score_assignments(predicted, truth).acc >= 0.95
    assert {name.casefold() for name in taxonomy.names} == {c.casefold() for c in truth.values()}
    assert reasoner.merge(descriptions, labels, "musical instrument", None).k == 7
