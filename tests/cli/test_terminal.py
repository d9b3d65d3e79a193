"""What others wrote cannot act on the terminal, and no terminal is too poor for the tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import ictc, invoke

EVIL = "a\x1b[31m\x1b]0;owned\x07 [bold]:cat:[/] \u202eb"


@pytest.fixture
def original(tmp_path: Path) -> Path:
    """A run of the original repository whose every text is hostile."""
    folder = tmp_path / "original"
    folder.mkdir()
    images = [f"{i}.png" for i in range(3)]
    step1 = [{"image_file": i, "text": f"It is {EVIL}."} for i in images]
    (folder / "step1_result.jsonl").write_text("".join(json.dumps(row) + "\n" for row in step1))
    for step in ("step2a_result.txt", "step3_result.txt"):
        lines = [f"Image file-x/{i} Answer: {EVIL}\n" for i in images]
        (folder / step).write_text(f"{EVIL} is no line\n" + "".join(lines))
    (folder / "step2b_result.txt").write_text(f"1: {EVIL}\n2: other\n")
    return folder


def harmless(text: str) -> bool:
    return not any(c in text for c in "\x1b\x07\u202e")


def test_no_escape_of_others_reaches_the_terminal(tmp_path: Path) -> None:
    captions = tmp_path / f"{EVIL.replace('/', '')}.jsonl"
    rows = [{"image": f"{EVIL} {i}.png", "text": f"A {kind} {EVIL}."} for i, kind in enumerate(["cat", "dog"] * 4)]
    captions.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = tmp_path / f"run {EVIL.replace('/', '')}"
    for words in (
        ("run", f"recorded:{captions}", "-c", EVIL, "-k", 2, "-o", run),
        ("step1", f"recorded:{captions}", "-c", EVIL, "-o", run),
        ("step2a", run),
        ("step2b", run, "-k", 2),
        ("step3", run),
        ("show", run),
        ("report", run),
        ("score", run, "--truth", "filename"),
        ("show", tmp_path / EVIL.replace("/", "")),
        ("show", run, f"--{EVIL}"),
        ("step2b", run, "-k", EVIL),
    ):
        result = invoke(*words)
        assert result.exit_code in (0, 2), (words, result.output)
        assert result.output
        assert harmless(result.output), words


def test_names_are_shown_as_they_are(captions: Path, tmp_path: Path) -> None:
    result = invoke("run", f"recorded:{captions}", "-c", "[bold]x[/] :cat:", "-k", 2, "-o", tmp_path / "[red] :dog:")
    assert "by [bold]x[/] :cat:" in result.stdout
    assert "[red] :dog:" in result.stdout


def test_an_import_shows_the_others_lines_harmlessly(original: Path, tmp_path: Path) -> None:
    result = invoke("import", original, "-o", tmp_path / "run")
    assert "is no line" in result.output
    assert harmless(result.output)


@pytest.mark.parametrize(
    "env",
    [
        {"COLUMNS": "40"},
        {"COLUMNS": "1"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1", "FORCE_COLOR": "1"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=lambda env: ",".join(env),
)
def test_every_terminal_gets_its_table(captions: Path, tmp_path: Path, env: dict[str, str]) -> None:
    run = tmp_path / "run"
    rows = [json.loads(line) for line in captions.read_text().splitlines()]
    captions.write_text("".join(json.dumps({**r, "image": f"ünï{'猫' * 30}/{r['image']}"}) + "\n" for r in rows))
    words = (f"recorded:{captions}", "-c", "objet préféré — 猫", "-k", 2, "-o", run, "--no-report")
    assert invoke("run", *words, "--truth", "filename").exit_code == 0
    shown = ictc("show", run, **env)
    assert shown.returncode == 0
    assert "Traceback" not in shown.stderr
    assert "images" in shown.stdout or env == {"COLUMNS": "1"}
    missing = ictc("show", tmp_path / "naïve 猫", **env)
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr
