"""BLIP and BLIP-2: models that go on with a text about a picture. The prompt is the request's `user` alone."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from PIL import Image

from ictc.modeloptions import ModelOptions
from ictc.models.hf import loading
from ictc.models.hf.family import decoding, on_device, seeded, shortened
from ictc.models.hf.spec import Source
from ictc.models.hf.texts import cleaned, control_tokens, defused
from ictc.types import Failure, Reply, Request

_LEFT = "The model was given no picture; it can only speak of one."


class Captioner:
    """Implements `Family`. A batch has one prompt, so nothing is padded; the prompt is not part of the answer."""

    def __init__(self, source: Source, options: ModelOptions) -> None:
        import transformers

        name = {"blip": "BlipForConditionalGeneration", "blip-2": "Blip2ForConditionalGeneration"}[source.model_type]
        self._processor = loading.part(transformers.AutoProcessor, source, options)
        self._tokenizer = self._processor.tokenizer
        self._model = loading.model(getattr(transformers, name), source, options)
        if getattr(self._processor, "num_query_tokens", 0) is None:  # not in the files of early conversions
            self._processor.num_query_tokens = self._model.config.num_query_tokens
        self._controls = control_tokens(self._tokenizer)
        self._limit = int(getattr(self._model.config.text_config, "max_position_embeddings", 0) or 512)

    def kind(self, request: Request) -> Hashable:
        alone = request.content if request.temperature > 0 else None
        return request.image is not None, request.user, request.max_tokens, request.temperature, str(alone)

    def length(self, request: Request) -> int:
        return 0

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]:
        import torch

        images = [p for p in pictures if p is not None]
        if len(images) < len(requests):
            return [Failure("", r.stage, "bad-request", _LEFT) for r in requests]
        first = requests[0]
        room = self._limit - first.max_tokens - (getattr(self._processor, "num_query_tokens", 0) or 0)
        prompt = shortened(defused(first.user, self._controls), max(8, room), self._count)
        inputs = self._processor(images=images, text=[prompt] * len(images), return_tensors="pt")
        seeded(first)
        with torch.inference_mode():
            made = self._model.generate(**on_device(inputs, self._model), **decoding(first))
        asked = inputs["input_ids"].shape[1]
        return [self._reply(row.tolist(), inputs["input_ids"][0].tolist(), asked, first.max_tokens) for row in made]

    def _count(self, text: str) -> int:
        return len(self._tokenizer(text)["input_ids"])

    def _reply(self, row: Sequence[int], prompt: Sequence[int], asked: int, most: int) -> Reply:
        """Decoders repeat the prompt's tokens, all or all but the closing one; encoder-decoders do not."""
        repeated = next((n for n in (len(prompt), len(prompt) - 1) if _begins(row, prompt[:n])), 0)
        said = [t for t in row[repeated:] if t not in self._endings()]
        text = cleaned(self._tokenizer.decode(said, skip_special_tokens=True), self._controls)
        return Reply(text, "length" if len(said) >= most else "stop", asked, len(said))

    def _endings(self) -> set[Any]:
        tokenizer, config = self._tokenizer, self._model.config.text_config
        ends = (tokenizer.pad_token_id, tokenizer.eos_token_id, tokenizer.sep_token_id, config.eos_token_id)
        return {e for e in ends if e is not None}


def _begins(row: Sequence[int], prompt: Sequence[int]) -> bool:
    """Whether `row` begins with `prompt`, whose first token the model may have exchanged for its own."""
    return len(row) >= len(prompt) and list(row[1 : len(prompt)]) == list(prompt[1:])
