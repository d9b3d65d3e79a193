"""Describers that put one short prompt to a model, the same for every image: captioners and answerers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ictc.asking import ask
from ictc.fingerprint import code_digest
from ictc.images.upload import picture
from ictc.interfaces import Model, Tick, no_tick
from ictc.means import SHOWN
from ictc.replies.reading import shown
from ictc.replies.specials import without_specials
from ictc.store import content_key
from ictc.types import Description, Failure, Item, Reply, Request

MAX_TOKENS = 40  # a caption has 10 to 20; an answer 1 to 3
_CODE = ("step1.asked", "step1.caption", "step1.vqa", "ictc.replies.specials")
_OPENINGS = frozenset(["what", "which", "who", "whom", "whose", "where", "when", "why", "how", "is", "are", "does"])
_ARTICLES = frozenset(["the", "a", "an", "this", "these", "their", "its"])


@dataclass(frozen=True, slots=True)
class AskedDescriber:
    """Implements `Describer`. `prompt` makes of a criterion what the model is asked, `reading` of its reply a text.

    What is asked is stored by the model it is given (`DescriberContext.open_model`): an image that was answered once is
    not looked at again.
    """

    model: Model
    spec: str
    prompt: Callable[[str], str]
    reading: Callable[[str], str] = str.strip

    @property
    def fingerprint(self) -> str:
        wordings = [self.prompt(""), self.prompt("mood")]
        return content_key(
            "asked/1", model=self.model.fingerprint, prompts=wordings, most=MAX_TOKENS, code=code_digest(*_CODE)
        )

    def asks(self, criterion: str) -> str:
        """What the model is asked under a criterion: all of it that decides the answer."""
        return self.prompt(" ".join(criterion.split()))

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        found: dict[int, Description | Failure] = {i: _unread(item) for i, item in enumerate(items) if not item.sha256}
        tick(len(found))
        rest = [i for i in range(len(items)) if i not in found]
        prompt = self.asks(criterion)
        requests = (Request("describe", prompt, image=items[i], max_tokens=MAX_TOKENS) for i in rest)
        for i, reply in zip(rest, ask(self.model, requests), strict=True):
            found[i] = self._result(items[i], reply)
            tick(1)
        return [found[i] for i in range(len(items))]

    def _result(self, item: Item, reply: Reply | Failure) -> Description | Failure:
        if isinstance(reply, Failure):
            return replace(reply, image=item.name)
        text = without_specials(self.reading(reply.text))
        if not text:
            said = f"The model said nothing about the image{f': {shown(reply.text)}' if reply.text.strip() else '.'}"
            return Failure(item.name, "describe", "empty", said)
        return Description(item.name, text, self.spec, item.sha256)


def is_open(criterion: str) -> bool:
    """Whether nothing in particular is asked for."""
    return criterion.strip().casefold() in ("", SHOWN)


def is_question(criterion: str) -> bool:
    return criterion.rstrip().endswith("?") or criterion.strip().partition(" ")[0].casefold() in _OPENINGS


def thing(criterion: str) -> str:
    """A criterion that is no question, with an article: `the mood`."""
    named = criterion.strip().rstrip(". ")
    return named if named.partition(" ")[0].casefold() in _ARTICLES else f"the {named}"


def question(criterion: str) -> str:
    """The criterion as a question: as it is where it is one, else what it is."""
    if is_open(criterion):
        return "What is in this picture?"
    if is_question(criterion):
        return criterion.strip().rstrip("?. ") + "?"
    return f"What is {thing(criterion)}?"


def _unread(item: Item) -> Failure:
    """What has no hash could not be read, so nothing may be stored under it."""
    found = picture(item, 1)
    if isinstance(found, Failure):
        return found
    message = "It could not be read when the images were listed."
    return Failure(item.name, "image", "unreadable", message, retryable=True)
