"""The content-addressed store: one SQLite file that keeps every answer and vector ever computed for a run.

Keys are hashes of canonical content (`content_key`), never a path, a time or a position, so resuming and refining
need no code of their own: the same question finds its answer, whoever asks. One commit per `put_many`.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from ictc.errors import RunError, StorageFull
from ictc.interfaces import Vectors

_LOOKUP = 5000  # keys a query: for 100,000 twice as fast as 500, and no slower than more
_MARK = secrets.token_hex(16)  # stands for a value in a key's JSON; found nowhere else
_TOO_LITTLE = 1 << 16  # bytes; SQLite grows its files by up to 32 KiB at once


def content_key(kind: str, **content: Any) -> str:
    """SHA-256 of the canonical JSON of `content`, prefixed by the versioned `kind` (for example `features/1`)."""
    return f"{kind}:{hashlib.sha256(_canonical(content).encode()).hexdigest()}"


def content_keys(kind: str, name: str, values: Sequence[str], **content: Any) -> list[str]:
    """`content_key(kind, **{name: value}, **content)` for each of `values`, several times faster for many of them."""
    before, _, after = _canonical({name: _MARK, **content}).partition(_canonical(_MARK))
    start = hashlib.sha256(before.encode())
    found = []
    for value in values:
        digest = start.copy()
        digest.update((_quoted(value) + after).encode())
        found.append(f"{kind}:{digest.hexdigest()}")
    return found


_quoted = json.encoder.encode_basestring_ascii  # as the canonical JSON has texts


_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode
_plain = json.JSONEncoder(allow_nan=False).encode  # one encoder for all: `json.dumps` builds one a value


def encode_vector(vector: Vectors) -> bytes:
    """How `put_vectors` keeps a vector: little-endian float32."""
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def encode_json(value: Any) -> bytes:
    """How `put_json` keeps a value; NaN is refused."""
    return _plain(value).encode()


class Store:
    """`put_many` commits before it returns; `get_many` gives what is there. Safe to use from several threads.

    Raises:
        RunError: the file is not a store, or cannot be opened.
        StorageFull: the disk is full; everything committed before stays.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` None keeps everything in memory (the library's default when no run folder is given)."""
        self.path = path
        self._lock = threading.Lock()
        try:
            self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, timeout=30)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL)")
            self._db.commit()
            self._lookup = min(_LOOKUP, self._db.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER))
        except sqlite3.Error as e:
            raise _translated(e, path) from e

    def get_many(self, keys: Sequence[str]) -> dict[str, bytes]:
        """The stored values among `keys`; a key that is not stored is left out."""
        found: dict[str, bytes] = {}
        for start in range(0, len(keys), self._lookup):
            found.update(self._get(keys[start : start + self._lookup]))
        return found

    def _get(self, keys: Sequence[str]) -> dict[str, bytes]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, value FROM entries WHERE key IN ({marks})"  # noqa: S608 (marks only)
        try:
            with self._lock:
                return dict(self._db.execute(query, keys))
        except sqlite3.Error as e:
            raise _translated(e, self.path) from e

    def put_many(self, entries: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        """Keep all of `entries`, in one commit."""
        rows = list(entries.items()) if isinstance(entries, Mapping) else list(entries)
        try:
            with self._lock, self._db:
                self._db.executemany("INSERT OR REPLACE INTO entries VALUES (?, ?)", rows)
        except sqlite3.Error as e:
            raise _translated(e, self.path) from e

    def get_vectors(self, keys: Sequence[str]) -> dict[str, Vectors]:
        """As `get_many`, for float32 [d] vectors."""
        return {k: np.frombuffer(v, dtype="<f4") for k, v in self.get_many(keys).items()}

    def get_matrix(self, keys: Sequence[str]) -> Vectors | None:
        """The float32 vectors of `keys` as rows [n, d] in that order; None where one is missing or of another width.

        Block by block into one array: a second copy of everything would cost more time than the reading.
        """
        rows: Vectors | None = None
        for start in range(0, len(keys), self._lookup):
            part = keys[start : start + self._lookup]
            found = self._get(part)
            if len(found) < len(set(part)) or len({len(v) for v in found.values()}) != 1:
                return None
            block = np.frombuffer(b"".join(map(found.__getitem__, part)), dtype="<f4").reshape(len(part), -1)
            if rows is None:
                rows = np.empty((len(keys), block.shape[1]), dtype="<f4")
            if rows.shape[1] != block.shape[1]:
                return None
            rows[start : start + len(part)] = block
        return rows

    def put_vectors(self, vectors: Iterable[tuple[str, Vectors]]) -> None:
        """As `put_many`, for float32 [d] vectors."""
        self.put_many([(k, encode_vector(v)) for k, v in vectors])

    def get_json(self, keys: Sequence[str]) -> dict[str, Any]:
        """As `get_many`, for JSON values."""
        return {k: json.loads(v) for k, v in self.get_many(keys).items()}

    def put_json(self, values: Iterable[tuple[str, Any]]) -> None:
        """As `put_many`, for JSON values; NaN is refused."""
        self.put_many([(k, encode_json(v)) for k, v in values])

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _translated(error: sqlite3.Error, path: Path | None) -> Exception:
    where = str(path) if path else "memory"
    if _is_full(error, path):
        return StorageFull(
            f"The disk that holds {where} is full ({error}).",
            "Free some space and run the same command again: what was computed is kept.",
        )
    return RunError(
        f"The store {where} cannot be used: {error}.",
        "If the file is damaged, move it away and run the same command again; it is made anew.",
    )


def _is_full(error: sqlite3.Error, path: Path | None) -> bool:
    """SQLite says so, or an I/O error where no space is left (it cannot grow its shared memory file, for one)."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF  # the primary code of an extended one
    if code == sqlite3.SQLITE_IOERR and path:
        return shutil.disk_usage(path.parent).free < _TOO_LITTLE
    return code == sqlite3.SQLITE_FULL
