"""Files of vectors: what is written is read again; what is unusable is told with file, row and image."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ictc.embed.files import read_vectors, write_vectors
from ictc.errors import IctcError, InputError, MissingExtra, UsageError

NAMES = ["a/1.png", "b/2.png", "Ä 3.png"]
ROWS = np.eye(3, 4, dtype=np.float32)


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_what_is_written_is_read_again(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"v{ending}"
    written = write_vectors(file, NAMES, ["h1", "", "h3"], ROWS)
    assert written[0] == file and all(f.exists() for f in written)
    found = read_vectors(file)
    assert (found.names, found.hashes) == (tuple(NAMES), ("h1", "", "h3"))
    np.testing.assert_array_equal(found.rows, ROWS)
    before = found.digest
    write_vectors(file, NAMES, ["h1", "", "h3"], ROWS[::-1])
    assert read_vectors(file).digest != before


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_what_the_embedder_was_trained_on_is_written_where_it_was_on_some(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"v{ending}"
    plain = [f.read_bytes() for f in write_vectors(file, NAMES, ["h1", "", "h3"], ROWS)]
    assert [f.read_bytes() for f in write_vectors(file, NAMES, ["h1", "", "h3"], ROWS, {"h2"})] == plain
    write_vectors(file, NAMES, ["h1", "", "h3"], ROWS, {"", "h2", "h3"})
    assert read_vectors(file).seen == {"h3"}
    if ending == ".npy":  # as a person or pandas writes it
        file.with_suffix(".jsonl").unlink()
        file.with_suffix(".csv").write_text("image,sha256,seen\na,h1,True\nb,h2,False\nc,h3,1\n")
        assert read_vectors(file).seen == {"h1", "h3"}


@pytest.mark.parametrize("ending", [".npy", ".parquet"])
def test_rows_get_unit_length_whatever_their_type(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"v{ending}"
    if ending == ".npy":
        np.save(file, (ROWS * 7).astype(np.float16))
        (tmp_path / "v.csv").write_text("image\n" + "\n".join(NAMES) + "\n", "utf-8")
    else:
        table(file, image=NAMES, embedding=[[float(x) * 7 for x in row] for row in ROWS])
    np.testing.assert_array_equal(read_vectors(file).rows, ROWS)


def test_numbers_whose_squares_are_too_large_or_too_small_for_a_length(tmp_path: Path) -> None:
    array(tmp_path / "v.npy", [[3e300, 4e300], [3e-300, 4e-300], [-5e-324, 0], [3.0, 4.0]], ["a", "b", "c", "d"])
    np.testing.assert_allclose(read_vectors(tmp_path / "v.npy").rows, [[0.6, 0.8], [0.6, 0.8], [-1, 0], [0.6, 0.8]])


def table(file: Path, **columns: Any) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(columns), file)


def array(file: Path, rows: Any, names: list[str]) -> None:
    np.save(file, np.asarray(rows))
    file.with_suffix(".jsonl").write_text("".join(json.dumps({"image": n}) + "\n" for n in names))


@pytest.mark.parametrize(
    ("rows", "names", "said"),
    [
        ([[1.0, 2], [float("nan"), 1]], ["a", "b"], r"row 2 \(b\).*not finite; 1 such"),
        ([[1.0, 2], [float("inf"), 1]], ["a", "b"], r"row 2 \(b\)"),
        ([[0.0, 0], [3, 1]], ["a", "b"], r"row 1 \(a\).*zeros"),
        ([[1.0, 2], [3, 1]], ["a", "a"], "'a' twice"),
        ([[1.0, 2], [3, 1]], ["a"], "2 vectors, but 1 names"),
        ([1.0, 2], ["a", "b"], r"shape \(2,\)"),
        ([["x", "y"]], ["a"], "numbers of shape"),
        (np.zeros((0, 3)), [], "shape"),
    ],
)
def test_unusable_vectors_are_told_about(tmp_path: Path, rows: Any, names: list[str], said: str) -> None:
    array(tmp_path / "v.npy", rows, names)
    with pytest.raises(InputError, match=said) as told:
        read_vectors(tmp_path / "v.npy")
    assert told.value.hint


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (
            {"image": ["a", "b"], "vector": [[1.0, 2], [1.0]]},
            r"row \d: its vector has",
        ),
        ({"image": ["a", "b"], "vector": [[1.0, 2], None]}, r"row \d: its vector has"),
        ({"image": ["a"], "vector": [["x"]]}, "numbers of shape"),
        ({"image": ["a"], "vector": ["x"]}, "no lists of numbers"),
        ({"name": ["a"], "x": [1.0]}, "columns name, x"),
        ({"image": ["a"], "vector": [[float("nan")]]}, "not finite"),
    ],
)
def test_unusable_parquet_is_told_about(tmp_path: Path, columns: dict[str, Any], said: str) -> None:
    table(tmp_path / "v.parquet", **columns)
    with pytest.raises(InputError, match=said):
        read_vectors(tmp_path / "v.parquet")


def test_a_file_that_is_none(tmp_path: Path) -> None:
    for name, error, said in [
        ("v.txt", UsageError, "neither"),
        ("v.npy", InputError, "cannot be read"),
        ("v.parquet", InputError, "cannot be read"),
    ]:
        with pytest.raises(error, match=said):
            read_vectors(tmp_path / name)
    for name in ("v.npy", "v.parquet"):
        (tmp_path / name).write_bytes(b"something else")
        with pytest.raises(InputError, match="is no"):
            read_vectors(tmp_path / name)
    np.save(tmp_path / "w.npy", ROWS)
    with pytest.raises(InputError, match="which images"):
        read_vectors(tmp_path / "w.npy")


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.asarray([{"a": 1}], dtype=object), allow_pickle=True)
    (tmp_path / "v.jsonl").write_text('{"image": "a"}\n')
    with pytest.raises(InputError, match="no array of numbers"):
        read_vectors(tmp_path / "v.npy")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import ictc.embed.files as files

    monkeypatch.setattr(files, "find_spec", lambda _name: None)
    for work in (lambda f: read_vectors(f), lambda f: write_vectors(f, ["a"], [""], ROWS[:1])):
        with pytest.raises(MissingExtra) as told:
            work(tmp_path / "v.parquet")
        assert "ictc[parquet]" in told.value.hint
    assert issubclass(MissingExtra, IctcError)
