"""A disk that fills up: one clear message, what was computed is kept, and with space the run goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ictc.errors import StorageFull
from ictc.store import Store
from tests.faults.test_kill import _many_captions

SCRIPT = """
set -e
mount -t tmpfs -o size={size}k tmpfs "$1"
set +e
"$2" -m ictc run "recorded:$3" -c object -k 3 --no-report -o "$1/run" >"$4/out" 2>"$4/err"
echo $? >"$4/code"
ls "$1/run" >"$4/files"
mount -o remount,size=64m "$1"
"$2" -m ictc run "recorded:$3" -c object -k 3 --json -o "$1/run" >"$4/out2" 2>"$4/err2"
echo $? >"$4/code2"
"""


def _can_mount() -> bool:
    unshare = shutil.which("unshare")
    if not unshare:
        return False
    probe = [unshare, "-Urm", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("size", [100, 1200])
def test_a_disk_that_fills_up_during_a_run(tmp_path: Path, size: int) -> None:
    if not _can_mount():
        pytest.skip("needs user namespaces with mount (unshare -Urm) to make a small disk")
    captions = _many_captions(tmp_path / "d.jsonl", 700)
    (tmp_path / "disk").mkdir()
    script = ["unshare", "-Urm", "sh", "-c", SCRIPT.format(size=size), "sh"]
    arguments = [str(tmp_path / "disk"), sys.executable, str(captions), str(tmp_path)]
    subprocess.run([*script, *arguments], check=True)
    said = (tmp_path / "err").read_text()
    assert (tmp_path / "code").read_text().strip() == "2", said
    assert "full" in said
    assert "run the same command again" in said
    assert "Traceback" not in said
    assert (tmp_path / "code2").read_text().strip() == "0", (tmp_path / "err2").read_text()
    assert json.loads((tmp_path / "out2").read_text())["images"] == 700


def test_a_full_store_keeps_what_was_committed(tmp_path: Path) -> None:
    with Store(tmp_path / "s.sqlite") as store:
        store.put_json([("a", 1)])
        store._db.execute("PRAGMA max_page_count = 10")
        with pytest.raises(StorageFull, match="run the same command again"):
            store.put_many([("b", bytes(200_000))])
        assert store.get_json(["a", "b"]) == {"a": 1}
