"""Names that every file system takes, whatever a model or a person calls things."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.exporting.safenames import LONGEST, Namer, safe

_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)
HOSTILE = [
    "../x", "..", ".", "/etc", "/etc/passwd", "C:\\Windows", "a/b", "CON", "con", "aux.txt",
    "COM1.tar.gz", "nul ", "LPT¹",
    "x" * 300, "é" * 300, "e\u0301" * 200, "👩‍👩‍👧" * 60, "a\0b", "end.",
    "end. . ", " lead", "", " ", "-rf", "~root", ".hidden",
    "__pycache__", "a\nb", "a\x1b[31mb", "a\u202eb", "a\ud800b", "name:stream",
    "a|b", 'a"b', "*?", "<script>", "\u3000", "_",
]  # fmt: skip


def check(name: str) -> None:
    assert name and name not in (".", "..")
    assert not set('<>:"/\\|?*\0') & set(name)
    assert all(unicodedata.category(c)[0] != "C" for c in name)
    assert len(name.encode()) <= LONGEST + 8  # and a number
    assert not name.endswith((".", " ")) and not name.startswith((" ", ".", "-", "~", "__"))
    assert not _DEVICE.fullmatch(name)
    assert unicodedata.normalize("NFC", name) == name


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(name: str) -> None:
    check(Namer().folder(name))
    check(Namer().file(f"{name}.jpg"))


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_any_name_is_made_safe_and_is_left_alone_then(name: str) -> None:
    once = safe(name)
    check(once)
    assert safe(once) == once
    file = Namer().file(name)
    check(file)
    assert Namer().file(file) == file


@given(st.lists(st.text("aAäÄß.ſsS ﬁfi\u0301e/:", max_size=4), max_size=12), st.booleans())
def test_no_two_names_meet_on_any_file_system(names: list[str], by_stem: bool) -> None:
    namer = Namer(by_stem=by_stem)
    given = [namer.file(name) for name in names]
    keys = [g.rpartition(".")[0] or g if by_stem else g for g in given]
    assert len({unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", k).casefold()) for k in keys}) == len(names)
    assert len({k.lower() for k in keys}) == len(names)


def test_what_is_no_extension_counts_as_one_for_who_drops_extensions() -> None:
    namer = Namer(by_stem=True)
    assert [namer.file(n) for n in ("a. b", "a. c", "a", "a.png")] == ["a. b", "a (2). c", "a (3)", "a (4).png"]


def test_plain_names_stay_and_extensions_too() -> None:
    namer = Namer(["_failed"])
    assert [namer.folder(n) for n in ("cat", "Cat", "a b", "_failed", "Größe", "狗")] == [
        "cat", "Cat (2)", "a b", "_failed (2)", "Größe", "狗",
    ]  # fmt: skip
    namer = Namer()
    assert [namer.file(n) for n in ("a.jpg", "A.JPG", "a.png", "v1.5 final", "x" * 300 + ".jpeg")][:4] == [
        "a.jpg", "A (2).JPG", "a.png", "v1.5 final",
    ]  # fmt: skip
    assert Namer().file("x" * 300 + ".jpeg").endswith(".jpeg")
    assert Namer().file("x" * 300 + "1.jpeg") != Namer().file("x" * 300 + "2.jpeg")


def test_many_equal_names_do_not_take_quadratic_time() -> None:
    namer = Namer()
    assert len({namer.file("IMG.jpg") for _ in range(20_000)}) == 20_000
