"""A folder of poison through the whole job: every fault has its line and its code, every other image is clustered."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import invoke, result_files
from tests.poison import write_poison


def test_one_bad_image_never_stops_the_others(tmp_path: Path) -> None:
    expected = write_poison(tmp_path / "in")
    words = ("run", tmp_path / "in", "-c", "dominant colour", "-k", 2, "--fail-on-error", 1, "-o", tmp_path / "run")
    found = invoke(*words, "--json")
    assert found.exit_code == 3, found.output
    run = tmp_path / "run" / "001"
    failed = {r["image"]: r["code"] for r in map(json.loads, (run / "failures.jsonl").read_text().splitlines())}
    assert failed == {name: code for name, code in expected.items() if code != "ok"}
    assigned = {json.loads(line)["image"] for line in (run / "step3_result.jsonl").read_text().splitlines()}
    assert assigned == {name for name, code in expected.items() if code == "ok"}
    assert json.loads(found.stdout)["failed"] == len(failed)
    before = result_files(run)
    assert invoke(*words).exit_code == 3
    assert result_files(run) == before
