"""BLIP and BLIP-2: models that go on with a text about a picture. The prompt is the request's `user` alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from PIL import Image

from ictc.modeloptions import ModelOptions
from ictc.models.hf import loading
from ictc.models.hf.family import Together, decoding, on_device, seeded, unseen
from ictc.models.hf.spec import Source
from ictc.models.hf.texts import cleaned
from ictc.types import Failure, Reply, Request


class Captioner:
    """Implements `Family`. The prompt is not part of the answer."""

    def __init__(self, source: Source, options: ModelOptions) -> None:
        import transformers

        name = {"blip": "BlipForConditionalGeneration", "blip-2": "Blip2ForConditionalGeneration"}[source.model_type]
        processor = loading.part(transformers.AutoProcessor, source, options)
        self._model = loading.model(getattr(transformers, name), source, options)
        if getattr(processor, "num_query_tokens", 0) is None:  # not in the files of early conversions
            processor.num_query_tokens = self._model.config.num_query_tokens
        self._together = Together(processor)
        self._queries = getattr(processor, "num_query_tokens", 0) or 0
        self._limit = int(getattr(self._model.config.text_config, "max_position_embeddings", 0) or 512)

    def kind(self, request: Request) -> Hashable:
        alone = request.content if request.temperature > 0 else None
        return request.image is not None, request.user, request.max_tokens, request.temperature, str(alone)

    def length(self, request: Request) -> int:
        return 0

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]:
        import torch

        first = requests[0]
        inputs = self._together.inputs(first, pictures, max(8, self._limit - first.max_tokens - self._queries))
        if inputs is None:
            return unseen(requests)
        seeded(first)
        with torch.inference_mode():
            made = self._model.generate(**on_device(inputs, self._model), **decoding(first))
        asked = inputs["input_ids"].shape[1]
        return [self._reply(row.tolist(), inputs["input_ids"][0].tolist(), asked, first.max_tokens) for row in made]

    def _reply(self, row: Sequence[int], prompt: Sequence[int], asked: int, most: int) -> Reply:
        """Decoders repeat the prompt's tokens, all or all but the closing one; encoder-decoders do not."""
        repeated = next((n for n in (len(prompt), len(prompt) - 1) if _begins(row, prompt[:n])), 0)
        said = [t for t in row[repeated:] if t not in self._endings()]
        text = cleaned(self._together.tokenizer.decode(said, skip_special_tokens=True), self._together.controls)
        return Reply(text, "length" if len(said) >= most else "stop", asked, len(said))

    def _endings(self) -> set[Any]:
        tokenizer, config = self._together.tokenizer, self._model.config.text_config
        ends = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.sep_token_id, config.eos_token_id)
        return {e for e in ends if e is not None}


def _begins(row: Sequence[int], prompt: Sequence[int]) -> bool:
    """Whether `row` begins with `prompt`, whose first token the model may have exchanged for its own."""
    return len(row) >= len(prompt) and list(row[1 : len(prompt)]) == list(prompt[1:])
