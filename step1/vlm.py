"""`vlm:SPEC`: any vision model describes, as far as the criterion asks (step 1 of IC|TC). One request per image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ictc.asking import StoredModel, ask
from ictc.errors import SpecError
from ictc.fingerprint import code_digest
from ictc.interfaces import Model, Tick, no_tick
from ictc.prompts import Prompt, Prompts
from ictc.replies.answers import Fault, refusal_in, texts_in
from ictc.replies.form import LONGER, an_object, as_data
from ictc.replies.reading import shown, without_thinking
from ictc.store import content_key
from ictc.types import Description, Failure, Item, Reply, Request

if TYPE_CHECKING:
    from ictc.registry import DescriberContext

MAX_TOKENS = 512
CODE = ("step1.vlm", "ictc.replies", "ictc.prompts")


def create(argument: str, context: DescriberContext) -> VlmDescriber:
    """The describer for the spec `vlm:SPEC`, such as `vlm:openai:gpt-4o`.

    Raises:
        SpecError: SPEC names no model.
    """
    from ictc import registry

    if not argument:
        raise SpecError("`vlm:` needs a model.", "Type for example vlm:openai:gpt-4o")
    if context.open_model is not None:
        model = context.open_model(argument)
    else:
        model = StoredModel(registry.model(argument, context.options), context.store)
    return VlmDescriber(model, context.prompts, argument, together=context.together)


class VlmDescriber:
    """Implements `Describer` on any vision model, which may be wrapped in stores and accounts.

    `together`: criteria that are answered in one look. `describe` for one of them gives its part of the same reply, so
    that with a stored model the others cost no further request. A reply that cannot be taken apart is asked for again,
    for the one criterion alone.
    """

    def __init__(
        self, model: Model, prompts: Prompts, spec: str, language: str = "", together: Sequence[str] = ()
    ) -> None:
        self._model = model
        self._prompts = prompts
        self._spec = spec
        self._language = language
        self._together = tuple(dict.fromkeys(together))

    @property
    def fingerprint(self) -> str:
        return content_key(
            "vlm-describer/1",
            model=self._model.fingerprint,
            code=code_digest(*CODE),
            prompts=self._prompts.digest("describe"),
            language=self._language,
            together=self._together,
            max_tokens=MAX_TOKENS,
        )

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        """One description per image, in order. What is cut off is kept as far as it goes; no text is a `Failure`."""
        found: dict[int, Description | Failure] = {}
        for i, item in enumerate(items):
            if item.path is None:
                found[i] = Failure(item.name, "image", "missing-file", "There is no image file to look at.")
        tick(len(found))
        alone = [i for i in range(len(items)) if i not in found]
        if len(self._together) > 1 and criterion in self._together:
            alone = self._take_apart(items, alone, criterion, found, tick)
        prompt = self._prompts.open("describe", criterion=criterion, language=self._language)
        longer: list[int] = []
        for i, reply in zip(alone, ask(self._model, (_request(prompt, items[i]) for i in alone)), strict=True):
            if isinstance(reply, Reply) and reply.finish == "length" and not without_thinking(reply.text):
                longer.append(i)
            else:
                found[i] = self._result(items[i], reply)
                tick(1)
        requests = (replace(_request(prompt, items[i]), max_tokens=MAX_TOKENS * LONGER) for i in longer)
        for i, reply in zip(longer, ask(self._model, requests), strict=True):
            found[i] = self._result(items[i], reply)
            tick(1)
        return [found[i] for i in range(len(items))]

    def _take_apart(
        self,
        items: Sequence[Item],
        wanted: Sequence[int],
        criterion: str,
        found: dict[int, Description | Failure],
        tick: Tick,
    ) -> list[int]:
        """Settles what replies for all criteria settle; gives the images that must be asked about this one alone."""
        ids = [str(n) for n in range(1, len(self._together) + 1)]
        listed = [{"id": i, "criterion": c} for i, c in zip(ids, self._together, strict=True)]
        prompt = self._prompts.open("describe/together", criteria=as_data(listed), language=self._language)
        schema = an_object({i: {"type": "string"} for i in ids})
        requests = (
            replace(_request(prompt, items[i]), schema=schema, max_tokens=MAX_TOKENS * len(ids)) for i in wanted
        )
        left = []
        for i, reply in zip(wanted, ask(self._model, requests), strict=True):
            texts = Fault("") if isinstance(reply, Failure) else texts_in(reply.text, ids)
            if isinstance(reply, Reply) and isinstance(texts, Fault):
                left.append(i)
                continue
            if isinstance(reply, Reply) and not isinstance(texts, Fault):
                reply = replace(reply, text=texts[self._together.index(criterion)])
            found[i] = self._result(items[i], reply)
            tick(1)
        return left

    def _result(self, item: Item, reply: Reply | Failure) -> Description | Failure:
        if isinstance(reply, Failure):
            return replace(reply, image=item.name, stage="image" if reply.stage == "image" else "describe")
        text = without_thinking(reply.text)
        if not text:
            code = "truncated" if reply.finish == "length" else "empty"
            return Failure(item.name, "describe", code, "The model said nothing about the image.")
        if refusal_in(text):
            return Failure(item.name, "describe", "refused", f"The model refused: {shown(text)}")
        return Description(item.name, text, self._spec, item.sha256)


def _request(prompt: Prompt, item: Item) -> Request:
    return Request("describe", user=prompt.user(), system=prompt.system, image=item, max_tokens=MAX_TOKENS)
