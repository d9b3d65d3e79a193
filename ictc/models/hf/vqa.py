"""ViLT and BLIP for questions: models with a short answer to a short question. The question is `user` alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from PIL import Image

from ictc.errors import SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf import loading
from ictc.models.hf.family import Together, on_device, unseen
from ictc.models.hf.spec import Source
from ictc.models.hf.texts import cleaned
from ictc.types import Failure, Reply, Request


class Answerer:
    """Implements `Family`. ViLT picks one of the answers it was trained on and says how probable it is: `red (0.83)`;
    BLIP writes its answer."""

    def __init__(self, source: Source, options: ModelOptions) -> None:
        import transformers

        self._picks = source.model_type == "vilt"
        name = "ViltForQuestionAnswering" if self._picks else "BlipForQuestionAnswering"
        if source.architecture and source.architecture != name:
            raise SpecError(
                f"hf:{source.place} answers no questions: it is a {source.architecture}.",
                f"Choose one of the kind {name}, such as dandelin/vilt-b32-finetuned-vqa.",
            )
        self._together = Together(loading.part(transformers.AutoProcessor, source, options))
        self._model = loading.model(getattr(transformers, name), source, options)
        config = self._model.config if self._picks else self._model.config.text_config
        self._limit = int(config.max_position_embeddings)

    def kind(self, request: Request) -> Hashable:
        return request.image is not None, request.user, request.max_tokens

    def length(self, request: Request) -> int:
        return 0

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]:
        import torch

        first = requests[0]
        inputs = self._together.inputs(first, pictures, self._limit)
        if inputs is None:
            return unseen(requests)
        inputs = on_device(inputs, self._model)
        asked = inputs["input_ids"].shape[1]
        with torch.inference_mode():
            if self._picks:
                chances = torch.softmax(self._model(**inputs).logits.float(), dim=-1).max(dim=-1)
                names = self._model.config.id2label
                texts = [f"{names[int(i)]} ({p:.2f})" for p, i in zip(chances.values, chances.indices, strict=True)]
                return [Reply(text, "stop", asked, 1) for text in texts]
            made = self._model.generate(**inputs, max_new_tokens=first.max_tokens, do_sample=False, num_beams=1)
        specials = set(self._together.tokenizer.all_special_ids)
        said = [[token for token in row if token not in specials] for row in made.tolist()]
        return [self._reply(ids, asked, first.max_tokens) for ids in said]

    def _reply(self, ids: Sequence[int], asked: int, most: int) -> Reply:
        text = cleaned(self._together.tokenizer.decode(ids), self._together.controls)
        return Reply(text, "length" if len(ids) >= most else "stop", asked, len(ids))
