"""`tiny("llama")` is the folder of a tiny model with random weights, made once a session, offline, in a second.

A conftest takes the fixture by `from tests.tiny.fixture import tiny  # noqa: F401`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tiny.captioners import ANSWERERS, CAPTIONERS, blip_learner
from tests.tiny.dual import DUAL
from tests.tiny.encoders import ENCODERS
from tests.tiny.parrot import parrot
from tests.tiny.text import llama
from tests.tiny.vision import FAMILIES, llava

MAKERS: dict[str, Callable[[Path], None]] = {
    "llama": llama,
    "llama-plain": lambda folder: llama(folder, template=False),
    "llama-short": lambda folder: llama(folder, max_position_embeddings=64),
    "llama-terse": lambda folder: llama(folder, brief=True),
    "llava-terse": lambda folder: llava(folder, brief=True),
    "parrot": parrot,
    **FAMILIES,
    **CAPTIONERS,
    "blip-learner": blip_learner,
    **ANSWERERS,
    **DUAL,
    **ENCODERS,
}

Tiny = Callable[[str], Path]


def build(name: str, folder: Path) -> Path:
    """Write the model `name` to `folder`; the weights are the same each time."""
    import torch

    state = torch.get_rng_state()
    torch.manual_seed(20)
    folder.mkdir(parents=True)
    MAKERS[name](folder)
    torch.set_rng_state(state)
    return folder


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    root = tmp_path_factory.mktemp("tiny")

    def folder(name: str) -> Path:
        place = root / name
        return place if place.is_dir() else build(name, place)

    return folder
