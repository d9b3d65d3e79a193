"""Files are written whole or not at all, and read with errors that name the line."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from ictc.errors import InputError, RunError, StorageFull
from ictc.files import write_atomic, write_jsonl
from ictc.jsonl import numbered_jsonl, read_jsonl, read_text


def names_in(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir()]


def test_writes_replace_and_leave_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, "old")
    write_atomic(path, "new é\n")
    assert path.read_bytes() == "new é\n".encode()
    write_atomic(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    assert names_in(tmp_path) == ["a.txt"]


def test_new_files_have_the_usual_permissions(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


ROWS: list[dict[str, Any]] = [{"image": "ü/1.png", "n": 1}, {"image": "line\nbreak\u2028", "cluster": None}, {}]


def test_jsonl_round_trip_keeps_order_and_characters(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, iter(ROWS))
    assert list(read_jsonl(path)) == ROWS
    assert "ü/1.png" in path.read_text(encoding="utf-8") and path.read_bytes().endswith(b"{}\n")


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    write_jsonl(tmp_path / "rows.jsonl", [{"image": name}])
    assert list(read_jsonl(tmp_path / "rows.jsonl")) == [{"image": name}]
    write_atomic(tmp_path / "text", name)
    assert (tmp_path / "text").read_text(encoding="utf-8") == "caf\\udce9.png"


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_nan_is_refused_and_the_old_file_stays(tmp_path: Path, bad: float) -> None:
    path = tmp_path / "rows.jsonl"
    write_jsonl(path, ROWS)
    with pytest.raises(ValueError, match="Out of range"):
        write_jsonl(path, [{"x": 1.0}, {"x": bad}])
    assert list(read_jsonl(path)) == ROWS
    assert names_in(tmp_path) == ["rows.jsonl"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_the_old_file_and_removes_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    path = tmp_path / "a.txt"
    write_atomic(path, "old")

    def full(_handle: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="is full") as e:
        write_atomic(path, "new")
    assert "run the same command again" in e.value.hint
    assert path.read_text() == "old" and names_in(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_while_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda p, f, m=0o777: real_open("/dev/full" if f & os.O_CREAT else p, os.O_RDWR, m))
    with pytest.raises(StorageFull):
        write_jsonl(tmp_path / "a.jsonl", ({"n": n} for n in range(100_000)))


def test_what_a_kill_left_behind_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.part").write_text("half")
    write_atomic(tmp_path / "a.txt", "whole")
    assert (tmp_path / "a.txt").read_text() == "whole" and names_in(tmp_path) == ["a.txt"]


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep")
    (tmp_path / ".a.txt.part").symlink_to(tmp_path / "precious")
    write_atomic(tmp_path / "a.txt", "new")
    assert (tmp_path / "precious").read_text() == "keep" and not (tmp_path / "a.txt").is_symlink()


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be written"):
        write_atomic(tmp_path / "none" / "a.txt", "x")


@pytest.mark.parametrize("packed", [False, True])
def test_reads_plain_and_gzip_by_content_with_bom_and_blank_lines(tmp_path: Path, packed: bool) -> None:
    data = '\ufeff{"a": 1}\r\n\n  \n{"b": "é"}'.encode()
    path = tmp_path / "rows.txt"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert list(numbered_jsonl(path)) == [(1, {"a": 1}), (4, {"b": "é"})]
    assert read_text(path).startswith('{"a"')


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'{"a": 1}\n\n{"a": \n', "line 3: not a JSON object"),
        (b'{"a": 1}\n[1]\n', "line 2: not a JSON object"),
        (b"\xff\xfe{}", "not UTF-8"),
        (gzip.compress(json.dumps({"a": 1}).encode() * 500, mtime=0)[:-20], "damaged gzip"),
        (b"\x1f\x8bnot gzip at all", "damaged gzip"),
    ],
)
def test_unusable_lines_and_files_are_named(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message) as e:
        list(read_jsonl(path))
    assert str(path) in e.value.message and e.value.hint


@pytest.mark.parametrize(("name", "message"), [("none.jsonl", "There is no file"), ("", "is a folder")])
@pytest.mark.parametrize("read", [read_text, lambda path: list(read_jsonl(path))])
def test_missing_files_and_folders(tmp_path: Path, name: str, message: str, read: Any) -> None:
    with pytest.raises(InputError, match=message):
        read(tmp_path / name)
