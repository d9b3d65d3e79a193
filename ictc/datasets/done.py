"""What lies in ROOT/NAME before it is prepared: nothing, all of it, a part that goes on, or something else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.datasets import layout
from ictc.datasets.recipe import Dataset, Options
from ictc.errors import IctcError, InputError, UsageError


@dataclass(frozen=True, slots=True)
class Prepared:
    """A data set on disk. `counts`: images of each class, by criterion. `fresh`: it was made just now. `gone`: images
    that their publisher does not have any more; `failed`: those that could not be had this time, and `why`, of one of
    them. `checked`: by official file, against what. `unlike`: what is not as published, where that was taken all the
    same. `changed`: metadata.csv is not as it was written."""

    folder: Path
    images: int
    counts: dict[str, dict[str, int]]
    fresh: bool
    gone: int = 0
    failed: int = 0
    why: str = ""
    checked: tuple[tuple[str, str], ...] = ()
    unpacked: bool = False
    unlike: str = ""
    changed: bool = False


def state_under(root: Path, name: str) -> Prepared | None:
    """What is prepared there, as prepared.json says; None where nothing is, or nothing that can be read."""
    try:
        done = layout.read_state(root / name)
        return None if done is None else as_prepared(root / name, done, fresh=False)
    except (IctcError, KeyError, TypeError, ValueError, AttributeError):
        return None


def request(dataset: Dataset, options: Options) -> dict[str, Any]:
    """What decides the files that are written, besides the official files.

    Raises:
        UsageError: labels of a criterion that the set does not have, or has itself.
        InputError: a file of labels that cannot be read.
    """
    by = {c.name for c in dataset.criteria}
    if unknown := [name for name in options.labels if name not in by]:
        raise UsageError(f"{dataset.title} has no criterion '{unknown[0]}'.", f"It has: {', '.join(sorted(by))}.")
    own = {c.name for c in dataset.criteria if not c.needs}
    if given := [name for name in options.labels if name in own]:
        others = ", ".join(sorted(by - own))
        raise UsageError(
            f"{dataset.title} has the classes of '{given[0]}' itself; --labels gives those that it does not have.",
            f"It lacks those of {others}." if others else "Leave --labels out.",
        )
    labels = {}
    for name, path in sorted(options.labels.items()):
        try:
            labels[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.", "Check the file after --labels.") from error
    asked: dict[str, Any] = {"dataset": dataset.name, "split": options.split}
    if options.classes:
        asked["classes"] = sorted(options.classes)
    if options.per_class:
        asked |= {"per_class": options.per_class, "seed": options.seed}
    return asked | ({"labels": labels} if labels else {})


def there(folder: Path, done: dict[str, Any], asked: dict[str, Any]) -> Prepared | None:
    """What was prepared before as asked, if it is whole. A table that a person changed is left as it is.

    Raises:
        UsageError: it was prepared otherwise.
    """
    if done["request"] != asked:
        raise UsageError(
            f"{folder} was prepared otherwise: {_said(done['request'])}; asked for now: {_said(asked)}.",
            "Choose another folder: --root DIR",
        )
    table = layout.digest_of(folder / layout.TABLE)
    changed = table not in ("", done["table"], *layout.tables_begun(folder))
    files = layout.listed(folder)
    if not files or not all(is_whole(folder / name) for name in files) or done.get("failed"):
        return None
    if not changed and (table != done["table"] or len(files) != done["images"]):
        return None
    (folder / layout.BEGUN).unlink(missing_ok=True)  # killed just before that
    return as_prepared(folder, done, fresh=False, changed=changed)


def check_free(folder: Path, done: dict[str, Any] | None, asked: dict[str, Any]) -> None:
    """That the folder is new, or ours and begun with the same options."""
    if done or not folder.exists():
        return
    begun = layout.read_state(folder, layout.BEGUN)
    if begun is None:
        left = [path.name for path in folder.iterdir() if path.name != f".{layout.BEGUN}.part"]
        if left:
            raise UsageError(
                f"{folder} holds files that ictc did not put there, such as {left[0]}; they stay as they are.",
                "Move them away, or choose another folder: --root DIR",
            )
    elif begun["request"] != asked:
        raise UsageError(
            f"{folder} was begun otherwise: {_said(begun['request'])}; asked for now: {_said(asked)}.",
            "Remove that folder, or choose another: --root DIR",
        )


def as_prepared(folder: Path, state: dict[str, Any], fresh: bool, changed: bool = False, why: str = "") -> Prepared:
    return Prepared(
        folder,
        state["images"],
        state["counts"],
        fresh,
        gone=state["gone"],
        failed=state.get("failed", 0),
        why=why,
        checked=tuple((str(s["file"]), str(s["checked"])) for s in state["sources"]),
        unpacked=bool(state["unpacked"]),
        unlike=state.get("unlike", ""),
        changed=changed,
    )


def is_whole(path: Path) -> bool:
    """As far as its size tells: a power failure can leave files empty."""
    return path.is_file() and path.stat().st_size > 0


def _said(asked: dict[str, Any]) -> str:
    return ", ".join(f"{key} {value}" for key, value in asked.items() if key != "dataset")
