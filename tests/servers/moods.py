"""What a vision model would say of moods, for the scripted server: by how light a picture is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from tests.servers.answers import Body
from tests.servers.thinking import thinking


def by_light() -> Callable[[Body], str]:
    """A `respond` that sees a picture as calm, lively or gloomy, and labels, merges and assigns by that word."""
    return thinking(lambda text: text.split()[2], _look)


def _look(image: Image.Image) -> str:
    light = np.asarray(image.convert("L")).mean()
    return f"It is {'calm' if light > 140 else 'lively' if light > 90 else 'gloomy'} here."
