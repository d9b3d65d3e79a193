"""A classifier in a folder: `classifier.json` and `classifier.safetensors`. Reading one runs no code of its own and
unpickles nothing; what is in it is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np

from ictc.classify.classifier import ALIGNED, METHODS, NEAREST, ZERO_SHOT, Classifier
from ictc.errors import RunError, RunTooNew, SpecError
from ictc.files import write_atomic
from ictc.interfaces import Vectors
from ictc.lane.evening import View
from ictc.lane.fusion import FUSIONS
from ictc.lane.pairing import PAIRINGS

FACTS, TENSORS = "classifier.json", "classifier.safetensors"
FORMAT = 1
"""Version of the layout. A classifier with a higher one is refused, never guessed at."""
_TEXTS = ("method", "embedder", "fingerprint", "pairing", "fusion", "criterion", "strategy")
_NUMBERS = ("scale", "pair_scale", "weight")
_LISTS = ("classes", "of", "owners", "notes")
_AGAIN = "Save it again: ictc classify RUN --save {folder}"
T = TypeVar("T")


def is_saved(folder: Path) -> bool:
    return (folder / FACTS).is_file()


def check_place(folder: Path) -> None:
    """Raises RunError: something else is there."""
    if folder.exists() and (not folder.is_dir() or ({p.name for p in folder.iterdir()} and not is_saved(folder))):
        raise RunError(f"{folder} exists and is no classifier; nothing is written into it.", "Give a new folder.")


def save(made: Classifier, folder: Path) -> list[Path]:
    """Both files, the tensors first: the JSON has the digest of all, so that halves of two classifiers are told, and
    what was changed by hand: of reordered classes nobody knows which are whose.

    Raises:
        RunError: something else is there, or the folder cannot be written. StorageFull: the disk is full.
    """
    from safetensors.numpy import save as to_bytes

    check_place(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as e:
        raise RunError(f"{folder} cannot be made: {e.strerror or e}.", "Give another folder.") from e
    view = made.view
    tensors = {"texts": made.texts, "centres": made.centres}
    tensors |= {"middle": view.middle, "axes": view.axes} if view else {}
    data = to_bytes({k: np.ascontiguousarray(v, dtype=np.float32) for k, v in tensors.items() if v is not None})
    facts = {
        "format": FORMAT,
        **{k: getattr(made, k) for k in (*_TEXTS, "width", *_NUMBERS)},
        **{k: list(getattr(made, k)) for k in _LISTS},
    }
    facts |= {"groups": dict(made.groups), "scaled": view.scaled if view else None}
    facts |= {"sha256": digest(facts, data)}
    write_atomic(folder / TENSORS, data)
    write_atomic(folder / FACTS, json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    return [folder / FACTS, folder / TENSORS]


def load(folder: Path) -> Classifier:
    """What `save` wrote.

    Raises:
        RunError: there is no classifier, or it is damaged. RunTooNew: a newer ictc saved it.
    """
    try:
        facts = json.loads((folder / FACTS).read_text("utf-8"))
        version = _is(facts["format"], int, "format")
        if version > FORMAT:
            raise RunTooNew(
                f"{folder} was saved by a newer ictc (format {version}; this one knows {FORMAT}).", "Use that one."
            )
        made = _classifier(facts, _tensors(folder / TENSORS, facts))
        _check(made)
        return made
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as e:
        what = f"no {e}" if isinstance(e, KeyError) else getattr(e, "strerror", None) or str(e)
        raise RunError(f"{folder} is no classifier as ictc saves it: {what}.", _AGAIN.format(folder=folder)) from e


def check_embedder(made: Classifier, spec: str, fingerprint: str, folder: Path) -> None:
    """Raises SpecError where vectors would not be those that the classifier was made of."""
    if fingerprint != made.fingerprint:
        raise SpecError(
            f"{folder} was made with the embedder {made.embedder} ({made.fingerprint}); {spec} is another here "
            f"({fingerprint}): other weights, or another version.",
            f"Say where the same one is: --embedder SPEC. Or save it anew: ictc classify RUN --save {folder}",
        )


def digest(facts: Mapping[str, Any], data: bytes) -> str:
    """Of the facts but this digest, and of the tensors' bytes."""
    own = {key: value for key, value in facts.items() if key != "sha256"}
    return hashlib.sha256(json.dumps(own, sort_keys=True).encode() + b"\0" + data).hexdigest()


