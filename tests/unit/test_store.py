"""The store: what is put is found again, by content, across processes and threads."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from ictc.errors import RunError
from ictc.store import Store, content_key, content_keys


def test_what_is_put_is_there_after_reopening(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.put_json([("a", {"x": "é"}), ("b", [1, 2])])
        store.put_vectors([("v", np.array([0.25, -1.0], dtype=np.float32))])
    with Store(tmp_path / "s.sqlite") as store:
        assert store.get_json(["a", "b", "missing"]) == {"a": {"x": "é"}, "b": [1, 2]}
        assert store.get_vectors(["v"])["v"].tolist() == [0.25, -1.0]


def test_more_keys_than_sqlite_binds_at_once(tmp_path: Path) -> None:
    keys = [f"k{i}" for i in range(5000)]
    with Store(None) as store:
        store.put_many((k, k.encode()) for k in keys)
        assert store.get_many(keys) == {k: k.encode() for k in keys}


def test_several_threads_share_a_store(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: store.put_json([(f"k{i}", i)]), range(200)))
        assert len(store.get_json([f"k{i}" for i in range(200)])) == 200


def test_keys_depend_on_content_alone() -> None:
    assert content_key("t/1", a=1, b="x") == content_key("t/1", b="x", a=1)
    assert (
        len({content_key("t/1", a=1), content_key("t/2", a=1), content_key("t/1", a=2), content_key("t/1", b=1)}) == 4
    )


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        content_key("t/1", a=float("nan"))


def test_a_file_that_is_no_store_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "s.sqlite").write_bytes(b"this is not a database, certainly" * 100)
    with pytest.raises(RunError, match=r"s\.sqlite cannot be used"):
        Store(tmp_path / "s.sqlite")


def test_an_input_output_error_is_not_called_a_full_disk(tmp_path: Path) -> None:
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from ictc.errors import RunError\nfrom ictc.store import Store\n"
        "store = Store(Path(sys.argv[1]))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))\n"
        "try:\n    store.put_many([('a', bytes(1 << 20))])\n"
        "except RunError as e:\n    print(e)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "s.sqlite")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "s.sqlite cannot be used: disk I/O error" in said


def test_a_commit_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.put_json([("a", 1)])
        with pytest.raises((RunError, sqlite3.Error)):
            store.put_many([("b", b"x"), ("c", None)])  # type: ignore[list-item]
        assert store.get_json(["a", "b"]) == {"a": 1}


def test_many_keys_at_once_are_the_same_keys() -> None:
    values = ["a", "é", '"', "\\", "0" * 64, ""]
    for content in ({"model": "m"}, {"abc": [1], "model": 'q"'}, {}):
        expected = [content_key("t/1", image=value, **content) for value in values]
        assert content_keys("t/1", "image", values, **content) == expected


def test_a_matrix_has_the_rows_in_the_order_asked_for_or_is_none() -> None:
    store = Store(None)
    rows = np.arange(36_000, dtype=np.float32).reshape(12_000, 3)
    store.put_vectors([(f"k{i}", row) for i, row in enumerate(rows)])
    order = [*range(11_999, -1, -1), 5, 5]
    np.testing.assert_array_equal(store.get_matrix([f"k{i}" for i in order]), rows[order])
    store.put_vectors([("narrow", np.ones(2, dtype=np.float32))])
    for keys in (["k1", "unknown"], ["k1", "narrow"], []):
        assert store.get_matrix(keys) is None
