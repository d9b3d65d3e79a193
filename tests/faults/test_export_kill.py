"""An export killed before any of its file operations, then undone or gone on with; an undo killed in the same way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ictc.exporting.job import Asked, carry_out, prepare
from ictc.exporting.journal import FOLDER
from ictc.exporting.undojob import put_back
from tests.conftest import ictc
from tests.unit.exporting.made import again, made_run, tree

EVERY = int(os.environ.get("ICTC_EVERY_OPERATION") or 7)
"""1 is thorough and takes minutes."""

CHANGING = {"os.link", "os.symlink", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod"}


def killed(before: int, act: Callable[[], object]) -> bool:
    """`act` in a process of its own, that is killed just before its file operation number `before`; whether it was."""
    child = os.fork()
    if not child:
        left = before

        def count(event: str, given: Any) -> None:
            nonlocal left
            if event in CHANGING or (
                event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR)
            ):
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count)
        try:
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


CASES = [
    ("folders", {"how": "move"}, None), ("folders", {"how": "move"}, "/dev/shm"), ("folders", {}, None),
    ("folders", {"how": "hardlink"}, None), ("folders", {"how": "symlink"}, None),
    ("imagefolder", {"how": "move"}, None), ("xmp", {"beside": True}, None),
]  # fmt: skip


@pytest.mark.parametrize("form,options,elsewhere", CASES)
@pytest.mark.parametrize("ending", ["undo", "go on"])
def test_killed_before_any_operation(
    tmp_path: Path, form: str, options: dict[str, Any], elsewhere: str | None, ending: str
) -> None:
    if elsewhere and not (Path(elsewhere).is_dir() and Path(elsewhere).stat().st_dev != tmp_path.stat().st_dev):
        pytest.skip(f"needs {elsewhere} to be another file system")
    with tempfile.TemporaryDirectory(dir=elsewhere) as other:
        n, kills = len(str(options)) % EVERY, 0
        while True:
            base = tmp_path / f"{n}"
            target = None if options.get("beside") else (Path(other) / f"{n}" / "out" if elsewhere else base / "out")
            images = base / "in"
            done = made_run(
                base / "run", images, {"cat": ["a/1.jpg", "b/1.jpg"], "dog": ["2.jpg"]}, unassigned=["3.jpg"]
            )
            (images / "2.jpg.xmp").write_bytes(SIDECAR)
            before, stored = tree(images), (base / "run" / "001" / "images.jsonl").read_bytes()
            asked = Asked(form, target, **options)
            was_killed = killed(n, lambda d=done, a=asked: carry_out(prepare(d, a)))  # type: ignore[misc]
            kills += was_killed
            if ending == "go on":
                second = carry_out(prepare(again(done), asked))
                assert not second.failures, (n, second.failures)
                assert second.images == (0 if form == "xmp" else 4)
                where = tree(target) if target else {}
                assert not any(name.endswith(".part") for name in (*where, *tree(images))), n
                if options.get("how") == "move":
                    assert set(tree(images)) == {"a", "b", "2.jpg.xmp"}
                    assert all(i.path and i.path.exists() for i in again(done).result.items)
            began = target and (target / FOLDER / "journal.jsonl").exists()  # killed earlier, the run knows nothing
            undoable = target if target and began else base / "run"
            m = 0
            while n % (2 * EVERY) == 0 and killed(m, lambda u=undoable: put_back(u)):  # type: ignore[misc]
                m += EVERY
            if not target or (target / FOLDER / "journal.jsonl").exists():
                put_back(undoable)
            assert tree(images) == before, n
            assert (base / "run" / "001" / "images.jsonl").read_bytes() == stored
            if target:
                assert not [p for p in target.rglob("*") if p.is_file() and p.parent.name != FOLDER], n
                assert not (target / FOLDER / "journal.jsonl").exists()
            if not was_killed:
                break
            n += EVERY
        assert kills >= 15 // EVERY


SIDECAR = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag><rdf:li>mine</rdf:li>
</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def test_the_command_killed_at_random_moments_and_undone(tmp_path: Path) -> None:
    names = [f"{i % 7}/IMG_{i // 7}.jpg" for i in range(2000)]
    images, run, target = tmp_path / "in", tmp_path / "run", tmp_path / "out"
    made_run(run, images, {"cat": names[:900], "dog": names[900:1500]}, unassigned=names[1500:])
    before, rng, kills = tree(images), random.Random(3), 0
    for _ in range(2):
        words = ("export", run, "--to", "folders", "--how", "move", "--yes", "-o", target)
        kills += _killed_somewhere(words, target / ".ictc-export" / "journal.jsonl", rng)
        kills += _killed_somewhere(("undo", target), target / ".ictc-export" / "journal.jsonl", rng, 0.8)
        last = ictc("undo", run)
        assert last.returncode == 0, last.stderr
        assert tree(images) == before
        assert not target.exists()
    assert kills >= 1


def _killed_somewhere(words: tuple[object, ...], seen: Path, rng: random.Random, least: float = 0.0) -> bool:
    command = [sys.executable, "-m", "ictc", *map(str, words)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    start = time.monotonic()
    while process.poll() is None and (not seen.exists() or time.monotonic() - start < least):
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.3))
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(60)
    return alive