def _tensors(file: Path, facts: dict[str, Any]) -> dict[str, Vectors]:
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    data = file.read_bytes()
    if digest(facts, data) != facts["sha256"]:
        raise ValueError(f"{FACTS} or {file.name} is not as it was written")
    try:
        found = from_bytes(data)
    except SafetensorError as e:
        raise ValueError(f"{file.name}: {e}") from e
    for name, tensor in found.items():
        if tensor.dtype != np.float32 or not np.isfinite(tensor).all():
            raise ValueError(f"{file.name}: {name} is not all finite float32")
    return cast(dict[str, Vectors], found)


def _classifier(facts: dict[str, Any], tensors: dict[str, Vectors]) -> Classifier:
    scaled = "middle" in tensors and _is(facts["scaled"], bool, "scaled")
    return Classifier(
        **cast(dict[str, Any], {k: _is(facts[k], str, k) for k in _TEXTS}),
        **cast(dict[str, Any], {k: _number(facts[k], k) for k in _NUMBERS}),
        width=_is(facts["width"], int, "width"),
        classes=tuple(_is(x, str, "classes") for x in facts["classes"]),
        notes=tuple(_is(x, str, "notes") for x in facts["notes"]),
        groups={_is(k, str, "groups"): _is(v, str, "groups") for k, v in facts["groups"].items()},
        of=tuple(_is(x, int, "of") for x in facts["of"]),
        owners=tuple(_is(x, int, "owners") for x in facts["owners"]),
        texts=tensors.get("texts"),
        centres=tensors.get("centres"),
        view=View(tensors["middle"], tensors.get("axes"), scaled) if "middle" in tensors else None,
    )


def _check(made: Classifier) -> None:
    """Raises ValueError where the parts do not fit together."""
    k, view = len(made.classes), made.view
    fused = bool(made.pairing) or made.method == ALIGNED
    seen = made.width * (2 if fused and made.fusion == "concat" else 1)
    _want(made.method in METHODS, f"there is no method {made.method!r}")
    _want(k > 0 and len(set(made.classes)) == k, "the classes must be there and distinct")
    _want(set(made.groups.values()) <= set(made.classes) or made.method == NEAREST, "groups name no class")
    _want(made.pairing in ("", *PAIRINGS) and made.fusion in FUSIONS, "pairing or fusion is none")
    _want(0 <= made.weight <= 1 and made.scale > 0 and made.pair_scale > 0, "a weight or scale is out of range")
    _want(all(0 <= i < k for i in (*made.of, *made.owners)), "of or owners name no class")
    if fused or made.method == ZERO_SHOT:
        count = len(made.of) if made.method != NEAREST else len(made.texts) if made.texts is not None else 0
        _want(count > 0 and _shape(made.texts) == (count, made.width), "texts have another shape")
    if made.method in (ALIGNED, NEAREST):
        _want(view is not None and view.middle.shape == (seen,), "middle has another shape")
        axes = view.axes if view else None
        width = seen if axes is None else axes.shape[-1]
        _want(axes is None or axes.shape == (seen, width), "axes have another shape")
        _want(_shape(made.centres) == (len(made.owners), width) and len(made.owners) > 0, "centres have another shape")


def _shape(tensor: Vectors | None) -> tuple[int, ...]:
    return () if tensor is None else tensor.shape


def _want(holds: bool, what: str) -> None:
    if not holds:
        raise ValueError(what)


def _is(value: Any, kind: type[T], name: str) -> T:
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r}")
    return value


def _number(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}")
    return float(value)
