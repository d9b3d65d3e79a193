"""What `--from` names, or nothing: the official files found in it, checked, and opened as one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictc.datasets.archives import Archive, open_archive
from ictc.datasets.checking import Used, check, is_same
from ictc.datasets.fetching import Fetcher
from ictc.datasets.places import FileLayer, Files, FolderLayer, Gone, Layer, without
from ictc.datasets.recipe import Dataset, Source, needed
from ictc.errors import InputError
from ictc.progress import Watch, unwatched

_SECOND = re.compile(r" ?\(\d+\)(?=\.)")
"""What browsers add to the name of a file that is there already."""


_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, slots=True)
class Opened:
    """A place, and the official files it was made of; `unpacked`: also of files that no hash is known of. `strays`:
    archives in the folders that are called otherwise than the official files, and are not looked into."""

    place: Files
    used: tuple[Used, ...]
    unpacked: bool
    strays: tuple[Path, ...] = ()


def open_given(
    dataset: Dataset,
    split: str,
    given: Sequence[Path],
    fetcher: Fetcher,
    verify: bool = True,
    watch: Watch = unwatched,
) -> Opened:
    """The files of `split`: from `given` (official archives, folders of them, folders of what they hold), else
    downloaded.

    Raises:
        InputError: something is missing, damaged, or not the publisher's.
    """
    found, folders, others = _found(dataset, given, verify)
    chosen, missing = _chosen(dataset, split, found)
    if not given:
        fetcher.needed = tuple(source.url for source in missing)
        for source in missing:
            if source.by_hand and not fetcher.path(source).exists():
                fetcher(source)  # says how to get it, before others are downloaded for nothing
        try:
            chosen, missing = [*chosen, *((source, fetcher(source)) for source in missing)], []
        except Gone as gone:
            raise InputError(*str(gone).split("\n", 1)) from gone
    layers: list[tuple[str, Layer]] = []
    archives: list[Archive] = []
    used = []
    for source, path in chosen:
        used.append(fetcher.checked.get(source.file) or check(source, path, verify, watch))
    for called, path in [*((source.file, path) for source, path in chosen), *((path.name, path) for path in others)]:
        if archive := open_archive(path, watch):
            archives.append(archive)
            layers.append((called, archive))
        else:
            layers.append(("", FileLayer(path, called)))
    if missing or dataset.loose:
        layers += [("", without(folder, archives)) for folder in folders]
    place = Files(layers, lambda source: fetcher(source, quiet=True), lambda: _hint(missing, fetcher.again))
    strays = _strays(folders, {path for _, path in chosen})
    return Opened(place, tuple(used), bool(missing) or bool(others), strays)


def _found(
    dataset: Dataset, given: Sequence[Path], verify: bool
) -> tuple[dict[str, Path], list[FolderLayer], list[Path]]:
    """Official files by their official name, the folders, and files that are none of these."""
    by_name = {source.file.lower(): source for source in dataset.sources}
    found: dict[str, Path] = {}
    folders, others = [], []
    for path in given:
        if path.is_dir():
            folders.append(layer := FolderLayer(path))
            for name in sorted(layer.sizes, key=lambda name: name.count("/")):
                if source := by_name.get(_SECOND.sub("", name.rpartition("/")[2]).lower()):
                    found.setdefault(source.file, path / name)
        elif not path.is_file():
            raise InputError(f"There is no file or folder {path}.", "Name an archive, or a folder, after --from.")
        elif source := _official(dataset, by_name, path):
            found[source.file] = path
        elif verify:
            raise InputError(
                f"{path} is none of the official files of {dataset.title}: neither by name nor by size and hash.",
                f"These are: {', '.join(s.file for s in dataset.sources)}.\nTo use it as it is, add --no-verify.",
            )
        else:
            others.append(path)
    return found, folders, others


def _official(dataset: Dataset, by_name: dict[str, Source], path: Path) -> Source | None:
    """Which file this is, by its name, else by its size and hash."""
    named = by_name.get(_SECOND.sub("", path.name).lower())
    return named or next((source for source in dataset.sources if is_same(source, path)), None)


def _chosen(dataset: Dataset, split: str, found: dict[str, Path]) -> tuple[list[tuple[Source, Path]], list[Source]]:
    """The files that are there and needed, in the recipe's order, and those that are missing."""
    chosen, missing = [], []
    for source in dataset.wanted(split):
        packings = [source, *(s for s in dataset.sources if s.instead_of == source.file and needed(s, split))]
        if there := next((s for s in packings if s.file in found), None):
            chosen.append((there, found[there.file]))
        else:
            missing.append(source)
    chosen += [(s, found[s.file]) for s in dataset.sources if s.optional and needed(s, split) and s.file in found]
    return chosen, missing


def _strays(folders: Sequence[FolderLayer], used: set[Path]) -> tuple[Path, ...]:
    names = [layer.root / name for layer in folders for name in layer.sizes if name.lower().endswith(_ARCHIVES)]
    return tuple(path for path in names if path not in used)


def _hint(missing: Sequence[Source], again: str) -> str:
    if not missing:
        return "It is not the content that these files have."
    files = "".join(f"\n  {source.url}" for source in missing)
    return f"Needed are, in one folder:{files}\nthen: {again} --from FOLDER   (without --from: downloaded for you)"
