"""A document that is wrong must not pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.following import Reader, blocks, not_shown

PRINTED = """describe: 21 in 4.2 s, 5/s
cluster   images  ACC
grey          13  .874
blue           1  .500
report: here
"""


@pytest.mark.parametrize(
    "shown",
    [
        "cluster images ACC\ngrey 13 .861\n",
        "describe: 21 in 99 s, 1/s\n...\nblue 1 .500\n",
        "...\nblue ... .500\nreport: ...\n",
    ],
)
def test_what_is_printed_may_be_shown(shown: str) -> None:
    assert not_shown(shown, PRINTED) == ""


@pytest.mark.parametrize(
    "shown",
    [
        "grey 14 .874\n",  # another count
        "grey 13 .704\n",  # another score
        "cluster images ACC\nblue 1 .500\n",  # a line between
        "blue 1 .500\n...\ngrey 13 .874\n",  # another order
        "report: ... here now\n",
        "red\n",
    ],
)
def test_what_is_not_printed_may_not(shown: str) -> None:
    assert "was not printed" in not_shown(shown, PRINTED)


def read(folder: Path, patch: pytest.MonkeyPatch, text: str) -> None:
    document = folder / "document.md"
    document.write_text(text)
    Reader(folder, patch, {"http://there": "http://here"}).follow(document)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```sh\nictc run --no-such-option\n```\n", "document.md:2"),
        ("```sh\necho a\n\nfalse\n```\n", "document.md:4"),
        ("```sh\necho a\n```\n\n```text\nb\n```\n", "document.md:6: “b”"),
        ("```sh\npip install 'ictc[nothing]'\n```\n", "no such extra"),
        ("```sh\npip install -c nowhere.txt -e .\n```\n", "no such constraints"),
        ("```console\n$ rm -r /\n```\n", "nobody runs"),
        ("```python\nassert 1 > 2, 'less'\n```\n", "less"),
    ],
)
def test_a_document_that_is_wrong_fails_and_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, wrong: str
) -> None:
    with pytest.raises(AssertionError, match=wrong):
        read(tmp_path, monkeypatch, text)


def test_files_are_written_commands_run_and_addresses_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "Put this into `a/b.py`:\n\n```python\nthere = 'http://there'\n```\n\n"
        "```sh\npip install 'ictc[demo]'\npython a/b.py && \\\n  cat a/b.py   # look\n```\n\n"
        "```text\nthere = 'http://there'\n```\n\n"
        "```python\nprint(open('a/b.py').read())\n```\n\n```text\n... = ...\n```\n"
    )
    read(tmp_path, monkeypatch, text)
    assert (tmp_path / "a" / "b.py").read_text() == "there = 'http://here'\n"
    assert [b.file for b in blocks(tmp_path / "document.md")] == ["a/b.py", "", "", "", ""]
