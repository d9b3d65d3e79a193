"""Names are printable and stay apart, whatever the paths."""

from __future__ import annotations

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from ictc.images.naming import natural_key, path_as_name, relative_names

components = st.binary(min_size=1, max_size=12).filter(
    lambda b: b"\0" not in b and b"/" not in b and b not in (b".", b"..")
)
raw_paths = st.lists(components, min_size=1, max_size=4).map(b"/".join)


@given(st.lists(raw_paths, unique=True))
def test_different_paths_have_different_printable_names(raw: list[bytes]) -> None:
    names = [path_as_name(os.fsdecode(path)) for path in raw]
    assert len({*names}) == len(raw)
    assert all(name.isprintable() and name.encode("utf-8") for name in names if "\u200c" not in name)


@given(st.lists(raw_paths, unique=True), st.randoms())
def test_names_of_any_files_are_unique_and_independent_of_order(raw: list[bytes], random: object) -> None:
    paths = [Path("/", os.fsdecode(path)) for path in raw]
    names = dict(zip(paths, relative_names(Path("/a"), paths), strict=True))
    assert len({*names.values()}) == len({*paths})
    backwards = paths[::-1]
    assert dict(zip(backwards, relative_names(Path("/a"), backwards), strict=True)) == names


@given(st.lists(raw_paths))
def test_any_paths_can_be_sorted(raw: list[bytes]) -> None:
    paths = [Path(os.fsdecode(path)) for path in raw]
    backwards = paths[::-1]
    assert sorted(paths, key=natural_key) == sorted(backwards, key=natural_key)


def test_examples() -> None:
    assert path_as_name("sub/café 猫.png") == "sub/café 猫.png"
    assert path_as_name("a\nb\x1b\\") == r"a\nb\x1b\\"
    assert path_as_name(os.fsdecode(b"\xff")) == r"\xff"
    assert path_as_name("\u202e") == r"\u202e"
    order = ["a", "a/9.png", "a/10.png", "a1/1.png", "a01.png", "a1.png", "b"]
    assert [str(path) for path in sorted(map(Path, reversed(order)), key=natural_key)] == order
