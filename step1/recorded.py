"""`recorded:FILE`: the describer that reads what another model wrote down earlier, and runs nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ictc.descriptions import read_recorded, recorded_items
from ictc.errors import InputError
from ictc.interfaces import Tick, no_tick
from ictc.names import NameIndex
from ictc.types import Description, Failure, Item

if TYPE_CHECKING:
    from ictc.registry import DescriberContext

__all__ = ["RecordedDescriber", "create", "read_recorded", "recorded_items"]


def create(argument: str, context: DescriberContext) -> RecordedDescriber:
    """The describer for the spec `recorded:FILE`."""
    if not argument:
        raise InputError("`recorded:` needs a file.", "Type recorded:FILE, such as recorded:captions.jsonl.gz")
    return RecordedDescriber(Path(argument))


class RecordedDescriber:
    """Looks descriptions up by image name, with or without folders and extensions (see `NameIndex`).

    The criterion plays no part: it was asked when the file was made. The fingerprint is the file's content.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._by_name = {d.image: d for d in read_recorded(path)}
        self._index = NameIndex(self._by_name)
        with path.open("rb") as file:
            self.fingerprint = "recorded/1:" + hashlib.file_digest(file, "sha256").hexdigest()

    def describe(self, items: Sequence[Item], criterion: str, tick: Tick = no_tick) -> list[Description | Failure]:
        found = [self._look_up(item) for item in items]
        tick(len(found))
        return found

    def _look_up(self, item: Item) -> Description | Failure:
        name = self._index.find(item.name)
        if name is None:
            return Failure(item.name, "describe", "not-recorded", f"{self._path.name} does not describe it.")
        recorded = self._by_name[name]
        if not recorded.text.strip():
            return Failure(item.name, "describe", "empty", f"{self._path.name} has no text for it.")
        return Description(image=item.name, text=recorded.text, model=recorded.model, sha256=item.sha256)
