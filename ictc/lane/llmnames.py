"""Names of clusters by a language model: one request for all of them, given the commonest labels and typical images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ictc.asking import ask, text_fingerprint
from ictc.errors import StepError
from ictc.interfaces import Model
from ictc.prompts import Prompts
from ictc.reasoners.llm.asking import must, quoted, repaired
from ictc.replies.answers import Fault, pack_in, unfit
from ictc.replies.form import answers_schema, as_data
from ictc.replies.reading import bare, one_line, shown
from ictc.text import shortened
from ictc.types import Failure, Request, Taxonomy

LABELS = 8  # of a cluster, the commonest first
SAMPLES = 12  # typical images of a cluster
_TEXT = 200  # characters of what an image shows
_PER_NAME = 48  # tokens
_AGAIN = "Try again with another --reasoner, or without one: names then come from the vocabulary."


class ModelNamer:
    """Names the clusters of a draft; the K names are distinct."""

    def __init__(self, model: Model, prompts: Prompts, language: str = "") -> None:
        self._model = model
        self._prompts = prompts
        self._language = language

    @property
    def fingerprint(self) -> str:
        return f"{self._prompts.digest('name')},{self._language},{text_fingerprint(self._model)}"

    def __call__(self, draft: Taxonomy, typical: Sequence[Sequence[str]]) -> Taxonomy:
        """`draft` with the model's names; `typical`: per cluster what its most typical images show.

        Raises:
            StepError: also when asked again the model gives no K distinct names. ModelGone: it answers nothing more.
        """
        request = self._request(draft, typical)
        names: list[str] | Fault = Fault("")
        for attempt in range(2):
            answer = must(next(iter(ask(self._model, [request]))))
            if isinstance(answer, Failure):
                raise StepError(f"The model gives no names: {answer.message} ({answer.code}).", _AGAIN)
            names = _names_in(answer.text, draft.k)
            if not isinstance(names, Fault):
                break
            if attempt:
                raise StepError(f"The model gives no names: {names.message} It answered: {shown(answer.text)}", _AGAIN)
            request = repaired(request, quoted(answer), names, self._prompts.open("repair"))
        assert not isinstance(names, Fault)
        clusters = [replace(c, name=name) for c, name in zip(draft.clusters, names, strict=True)]
        return replace(draft, clusters=clusters)

    def _request(self, draft: Taxonomy, typical: Sequence[Sequence[str]]) -> Request:
        prompt = self._prompts.open("name", criterion=draft.criterion, language=self._language, k=draft.k)
        rows = [
            {
                "id": i,
                "images": sum(cluster.labels.values()),
                "words": list(cluster.labels)[:LABELS],
                "typical": [shortened(text, _TEXT) for text in dict.fromkeys(texts)],
            }
            for i, (cluster, texts) in enumerate(zip(draft.clusters, typical, strict=True), 1)
        ]
        return Request(
            "merge",
            user=prompt.user(data=as_data({"groups": rows})),
            system=prompt.system,
            schema=answers_schema("name", {"type": "string"}, draft.k),
            max_tokens=256 + _PER_NAME * draft.k,
        )


def _names_in(text: str, k: int) -> list[str] | Fault:
    said = pack_in(text, k, "name")
    if isinstance(said, Fault):
        return said
    names = [one_line(bare(name)) for name in said]
    for name in names:
        if why := unfit(name):
            return Fault(why)
    twice = {n.casefold() for n in names if [m.casefold() for m in names].count(n.casefold()) > 1}
    return Fault(f"Two groups have the name {sorted(twice)[0]!r}.") if twice else names
