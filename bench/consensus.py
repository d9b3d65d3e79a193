"""Several describers of one image and what their consensus is worth, as far as recorded data can tell.

Recorded descriptions come from one model and one prompt. But three language models each said in a phrase what they
read in the same CIFAR-10 descriptions: three describers, whose phrases are our labels. And a thousand of these images
are there themselves, so that LLaVA's description stands beside the offline describer's words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from bench.conditioning import NAME, Conditioned, sentences
from bench.tasks import Answers, Task, clusters
from ictc.interfaces import Embedder
from ictc.originals import read_original
from ictc.reasoners.embedding import EmbeddingReasoner
from ictc.reasoners.labels import Answers as Labels
from ictc.reasoners.spherical import unit
from ictc.types import Description, Label

READERS = ("gpt4", "gpt3.5", "llama2_70b_chat")


def of_labels(task: Task, captions: Path, recorded: Path, embedder: Embedder) -> Iterator[tuple[str, Answers]]:
    """(row, clusters) with each recorded model's labels in place of ours, and with those of all three."""
    said = []
    for reader in READERS:
        labels = read_original(recorded / reader, captions).labels
        of = {x.image: x.label for x in labels if isinstance(x, Label)}
        said.append([of.get(d.image, "") or "unknown" for d in task.descriptions])
        yield f"labels of {reader}", _told(said[-1], task, embedder)
    voted = [Counter(three).most_common(1)[0][0] for three in zip(*said, strict=True)]  # a tie: the first reader's
    yield "the three: majority's label", _told(voted, task, embedder)
    mean = unit(np.mean([embedder.embed_texts(labels) for labels in said], axis=0)).astype(np.float32)
    with patch("ictc.reasoners.assign._embedded_once", lambda labels, _: (mean, np.arange(len(labels)))):
        yield "the three: majority's label, mean of their vectors", _told(voted, task, embedder)


def of_descriptions(read: Task, seen: Task, embedder: Embedder) -> Iterator[tuple[str, Answers]]:
    """(row, clusters) of the same images by one describer, the other, and both; named as in `seen`."""
    by_number = {Path(d.image).stem: d.text for d in read.descriptions}
    llava = [Description(d.image, by_number[Path(d.image).stem], "llava") for d in seen.descriptions]
    both = [Description(a.image, f"{a.text} {b.text}", "both") for a, b in zip(llava, seen.descriptions, strict=True)]
    ways = {
        "LLaVA's descriptions": llava,
        "the offline describer's words": seen.descriptions,
        "both, as one text": both,
    }
    for row, descriptions in ways.items():
        yield row, clusters(EmbeddingReasoner(embedder), replace(seen, descriptions=descriptions))
    one, other = (embedder.embed_texts([d.text for d in x]) for x in (llava, seen.descriptions))
    where = dict(zip((d.text for d in both), unit(one + other).astype(np.float32), strict=True))
    reasoner = EmbeddingReasoner(Conditioned(embedder, where, lambda names: embedder.embed_texts(sentences(names))))
    with patch("ictc.reasoners.assign.load", lambda _: f"{NAME}{{name}}"):
        yield "both, mean of their vectors", clusters(reasoner, replace(seen, descriptions=both))


class _Told(EmbeddingReasoner):
    """Labels as somebody else gave them."""

    def __init__(self, embedder: Embedder, labels: dict[str, str]) -> None:
        super().__init__(embedder)
        self._told = labels

    def _answers(self, descriptions: Sequence[Description], criterion: str) -> Labels:
        return Labels([self._told[d.image] for d in descriptions], {})


def _told(labels: Sequence[str], task: Task, embedder: Embedder) -> Answers:
    of = {d.image: label for d, label in zip(task.descriptions, labels, strict=True)}
    return clusters(_Told(embedder, of), task)
