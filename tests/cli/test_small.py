"""Small promises of the command line, each once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from ictc.store import Store
from tests.conftest import ictc, invoke


def made(captions: Path, run: Path) -> Path:
    done = invoke("run", f"recorded:{captions}", "-c", "object", "-k", "3", "-o", run)
    assert done.exit_code == 0, done.output
    return run / "001"


def test_clusters_stand_by_size_after_assignment(captions: Path, tmp_path: Path) -> None:
    revision = made(captions, tmp_path / "run")
    taxonomy = json.loads((revision / "step2b_result.json").read_text())
    names = [c["name"] for c in taxonomy["clusters"]]
    rows = [json.loads(line) for line in (revision / "step3_result.jsonl").read_text().splitlines()]
    for i, row in enumerate(rows):
        row["cluster"] = names[2] if i < 20 else names[0] if i < 32 else names[1]
    (revision / "step3_result.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = json.loads(invoke("show", tmp_path / "run", "--json").stdout)["clusters"]
    assert [(c["name"], c["images"]) for c in shown] == [(names[2], 20), (names[0], 12), (names[1], 4)]
    table = invoke("show", tmp_path / "run").stdout
    assert table.index(names[2]) < table.index(names[0]) < table.index(names[1])
    invoke("report", tmp_path / "run")
    page = (revision.parent / "report.html").read_text()
    overview = page[page.index('aria-label="Contents"') :]
    assert overview.index(names[2]) < overview.index(names[0]) < overview.index(names[1])
    assert Counter(row["cluster"] for row in rows)[names[1]] == 4


@pytest.mark.parametrize("share", ["nan", "NaN", "-nan"])
def test_no_share_of_nan(captions: Path, tmp_path: Path, share: str) -> None:
    words = ("run", f"recorded:{captions}", "-c", "x", "-o", tmp_path / "r", f"--fail-on-error={share}")
    found = invoke(*words)
    assert found.exit_code == 2 and "less than or equal to 1" in " ".join(found.stderr.replace("│", "").split())


def test_more_clusters_than_descriptions_is_a_usage_error(tmp_path: Path) -> None:
    file = tmp_path / "same.jsonl"
    file.write_text("".join(json.dumps({"image": f"{i}_a.png", "text": "A dog."}) + "\n" for i in range(5)))
    found = invoke("run", f"recorded:{file}", "-c", "object", "-k", "3", "-o", tmp_path / "run")
    assert found.exit_code == 2 and "only 1 different description" in found.stderr


@pytest.mark.parametrize("command", [("show",), ("score", "--truth", "filename"), ("report",)])
def test_a_cut_file_is_told(captions: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = made(captions, tmp_path / "run") / "step3_result.jsonl"
    file.write_text("".join(line + "\n" for line in file.read_text().splitlines()[:30]))
    found = invoke(command[0], tmp_path / "run", *command[1:])
    assert found.exit_code != 0 and "lacks 6 of 36 images" in found.stderr and "ictc step3" in found.stderr


def test_json_in_the_file_reaches_errors_of_parsing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ictc.toml").write_text("json = true\n")
    found = invoke("show", "run", "--no-such-option")
    assert found.exit_code == 2 and json.loads(found.stdout)["exit"] == 2
    Path("ictc.toml").write_text("[run]\njson = true\n")
    assert invoke("show", "run", "--no-such-option").stdout == ""


def test_config_after_the_command_says_where_it_goes(tmp_path: Path) -> None:
    found = invoke("show", "run", "--config", "x.toml")
    assert found.exit_code == 2 and "before the command" in found.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("more", [["--json"], []])
def test_a_full_standard_output_is_one_message(captions: Path, tmp_path: Path, more: list[str]) -> None:
    made(captions, tmp_path / "run")
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "ictc", "show", str(tmp_path / "run"), *more]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert found.returncode == 2 and found.stderr.count("The disk is full") == 1
    assert "Traceback" not in found.stderr and "Exception ignored" not in found.stderr


def test_a_finished_run_that_cannot_be_written_is_read(
    captions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(captions, tmp_path / "run")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")}
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)  # root may write everywhere
    monkeypatch.setattr(Store, "put_many", None)
    again = ("run", f"recorded:{captions}", "-c", "object", "-k", "3", "-o", tmp_path / "run", "--json")
    found = invoke(*again)
    assert found.exit_code == 0 and json.loads(found.stdout)["reused"]
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "run").rglob("*")} == before


def test_sigterm_says_how_to_go_on(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from ictc import job; "
        "job.run = lambda *a, **k: os.kill(os.getpid(), signal.SIGTERM) or signal.pause(); "
        "from ictc.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "run", "photos", "-c", "mood", "-o", str(tmp_path / "run")]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 128 + signal.SIGTERM, found.stderr
    assert "go on with" in found.stderr and "Traceback" not in found.stderr and "-c mood" in found.stderr


def test_no_hint_sends_to_an_index_that_has_no_ictc(captions: Path, tmp_path: Path) -> None:
    made(captions, tmp_path / "run")
    state = tmp_path / "run" / "run.json"
    state.write_text(json.dumps({**json.loads(state.read_text()), "format": 99}))
    found = ictc("show", tmp_path / "run")
    assert found.returncode == 2 and "newer ictc" in found.stderr and "install" not in found.stderr
