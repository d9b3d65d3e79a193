"""Images, each with what is to be said of it, and batches of them as BLIP takes them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from ictc.errors import InputError
from ictc.images.upload import picture
from ictc.modeloptions import ModelOptions
from ictc.progress import Watch
from ictc.training.pictures import check_same
from ictc.types import Failure, Item

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor


class Captions:
    """A dataset of torch: images, each with what is to be said of it. `items`: those that can be read, `failures` the
    others."""

    def __init__(self, items: Sequence[Item], texts: Mapping[str, str], watch: Watch) -> None:
        self.items: list[Item] = []
        self.failures: list[Failure] = []
        self.texts = texts
        with watch("read", len(items)) as tick, ThreadPoolExecutor(os.cpu_count() or 1, "decode") as pool:
            for item, found in zip(items, pool.map(_fault, items), strict=True):
                if isinstance(found, Failure):
                    self.failures.append(found)
                else:
                    self.items.append(item)
                tick(1)

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, number: int) -> tuple[Image.Image, str]:
        item = self.items[number]
        found = _opened(item)
        if isinstance(found, Failure):
            raise InputError(f"{item.path} cannot be read any more: {found.message}", "Put it back.")
        check_same(item)
        return found, self.texts[item.name]


def _opened(item: Item) -> Image.Image | Failure:
    """As it is opened to be described."""
    return picture(item, ModelOptions().image_side)


def _fault(item: Item) -> Failure | None:
    found = _opened(item)
    return found if isinstance(found, Failure) else None


class Together:
    """Makes a batch of examples: pixels as the model's own files say, and texts that begin as generated ones do."""

    def __init__(self, processor: Any, begin: int, longest: int) -> None:
        self._processor, self._begin, self._longest = processor, begin, longest

    def __call__(self, examples: Sequence[tuple[Image.Image, str]]) -> dict[str, Tensor]:
        images, texts = [image for image, _ in examples], [text for _, text in examples]
        made = self._processor(
            images=images, text=texts, padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
        )
        tokens, mask = made["input_ids"], made["attention_mask"]
        tokens[:, 0] = self._begin
        labels = tokens.masked_fill(mask == 0, -100)  # which no loss is taken of
        return {"pixel_values": made["pixel_values"], "input_ids": tokens, "attention_mask": mask, "labels": labels}
