"""`ictc data prepare` killed before any of its file operations, or on a disk that fills up: it goes on."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.test_full_disk import _can_mount
from tests.published import cifar10_python, pixels
from tests.servers.files import FileServer

EVERY = int(os.environ.get("ICTC_EVERY_OPERATION") or 5)
"""1 is thorough."""
TOP = Path(__file__).parents[2]

SCRIPT = """
set -e
mount -t tmpfs -o size=200k tmpfs "$1"
set +e
"$2" -m ictc data prepare cifar-10 --from "$3" --no-verify --root "$1/data" --json >"$4/out" 2>"$4/err"
echo $? >"$4/code"
ls "$1/data/cifar-10" >"$4/files"
mount -o remount,size=64m "$1"
"$2" -m ictc data prepare cifar-10 --from "$3" --no-verify --root "$1/data" --json >"$4/out2" 2>"$4/err2"
echo $? >"$4/code2"
"""


def tree(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in root.rglob("*") if p.is_file()}


KILLING = """
import shutil, sys
from pathlib import Path
from dataclasses import replace
from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Criterion, Options, Source
from ictc_datasets.cifar10 import DATASET
from tests.faults.test_export_kill import killed
from tests.faults.test_kill_data import tree

folder, every = Path(sys.argv[1]), int(sys.argv[2])
source = Source(file=sys.argv[3], url=sys.argv[4], size=int(sys.argv[5]), checksum=sys.argv[6])
dataset = replace(DATASET, sources=(source,), splits={"test": 4}, criteria=(Criterion("object", 3),))
go = lambda: prepare(dataset, Options("test"), folder / "root")
prepare(dataset, Options("test"), folder / "whole")
whole = tree(folder / "whole")
before, kills = 0, 0
while killed(before, go):
    before, kills = before + every, kills + 1
    if kills % 2:  # gone on with by another that is killed later, or at once to the end
        killed(before, go)
    go()
    assert tree(folder / "root") == whole, f"killed before operation {before - every}"
    shutil.rmtree(folder / "root")
print(kills)
"""
"""In a process of its own: the one of the tests has threads, and a fork may take a lock of theirs along."""


def test_killed_anywhere_the_same_command_ends_with_the_same_bytes(tmp_path: Path) -> None:
    archive = cifar10_python(tmp_path / "cifar-10-python.tar.gz", pixels(4, 32, 32, 3), [3, 8, 8, 0])
    data = archive.read_bytes()
    with FileServer({f"/{archive.name}": data}) as server:
        words = [str(EVERY), archive.name, f"{server.url}/{archive.name}", str(len(data))]
        words = [str(tmp_path), *words, f"md5:{hashlib.md5(data).hexdigest()}"]
        done = subprocess.run(
            [sys.executable, "-c", KILLING, *words], cwd=TOP, capture_output=True, text=True, timeout=1800, check=False
        )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) * EVERY > 15, "downloading, writing and marking all take part"


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    if not _can_mount():
        pytest.skip("needs user namespaces with mount (unshare -Urm) to make a small disk")
    archive = cifar10_python(tmp_path / "cifar-10-python.tar.gz", pixels(60, 32, 32, 3), [3] * 60)
    (tmp_path / "disk").mkdir()
    arguments = [str(tmp_path / "disk"), sys.executable, str(archive), str(tmp_path)]
    subprocess.run(["unshare", "-Urm", "sh", "-c", SCRIPT, "sh", *arguments], check=True)
    assert (tmp_path / "code").read_text().strip() == "2"
    said = json.loads((tmp_path / "out").read_text())
    assert "is full" in said["error"] and "run the same command again" in said["hint"]
    assert "_cat.png" in (tmp_path / "files").read_text() and "prepared.json" not in (tmp_path / "files").read_text()
    assert (tmp_path / "code2").read_text().strip() == "0", (tmp_path / "err2").read_text()
    assert json.loads((tmp_path / "out2").read_text())["images"] == 60
