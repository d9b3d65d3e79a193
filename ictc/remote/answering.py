"""A worker that asks a model: opened once, then given requests."""

from __future__ import annotations

import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from ictc.engine.alike import check_alike
from ictc.interfaces import Model
from ictc.models.usage import Accounted, Usage, Used, guessed
from ictc.remote.worker import Trouble, here, trouble
from ictc.types import Request

Answers = tuple[list[Used], int]
"""Of requests, by their place; and the tokens of room that the model now adds to each (`Accounted`)."""


class Answering:
    """An actor of Ray. What it cannot do at all it gives back as `Trouble`."""

    def __init__(self, made: bytes, fingerprint: str, environment: Mapping[str, str]) -> None:
        self._trouble: Trouble | None = None
        try:
            here(environment)
            make, options = pickle.loads(made)  # noqa: S301 (from the driver of this very job)
            self._model: Model = make(options)
            check_alike("The model", fingerprint, self._model.fingerprint)
        except Exception as error:
            self._trouble = trouble(error)

    def opened(self) -> Trouble | None:
        return self._trouble

    def ask(self, requests: Sequence[Request], room: int) -> Answers | Trouble:
        """`room`: tokens beyond `max_tokens` that the budget was asked for; a try that needs more is given up
        (`starved`), and asked again by who keeps the budget."""

        def allow(_number: int, so_far: Usage, wanted: int) -> bool:
            return wanted <= room and not (so_far.input_tokens or so_far.output_tokens)

        model: Any = self._model
        try:
            if isinstance(model, Accounted):
                return list(model.accounted(requests, allow)), model.room
            return [(number, answer, guessed(answer)) for number, answer in model.generate(requests)], 0
        except Exception as error:
            return trouble(error)
