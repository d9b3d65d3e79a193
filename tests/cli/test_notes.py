"""What the describer cannot tell is said: on standard error, in --json, in the report; also by later steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from ictc.cli.app import app

ADMITS = "cannot tell"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for i, colour in enumerate(["red", "green", "blue", "white"]):
        Image.new("RGB", (32, 32), colour).save(folder / f"{i}.png")
    return folder


def test_a_note_goes_with_the_result(images: Path, tmp_path: Path) -> None:
    run, cli = str(tmp_path / "run"), CliRunner()
    first = cli.invoke(app, ["run", str(images), "-c", "number of objects", "-k", "1", "-o", run, "--json"])
    assert first.exit_code == 0, first.output
    (note,) = json.loads(first.stdout)["notes"]
    assert ADMITS in note and note in first.stderr
    again = cli.invoke(app, ["run", str(images), "-c", "number of objects", "-k", "1", "-o", run, "--json"])
    assert json.loads(again.stdout)["notes"] == [note]
    assert ADMITS in (Path(run) / "report.html").read_text("utf-8")
    assert json.loads(cli.invoke(app, ["show", run, "--json"]).stdout)["notes"] == [note]


def test_no_note_where_all_is_told(images: Path, tmp_path: Path) -> None:
    run = str(tmp_path / "run")
    found = CliRunner().invoke(app, ["run", str(images), "-c", "colour", "-k", "2", "-o", run, "--json"])
    assert "notes" not in json.loads(found.stdout) and ADMITS not in found.stderr


def test_another_k_keeps_the_note(images: Path, tmp_path: Path) -> None:
    run, cli = str(tmp_path / "run"), CliRunner()
    cli.invoke(app, ["run", str(images), "-c", "number of colours", "-k", "2", "-o", run])
    for step in (["step2b", run, "-k", "3"], ["step3", run]):
        done = cli.invoke(app, step)
        assert done.exit_code == 0, done.output
    shown = json.loads(cli.invoke(app, ["show", run, "--json"]).stdout)
    assert shown["k"] == 3 and ADMITS in shown["notes"][0]
