"""Vectors in files: `.npy` with the images' names beside it, or `.parquet` with all in one.

FILE.npy holds float32 [n, d]; FILE.jsonl (or .csv, .tsv, .txt) beside it one row per vector in the same order, its
column `image` (or another of `listfiles.FILE_COLUMNS`) the name. FILE.parquet has the columns `image`, `sha256`
(optional) and `vector`. `seen` beside `sha256` is true of images that the embedder was trained on, and is there only
where it is of some. What is read is checked whole before any of it is used.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.errors import InputError, MissingExtra, UsageError
from ictc.files import check_place, write_atomic, write_jsonl
from ictc.images.listfiles import FILE_COLUMNS, read_list
from ictc.interfaces import Vectors

FORMATS = (".npy", ".parquet")
_BESIDE = (".jsonl", ".csv", ".tsv", ".txt")
_VECTOR_COLUMNS = ("vector", "embedding", "embeddings", "vectors")
_TRUE = ("true", "1")  # as JSON, pandas and people write it
_LENGTH = 16  # hexadecimal digits of a digest kept


@dataclass(frozen=True, slots=True)
class VectorFile:
    """`rows` are of unit length, whatever length they had. `hashes` are of the images' bytes, "" where not known.
    `digest` changes with the content of the file and of the names beside it. `seen`: the hashes of the images that the
    embedder was trained on."""

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    rows: Vectors
    digest: str
    seen: frozenset[str] = frozenset()


def write_vectors(
    path: Path, names: Sequence[str], hashes: Sequence[str], rows: Vectors, seen: Collection[str] = ()
) -> list[Path]:
    """Write them as the extension says; the files written. `seen`: hashes of images that the embedder was trained on.

    Raises:
        UsageError: the extension is none of FORMATS. MissingExtra: Parquet without pyarrow.
    """
    check_format(path)
    buffer, known = io.BytesIO(), [bool(h) and h in seen for h in hashes]
    if path.suffix == ".npy":
        np.save(buffer, np.ascontiguousarray(rows, dtype="<f4"))
        write_atomic(path, buffer.getvalue())
        beside = path.with_suffix(".jsonl")
        listed = zip(names, hashes, known, strict=True)
        write_jsonl(beside, [{"image": n, "sha256": h, **({"seen": True} if s else {})} for n, h, s in listed])
        return [path, beside]
    import pyarrow as pa
    from pyarrow import parquet

    flat = pa.array(np.ascontiguousarray(rows, dtype="<f4").ravel())
    vectors = pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])
    shown = [n.encode("utf-8", "backslashreplace").decode() for n in names]
    said = {"seen": known} if any(known) else {}
    parquet.write_table(pa.table({"image": shown, "sha256": list(hashes), **said, "vector": vectors}), buffer)
    write_atomic(path, buffer.getvalue())
    return [path]


def read_vectors(path: Path) -> VectorFile:
    """The vectors of a file, with every name once and every row usable.

    Raises:
        InputError: it is missing, damaged, without names, with as many names as vectors not, with a name twice, with a
            vector of zeros or with numbers that are not finite; the row and image are named.
        UsageError: the extension is none of FORMATS. MissingExtra: Parquet without pyarrow.
    """
    check_format(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path.") from error
    digest = hashlib.sha256(data)
    if path.suffix == ".npy":
        rows = _array(path, data)
        beside = _beside(path)
        digest.update(beside.read_bytes())
        listed = read_list(beside)
        names, hashes = [row.file for row in listed], [row.values.get("sha256", "") for row in listed]
        said = [row.values.get("seen", "") for row in listed]
    else:
        names, hashes, said, rows = _table(path, data)
    _check(path, names, rows)
    seen = frozenset(h for h, s in zip(hashes, said, strict=True) if h and s.strip().lower() in _TRUE)
    return VectorFile(tuple(names), tuple(hashes), _unit(rows), digest.hexdigest()[:_LENGTH], seen)


def check_out(path: Path) -> None:
    """Raises UsageError: no vectors can be written there. MissingExtra: Parquet without pyarrow."""
    check_format(path)
    check_place(path)


def check_format(path: Path) -> None:
    """Raises UsageError: the extension is none of FORMATS. MissingExtra: Parquet without pyarrow."""
    if path.suffix not in FORMATS:
        raise UsageError(f"{path} is neither .npy nor .parquet.", "Name it FILE.npy or FILE.parquet.")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise MissingExtra("Parquet", "parquet")


def _array(path: Path, data: bytes) -> NDArray[np.float64]:
    try:
        found = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise InputError(
            f"{path} is no array of numbers: {error}", "Save it with numpy.save(FILE, vectors)."
        ) from error
    return _numbers(path, found)


def _numbers(path: Path, found: Any) -> NDArray[np.float64]:
    array = np.asarray(found)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiu":
        raise InputError(
            f"{path} holds {array.dtype} of shape {array.shape}; vectors are numbers of shape [images, width].",
            "Save one row per image.",
        )
    return array.astype(np.float64)


def _beside(path: Path) -> Path:
    for extension in _BESIDE:
        if (beside := path.with_suffix(extension)).is_file():
            return beside
    raise InputError(
        f"{path} says nothing about which images its rows are of.",
        f'Put {path.with_suffix(".jsonl").name} beside it, one line per row: {{"image": "1.jpg"}}',
    )


def _table(path: Path, data: bytes) -> tuple[list[str], list[str], list[str], NDArray[np.float64]]:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is no Parquet file: {error}", "Write it with pyarrow or pandas.") from error
    has = {column.lower(): column for column in reversed(table.column_names)}
    name = next((has[c] for c in FILE_COLUMNS if c in has), None)
    vector = next((has[c] for c in _VECTOR_COLUMNS if c in has), None)
    if name is None or vector is None:
        raise InputError(
            f"{path} has the columns {', '.join(table.column_names)}; names and vectors are not among them.",
            "Call the column of names `image`, and the column of vectors (lists of numbers) `vector`.",
        )
    rows = _numbers(path, _rows(path, table.column(vector).combine_chunks()))
    hashes, said = (
        [str(x or "") for x in table.column(c).to_pylist()] if c in table.column_names else [""] * len(rows)
        for c in ("sha256", "seen")
    )
    return [str(n) for n in table.column(name).to_pylist()], hashes, said, rows


def _rows(path: Path, lists: Any) -> NDArray[Any]:
    """Arrow lists of numbers as a matrix, without a Python object per number."""
    import pyarrow as pa
    from pyarrow import compute

    try:
        widths = compute.fill_null(compute.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
        values = lists.flatten().to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise InputError(f"{path}: the vectors are no lists of numbers: {error}", "Save one list per image.") from error
    usual = Counter(widths.tolist()).most_common(1)[0][0] if len(widths) else 0
    if (odd := np.flatnonzero(widths != usual)).size:
        raise InputError(
            f"{path}, row {odd[0] + 1}: its vector has {widths[odd[0]]} numbers, the others have {usual}.",
            "All vectors must come from one model.",
        )
    return np.asarray(values).reshape(len(widths), -1) if usual else np.empty((len(widths), 0))


def _unit(rows: NDArray[np.float64]) -> Vectors:
    """Scaled by a power of two first, which changes no digit: squares of 1e300 are infinite, those of 1e-300 zero."""
    rows = np.ldexp(rows, -np.frexp(np.abs(rows).max(axis=1, keepdims=True))[1])
    unit: Vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _check(path: Path, names: Sequence[str], rows: NDArray[np.float64]) -> None:
    if len(names) != len(rows):
        raise InputError(
            f"{path} has {len(rows)} vectors, but {len(names)} names stand beside it.", "Give one name per row."
        )
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise InputError(f"{path} has '{twice[0]}' twice.", "Keep one vector per image.")
    unusable = {"numbers that are not finite": ~np.isfinite(rows).all(axis=1), "zeros alone": ~rows.any(axis=1)}
    for what, bad in unusable.items():
        if bad.any():
            first = int(bad.argmax())
            raise InputError(
                f"{path}, row {first + 1} ({names[first]}): the vector has {what}; {int(bad.sum())} such rows.",
                "Embed these images again, or leave them out of the file.",
            )
