"""What a family of models has to know, and how all of them generate."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

from PIL import Image

from ictc.errors import Told
from ictc.models.hf.texts import control_tokens, defused
from ictc.types import Failure, Reply, Request


class Family(Protocol):
    """A loaded model of one family. `kind`: requests of equal kind may share a batch. `length`: by which they are
    sorted. `answers`: one per request, in order; `pictures` has None where a request has no image.

    It may raise whatever its library raises: `HfModel` then tries smaller batches.
    """

    def kind(self, request: Request) -> Hashable: ...

    def length(self, request: Request) -> int: ...

    def answers(self, requests: Sequence[Request], pictures: Sequence[Image.Image | None]) -> list[Reply | Failure]: ...


class Together:
    """What captioners and answerers have in common: a batch has one prompt, the `user` of its requests, about each of
    its pictures, so that nothing is padded."""

    def __init__(self, processor: Any) -> None:
        self.tokenizer = processor.tokenizer
        self.controls = control_tokens(self.tokenizer)
        self._processor = processor

    def inputs(self, request: Request, pictures: Sequence[Image.Image | None], limit: int) -> Any:
        """What the model is given, the prompt shortened to `limit` tokens; None where there is no picture."""
        images = [picture for picture in pictures if picture is not None]
        if len(images) < len(pictures):
            return None
        prompt = shortened(defused(request.user, self.controls), limit, self._count)
        return self._processor(images=images, text=[prompt] * len(images), return_tensors="pt")

    def _count(self, text: str) -> int:
        return len(self.tokenizer(text)["input_ids"])


def unseen(requests: Sequence[Request]) -> list[Reply | Failure]:
    """The answers of a model that can speak of pictures alone, to questions without one."""
    message = "The model was given no picture; it can only be asked about one."
    return [Failure("", request.stage, "bad-request", message) for request in requests]


def decoding(request: Request) -> dict[str, Any]:
    """Arguments of `generate`: the likeliest token each time, or drawn with a seed that is the request's own."""
    drawn = request.temperature > 0
    chance = {"temperature": request.temperature} if drawn else {"temperature": None, "top_p": None, "top_k": None}
    return {"max_new_tokens": request.max_tokens, "do_sample": drawn, "num_beams": 1, **chance}


def on_device(inputs: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """Tensors where the model is, those of real numbers in its precision."""
    return {
        name: value.to(model.device, model.dtype if value.is_floating_point() else None)
        for name, value in inputs.items()
    }


def seeded(request: Request) -> None:
    """Answers that are drawn are drawn alike each time, whatever was asked before."""
    if request.temperature > 0:
        import torch

        content = json.dumps(request.content, sort_keys=True)
        torch.manual_seed(int.from_bytes(hashlib.sha256(content.encode()).digest()[:8], "big"))


def shortened(text: str, limit: int, count: Callable[[str], int]) -> str:
    """`text`, or as many of its first words as stay within `limit` by `count`, with a warning."""
    if count(text) <= limit:
        return text
    words = text[: 16 * limit].split()
    least, most = 0, len(words)
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if count(" ".join(words[:middle])) <= limit else (least, middle - 1)
    kept = " ".join(words[:least])
    warnings.warn(f"The model reads {limit} tokens at most: it is asked '{kept}'. Word it shorter.", Told, stacklevel=2)
    return kept
