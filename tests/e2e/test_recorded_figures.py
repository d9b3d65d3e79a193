"""The published runs of the original IC|TC, read and scored strictly, give their known figures to four places."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ictc.originals import read_original
from ictc.scoring import read_truth, score_assignments
from ictc.types import Assignment, Failure

DATA = os.environ.get("ICTC_DATA")
pytestmark = pytest.mark.skipif(not DATA, reason="set ICTC_DATA to the folder that holds recorded/ and captions/")


@pytest.mark.parametrize(
    ("run", "captions", "n", "off_list", "acc", "ari", "nmi"),
    [
        ("cifar10/gpt4", "cifar10_llava", 10_000, 228, 0.9033, 0.8207, 0.8299),
        ("cifar10/gpt3.5", "cifar10_llava", 10_000, 256, 0.9109, 0.8362, 0.8374),
        ("cifar10/llama2_70b_chat", "cifar10_llava", 10_000, 420, 0.8854, 0.7979, 0.8217),
        ("ppmi7_instrument/gpt4", "ppmi7_instrument_llava", 700, 0, 0.9643, 0.9209, 0.9283),
    ],
)
@pytest.mark.parametrize("with_descriptions", [False, True])
def test_strict_figures(
    run: str, captions: str, n: int, off_list: int, acc: float, ari: float, nmi: float, with_descriptions: bool
) -> None:
    data = Path(DATA or "")
    file = data / "captions" / f"{captions}.jsonl.gz" if with_descriptions else None
    original = read_original(data / "recorded" / run, file)
    predicted = {a.image: a.cluster for a in original.assignments if isinstance(a, Assignment)}
    truth = read_truth("filename", list(predicted))
    scores = score_assignments(predicted, truth.classes, clusters=original.taxonomy.names, off_list=original.off_list)
    assert (scores.n, scores.off_list, scores.unassigned) == (n, off_list, off_list)
    assert (round(scores.acc, 4), round(scores.ari, 4), round(scores.nmi, 4)) == (acc, ari, nmi)
    assert len(original.labels) == n and not [x for x in original.labels if isinstance(x, Failure)]
    assert not original.problems and not truth.missing
    assert len(original.descriptions) == (n if with_descriptions else 0)
