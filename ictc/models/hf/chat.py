"""Text and image-text models that follow instructions, asked by their own chat templates."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from typing import Any

from PIL import Image

from ictc.errors import SpecError, Told
from ictc.modeloptions import ModelOptions
from ictc.models.hf import loading
from ictc.models.hf.family import decoding, on_device, seeded
from ictc.models.hf.processors import processor
from ictc.models.hf.spec import Source
from ictc.models.hf.texts import control_tokens, defused, reply
from ictc.types import Failure, Reply, Request


class Chat:
    """Implements `Family`. The prompt ends where the model's turn begins; padding is on the left.

    A template that does not take a system message gets it at the head of the user's. Templates that can leave out
    thinking do so (`enable_thinking`): it would use up the tokens of a short answer.
    """

    def __init__(self, source: Source, options: ModelOptions) -> None:
        from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoTokenizer

        self._sees = source.sees
        self._source = source
        if self._sees:
            self._processor = processor(source, options)
            self._tokenizer = self._processor.tokenizer
            self._model = loading.model(AutoModelForImageTextToText, source, options)
        else:
            self._processor = self._tokenizer = loading.part(AutoTokenizer, source, options)
            self._model = loading.model(AutoModelForCausalLM, source, options)
        self._image_token = str(getattr(self._processor, "image_token", "") or "")
        self._controls = control_tokens(self._tokenizer, self._image_token)
        self._stops = _stops(self._model, self._tokenizer)
        self._tokenizer.padding_side = "left"
        if self._tokenizer.pad_token_id is None:
            self._tokenizer.pad_token_id = min(self._stops, default=0)
        self._limit = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)
        self._template = self._has_template()
        thinks = "enable_thinking" in str(self._processor.chat_template)
        self._quick = {"enable_thinking": False} if thinks else {}

    def kind(self, request: Request) -> Hashable:
        alone = request.content if request.temperature > 0 else None  # what is drawn depends on the whole batch
        return request.image is not None, request.max_tokens, request.temperature, str(alone)

    def length(self, request: Request) -> int:
        return len(request.system) + len(request.user)

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]:
        import torch

        inputs = self._inputs(requests, pictures)
        lengths = [int(n) for n in inputs["attention_mask"].sum(dim=1)]
        fitting = [i for i, r in enumerate(requests) if self._limit is None or lengths[i] + r.max_tokens <= self._limit]
        if 0 < len(fitting) < len(requests):
            some = iter(self.answers([requests[i] for i in fitting], [pictures[i] for i in fitting]))
        elif fitting:
            seeded(requests[0])
            with torch.inference_mode():
                made = self._model.generate(
                    **on_device(inputs, self._model),
                    **decoding(requests[0]),
                    pad_token_id=self._tokenizer.pad_token_id,
                    eos_token_id=sorted(self._stops) or None,
                )
            start = inputs["input_ids"].shape[1]
            some = iter(
                [
                    reply(self._tokenizer, row[start:].tolist(), self._stops, self._controls, asked, request.max_tokens)
                    for row, asked, request in zip(made, lengths, requests, strict=True)
                ]
            )
        return [next(some) if i in set(fitting) else self._overflow(r, lengths[i]) for i, r in enumerate(requests)]

    def _overflow(self, request: Request, length: int) -> Failure:
        message = f"{length} tokens and {request.max_tokens} for the answer exceed the model's {self._limit}."
        return Failure("", request.stage, "context-overflow", message)

    def _inputs(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> Any:
        prompts = [self._prompt(r) for r in requests]
        bos = self._tokenizer.bos_token
        # Templates write what stands at the beginning; where they do not, a processor adds it, a tokenizer does not
        specials = not self._template or (self._sees and not (bos and prompts[0].startswith(bos)))
        common = {"padding": True, "return_tensors": "pt", "add_special_tokens": specials}
        if not self._sees:
            return self._tokenizer(prompts, return_token_type_ids=False, **common)
        images = [[p] for p in pictures if p is not None]
        return self._processor(text=prompts, **({"images": images} if images else {}), **common)

    def _prompt(self, request: Request) -> str:
        system, user = defused(request.system, self._controls), defused(request.user, self._controls)
        shown = request.image is not None
        both = f"{system}\n\n{user}" if system else user
        if not self._template:
            return f"{self._image_token}\n{both}" if shown else both
        if system:
            try:
                prompt = self._rendered([("system", system), ("user", user)], shown)
            except Exception:  # whatever a template raises where it knows no such role
                prompt = ""
            if system.strip() in prompt:
                return prompt
        return self._rendered([("user", both)], shown)

    def _rendered(self, turns: Sequence[tuple[str, str]], shown: bool) -> str:
        conversation = [
            {"role": role, "content": self._content(text, shown and role == "user")} for role, text in turns
        ]
        prompt: str = self._processor.apply_chat_template(
            conversation, tokenize=False, add_generation_prompt=True, **self._quick
        )
        return prompt

    def _content(self, text: str, shown: bool) -> Any:
        if not self._sees:
            return text
        return [*([{"type": "image"}] if shown else []), {"type": "text", "text": text}]

    def _has_template(self) -> bool:
        if self._processor.chat_template or self._tokenizer.chat_template:
            if not self._processor.chat_template:
                self._processor.chat_template = self._tokenizer.chat_template
            return True
        if self._sees and not self._image_token:
            raise SpecError(
                f"hf:{self._source.place} has no chat template, so it is not known how it is shown a picture.",
                "Choose a model trained to follow instructions, often named ...-Instruct or ...-it.",
            )
        name = self._source.place
        said = f"hf:{name} has no chat template: it is given plain text, and may not answer."
        warnings.warn(said, Told, stacklevel=2)
        return False


def _stops(model: Any, tokenizer: Any) -> frozenset[int]:
    """Ends of a turn: those of the generation settings, and the tokenizer's, which those may lack."""
    ends = model.generation_config.eos_token_id
    listed = ends if isinstance(ends, list) else [ends]
    return frozenset(int(e) for e in [*listed, tokenizer.eos_token_id] if e is not None)
