"""Whether there is a server at all: told within seconds when there never was one, later when it fell silent."""

from __future__ import annotations

from collections.abc import Callable

_PATIENCE = 2.5  # seconds of refused connections before a server that never answered is given up
_TRIES = 3
_GIVEN_UP = 3  # requests in a row that used up all their tries without any answer in between


class Reach:
    """`clock`: seconds. A server that answered anything at all, errors included, is there."""

    def __init__(self, clock: Callable[[], float], patience: float = _PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._ever = False
        self._tries = 0
        self._since = 0.0
        self._given_up = 0
        self.answers = 0

    def answered(self) -> None:
        self._ever = True
        self._tries = self._given_up = 0
        self.answers += 1

    def silent(self) -> bool:
        """A try found nobody. True when the model is to be given up at once."""
        if not self._tries:
            self._since = self._clock()
        self._tries += 1
        return not self._ever and self._tries >= _TRIES and self._clock() - self._since >= self._patience

    def gave_up(self, answers_before: int, *, refused: bool) -> bool:
        """A request used up its tries, the first of them after `answers_before` answers. True when the model is to be
        given up: nobody answered anything meanwhile, and either no connection was made at all (`refused`) or requests
        before this one fared no better. One question that brings its connection down each time is no lost server."""
        if self.answers != answers_before:
            return False
        self._given_up += 1
        return refused or self._given_up >= _GIVEN_UP
