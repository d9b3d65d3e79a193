"""Describers by name, ours and others'."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint, EntryPoints

import numpy as np
import pytest

import ictc.registry
from ictc.errors import SpecError, UsageError
from ictc.interfaces import Tick, Vectors, no_tick
from ictc.registry import DescriberContext, describer, describers
from ictc.store import Store


class NoEmbedder:
    fingerprint = "none"

    def embed_texts(self, texts: Sequence[str], tick: Tick = no_tick) -> Vectors:
        return np.zeros((len(texts), 1), np.float32)


class Echo:
    """What a third party might write."""

    def __init__(self, argument: str, context: DescriberContext) -> None:
        if argument == "usage":
            raise UsageError("not like this")
        if argument == "broken":
            raise KeyError("oops")
        self.argument = argument
        self.context = context


@pytest.fixture
def context() -> DescriberContext:
    return DescriberContext(Store(None), NoEmbedder())


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("echo", f"{__name__}:Echo", ictc.registry.DESCRIBERS)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Echo if self.name == "echo" else None)
    monkeypatch.setattr(ictc.registry, "entry_points", lambda group: EntryPoints([entry]))


def test_the_built_in_describers_are_registered() -> None:
    assert {"offline", "recorded"} <= set(describers())


def test_a_third_partys_describer_gets_its_argument_and_the_context(
    third_party: None, context: DescriberContext
) -> None:
    made = describer("echo:a:b", context)
    assert isinstance(made, Echo)
    assert made.argument == "a:b"
    assert made.context is context


def test_an_unknown_name_says_what_is_known(context: DescriberContext) -> None:
    with pytest.raises(SpecError, match="Unknown describer 'blip'") as caught:
        describer("blip:x", context)
    assert "offline" in caught.value.hint


def test_a_describers_own_complaint_comes_through(third_party: None, context: DescriberContext) -> None:
    with pytest.raises(UsageError, match="not like this"):
        describer("echo:usage", context)


def test_a_describer_that_cannot_be_made_is_a_spec_error(third_party: None, context: DescriberContext) -> None:
    with pytest.raises(SpecError, match=r"'echo'.*KeyError"):
        describer("echo:broken", context)


def test_offline_takes_no_argument(context: DescriberContext) -> None:
    with pytest.raises(SpecError, match="takes no argument"):
        describer("offline:x", context)
