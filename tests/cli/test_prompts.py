"""`ictc prompts show` and `ictc prompts copy`."""

from __future__ import annotations

import json
from pathlib import Path

from ictc.prompts import Prompts, built_in
from tests.conftest import invoke


def test_show_says_what_would_be_sent() -> None:
    shown = invoke("prompts", "show", "label", "-c", "dominant colour")
    assert shown.exit_code == 0
    assert (
        "dominant colour" in shown.stdout and "label/general.txt" in shown.stdout and '{"description"' in shown.stdout
    )
    everything = json.loads(invoke("prompts", "show", "-c", "mood", "--json").stdout)
    assert everything["prompts"]["assign"]["file"] == "assign/mood.txt"
    assert invoke("prompts", "show", "nothing").exit_code == 2


def test_copy_gives_a_folder_to_change(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert invoke("prompts", "copy", folder).exit_code == 0
    assert {f.relative_to(folder).as_posix() for f in folder.rglob("*.txt")} == set(built_in())
    assert Prompts(folder).open("label", criterion="pose").system == Prompts().open("label", criterion="pose").system
    changed = folder / "label" / "general.txt"
    changed.write_text("Mine: {{ criterion }}\n--- user ---\n{{ data }}\n")
    again = invoke("prompts", "copy", folder)
    assert again.exit_code == 2 and "--force" in again.stderr and changed.read_text().startswith("Mine")
    assert "Mine: pose" in invoke("prompts", "show", "label", "-c", "pose", "--prompts", folder).stdout
    assert invoke("prompts", "copy", folder, "--force").exit_code == 0
    assert not changed.read_text().startswith("Mine")


def test_a_broken_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "label").mkdir()
    (tmp_path / "label" / "general.txt").write_text("{{ criterio }}\n--- user ---\n{{ data }}\n")
    shown = invoke("prompts", "show", "--prompts", tmp_path)
    assert shown.exit_code == 2 and "line 1" in shown.stderr and "criterio" in shown.stderr
