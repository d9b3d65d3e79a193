"""A describer and a reasoner that put one plain question per item to a model, and a model that answers by rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ictc.asking import ask
from ictc.errors import ModelGone
from ictc.interfaces import Model, Tick, no_tick
from ictc.types import GONE, Assignment, Cluster, Description, Failure, Item, Label, Reply, Request, Stage, Taxonomy


class Mortal:
    """Answers `rule(request)`, until it was asked `life` times: then it fails with `code`, and in `GONE` for good."""

    fingerprint = "mortal/1"

    def __init__(self, rule: Callable[[Request], str], life: int = 10**9, code: str = "unreachable") -> None:
        self.rule, self.life, self.code = rule, life, code
        self.asked = 0

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        for number, request in enumerate(requests):
            if self.asked == self.life and self.code in GONE:
                yield number, Failure("", request.stage, self.code, "no more")
                continue
            self.asked += 1
            if self.asked > self.life:
                yield number, Failure("", request.stage, self.code, "no more", retryable=True)
            else:
                yield number, Reply(self.rule(request), input_tokens=10, output_tokens=2)


def words(request: Request) -> str:
    """A picture shows what its file is called after; labels and places are the first word."""
    if request.stage == "describe" and request.image:
        return f"{request.image.name.split('_')[1]} in a picture"
    return request.user.partition(": ")[2].split()[0]


class Steps:
    """Describer and reasoner in one."""

    def __init__(self, model: Model, spec: str = "test:model") -> None:
        self._model = model
        self._spec = spec

    @property
    def fingerprint(self) -> str:
        return f"steps/{self._model.fingerprint}"

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        texts = self._ask("describe", [(i.name, f"Describe its {criterion}.") for i in items], tick, items)
        return [
            t if isinstance(t, Failure) else Description(i.name, t, self._spec, i.sha256)
            for i, t in zip(items, texts, strict=True)
        ]

    def label(self, descriptions: Sequence[Description], criterion: str, tick: Tick = no_tick) -> list[Label | Failure]:
        texts = self._ask("label", [(d.image, f"{criterion}: {d.text}") for d in descriptions], tick)
        return [t if isinstance(t, Failure) else Label(d.image, t) for d, t in zip(descriptions, texts, strict=True)]

    def merge(
        self, descriptions: Sequence[Description], labels: Sequence[Label], criterion: str, k: int | None
    ) -> Taxonomy:
        names = sorted({x.label for x in labels})
        (answer,) = self._ask("merge", [("", f"{criterion}: {' '.join(names)}")], no_tick)
        if isinstance(answer, Failure):
            raise ModelGone(answer.message)
        return Taxonomy(criterion, [Cluster(n, "", {}) for n in names[:k]])

    def assign(
        self, descriptions: Sequence[Description], taxonomy: Taxonomy, criterion: str, tick: Tick = no_tick
    ) -> list[Assignment | Failure]:
        asked = [(d.image, f"{'|'.join(taxonomy.names)}: {d.text}") for d in descriptions]
        texts = self._ask("assign", asked, tick)
        return [
            t if isinstance(t, Failure) else Assignment(d.image, t if t in taxonomy.names else None, 1.0, self._spec)
            for d, t in zip(descriptions, texts, strict=True)
        ]

    def _ask(
        self, stage: Stage, asked: Sequence[tuple[str, str]], tick: Tick, items: Sequence[Item] = ()
    ) -> list[str | Failure]:
        requests = [
            Request(stage, text, "Answer briefly.", items[i] if items else None, max_tokens=50)
            for i, (_, text) in enumerate(asked)
        ]
        found: list[str | Failure] = []
        for (image, _), a in zip(asked, ask(self._model, requests), strict=True):
            tick(1)
            failed = isinstance(a, Failure)
            found.append(Failure(image, stage, a.code, a.message, a.retryable) if failed else a.text)  # type: ignore[union-attr]
        return found
