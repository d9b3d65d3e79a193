"""`ictc export` and `ictc undo` as one types them."""

from __future__ import annotations

import csv
import json
import os
import resource
import stat
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ictc.exporting.safenames import LONGEST
from tests.conftest import ictc, invoke
from tests.unit.exporting.made import made_run, tree

NAMES = [
    "../x",
    "/etc",
    "CON",
    "aux.txt",
    "x" * 300,
    "a\0b",
    "dots...",
    "Cat",
    "cat",
    "e\u0301",
    "\u00e9",
    "..",
    "-rf",
    "~",
]


def exported(*words: object, code: int = 0) -> dict[str, Any]:
    done = invoke("export", *words, "--json")
    assert done.exit_code == code, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    made_run(
        tmp_path / "run", tmp_path / "in", {"cat": ["a/1.jpg", "b/1.jpg"], "dog": ["a/2.jpg"], "car": ["c.jpg"]},
        groups={"cat": "animals", "dog": "animals"}, unassigned=["u.jpg"], outliers=["o.jpg"], failed=["f.jpg"],
    )  # fmt: skip
    return tmp_path


def test_folders_by_group_and_cluster(photos: Path) -> None:
    found = exported(photos / "run", "--to", "folders", "-o", photos / "out")
    assert found["images"] == 7 and found["exit"] == 0
    files = {n for n, x in tree(photos / "out").items() if isinstance(x, tuple) and not n.startswith(".")}
    assert files == {
        "animals/cat/1.jpg", "animals/cat/1 (2).jpg", "animals/dog/2.jpg", "car/c.jpg",
        "_unassigned/u.jpg", "_outliers/o.jpg", "_failed/f.jpg",
    }  # fmt: skip
    assert (photos / "out/animals/cat/1 (2).jpg").read_bytes() == (photos / "in/b/1.jpg").read_bytes()
    again = exported(photos / "run", "--to", "folders", "-o", photos / "out")
    assert again["there"] == 7
    few = exported(
        photos / "run", "--to", "folders", "-o", photos / "few",
        *("--leave-out", "unassigned", "--leave-out", "outlier", "--leave-out", "failed"),
    )  # fmt: skip
    assert few["images"] == 4 and not [n for n in tree(photos / "few") if n.startswith("_")]


@pytest.mark.parametrize("how", ["copy", "hardlink", "symlink", "move"])
def test_each_way_and_its_undoing(photos: Path, how: str) -> None:
    before = tree(photos / "in")
    planned = exported(photos / "run", "--to", "folders", "-o", photos / "out", "--how", how, "--dry-run")
    assert planned["dry_run"] and len(planned["actions"]) == 7 and not (photos / "out").exists()
    exported(photos / "run", "--to", "folders", "-o", photos / "out", "--how", how, "--yes")
    image = photos / "out" / "car" / "c.jpg"
    info = image.lstat()
    assert stat.S_ISLNK(info.st_mode) == (how == "symlink")
    assert (info.st_nlink == 2) == (how == "hardlink")
    assert (photos / "in" / "c.jpg").exists() == (how != "move")
    if how == "move":
        assert json.loads((photos / "run/001/images.jsonl").read_text().splitlines()[3])["path"] == str(image)
        assert exported(photos / "run", "--to", "folders", "-o", photos / "out", "--how", how)["there"] == 7
    else:
        assert tree(photos / "in") == before
    undone = invoke("undo", photos / "run", "--json")
    assert undone.exit_code == 0, undone.output
    assert json.loads(undone.stdout)["moved_back"] == (7 if how == "move" else 0)
    assert tree(photos / "in") == before
    assert not (photos / "out").exists()
    assert "nothing to undo" in invoke("undo", photos / "run").stdout


def test_a_move_needs_a_yes(photos: Path) -> None:
    refused = invoke("export", photos / "run", "--to", "folders", "-o", photos / "out", "--how", "move")
    assert refused.exit_code == 2 and "--yes" in refused.stderr and "move: " in refused.stdout
    assert not (photos / "out").exists()


def test_hostile_names_stay_in_the_target(tmp_path: Path) -> None:
    clusters = {name: [f"{i}/same.jpg"] for i, name in enumerate(NAMES)}
    made_run(tmp_path / "run", tmp_path / "in", clusters, groups={NAMES[0]: "../../g", NAMES[1]: "nul"})
    outside = {p for p in tree(tmp_path) if not p.startswith("out")}
    exported(tmp_path / "run", "--to", "folders", "-o", tmp_path / "out" / "here")
    files = [n for n, x in tree(tmp_path / "out/here").items() if isinstance(x, tuple) and not n.startswith(".")]
    assert len(files) == len({f.lower() for f in files}) == len(NAMES)
    assert all(len(part.encode()) <= LONGEST + 8 for f in files for part in f.split("/"))
    assert {p for p in tree(tmp_path) if not p.startswith("out")} - {"run/exports.jsonl"} == outside


def test_folders_for_the_target_are_made_whatever_it_is(photos: Path) -> None:
    for form, target in (("folders", "new/er/out"), ("csv", "else/where/t.csv")):
        invoke("export", photos / "run", "--to", form, "-o", photos / target, "--dry-run")
        assert not (photos / target).parent.exists()
        exported(photos / "run", "--to", form, "-o", photos / target)
        assert (photos / target).exists()


def test_undoing_what_was_undone_says_so(photos: Path) -> None:
    assert "not exported" in invoke("undo", photos / "run").stdout
    exported(photos / "run", "--to", "folders", "-o", photos / "out")
    assert invoke("undo", photos / "out").exit_code == 0
    told = invoke("undo", photos / "run")
    assert told.exit_code == 0 and "its one export was undone" in told.stdout
    again = invoke("undo", photos / "out")
    assert again.exit_code == 2 and "undone already" in again.stderr and "ictc undo RUN" in again.stderr


def test_nothing_is_overwritten_and_links_are_refused(photos: Path) -> None:
    (photos / "full").mkdir()
    (photos / "full" / "mine.txt").write_text("mine")
    (photos / "link").symlink_to(photos / "full")
    (photos / "t.csv").write_text("mine")
    inside = photos / "in" / "sorted"
    for form, target, said in [
        ("folders", photos / "full", "not empty"), ("folders", photos / "link", "symbolic link"),
        ("folders", photos / "link" / "x", "symbolic link"), ("csv", photos / "t.csv", "nothing is overwritten"),
        ("folders", photos / "t.csv", "not a folder"), ("csv", photos / "full", "is a folder"),
        ("folders", inside, "twice"),
        ("folders", photos / "run" / "x", "run folder"), ("folders", photos, "not empty"),
        ("magic", photos / "x", "no such format"),
    ]:  # fmt: skip
        done = invoke("export", photos / "run", "--to", form, "-o", target)
        assert (done.exit_code, said in done.stderr) == (2, True), (form, target, done.output)
    assert (photos / "t.csv").read_text() == "mine" and list(tree(photos / "full")) == ["mine.txt"]
    exported(photos / "run", "--to", "folders", "-o", inside, "--how", "move", "--yes")
    assert invoke("undo", inside).exit_code == 0 and not inside.exists()
    exported(photos / "run", "--to", "folders", "-o", photos / "out")
    other = invoke("export", photos / "run", "--to", "coco", "-o", photos / "out")
    assert other.exit_code == 2 and "another export" in other.stderr


def test_what_changed_since_is_left_alone_and_told(photos: Path) -> None:
    (photos / "in" / "c.jpg").write_bytes(b"edited")
    (photos / "in" / "a" / "2.jpg").unlink()
    found = exported(photos / "run", "--to", "folders", "-o", photos / "out", code=3)
    assert {f["image"]: f["code"] for f in found["failures"]} == {"c.jpg": "changed", "a/2.jpg": "missing-file"}
    assert not (photos / "out" / "car" / "c.jpg").exists()
    edited, orphan = photos / "out/animals/cat/1.jpg", photos / "out/_failed/f.jpg"
    edited.write_bytes(b"painted over")
    (photos / "in" / "f.jpg").unlink()
    (photos / "out" / "notes.txt").write_text("mine")
    for _ in range(2):
        undone = invoke("undo", photos / "out", "--json")
        assert undone.exit_code == 3
        left = {f["file"]: f["message"] for f in json.loads(undone.stdout)["failures"]}
        assert left.keys() == {"animals/cat/1.jpg", "_failed/f.jpg"}
    assert edited.read_bytes() == b"painted over" and orphan.exists() and (photos / "out" / "notes.txt").exists()
    edited.unlink()
    orphan.unlink()
    assert invoke("undo", photos / "out").exit_code == 0
    assert list(tree(photos / "out")) == ["notes.txt"]


def test_a_moved_image_that_was_edited_or_whose_place_is_taken_stays(photos: Path) -> None:
    exported(photos / "run", "--to", "folders", "-o", photos / "out", "--how", "move", "--yes")
    (photos / "out/car/c.jpg").write_bytes(b"painted over")
    (photos / "in" / "u.jpg").write_bytes(b"another one")
    undone = invoke("undo", photos / "out", "--json")
    assert undone.exit_code == 3
    assert {f["file"] for f in json.loads(undone.stdout)["failures"]} == {"car/c.jpg", "_unassigned/u.jpg"}
    assert (photos / "in" / "u.jpg").read_bytes() == b"another one"
    assert (photos / "in" / "a" / "1.jpg").exists() and not (photos / "in" / "c.jpg").exists()


def test_a_strange_journal_is_not_followed_out_of_its_folder(photos: Path, tmp_path: Path) -> None:
    exported(photos / "run", "--to", "folders", "-o", photos / "out", "--how", "move", "--yes")
    (photos / "out").rename(photos / "elsewhere")
    (photos / "run" / "exports.jsonl").unlink()
    refused = invoke("undo", photos / "elsewhere")
    assert refused.exit_code == 2 and "--yes" in refused.stderr
    journal = photos / "elsewhere" / ".ictc-export" / "journal.jsonl"
    good = journal.read_text()
    journal.write_text(good + '{"do": "copy", "to": "../../in/x", "source": "/"}\n')
    assert "leads out" in invoke("undo", photos / "elsewhere", "--yes").stderr
    journal.write_text(good + '{"do": "copy", "to": "cut o')  # a line that a kill cut off
    assert invoke("undo", photos / "elsewhere", "--yes").exit_code == 0
    assert len([x for x in tree(photos / "in").values() if x != "folder"]) == 7


def test_bad_words(photos: Path) -> None:
    for words, said in [
        (("--to", "csv", "--how", "move"), "puts no images"), (("--to", "folders", "--how", "teleport"), "no such way"),
        (("--to", "folders", "--leave-out", "cats"), "no such kind"), (("--to", "csv", "--beside"), "--beside is for"),
        (("--to", "xmp", "--beside", "-o", "x"), "takes no target"),
    ]:  # fmt: skip
        done = invoke("export", photos / "run", *words)
        assert done.exit_code == 2 and said in done.stderr, done.output
    for path in (photos / "in", photos / "none"):
        assert "no export that could be undone" in invoke("undo", path).stderr


def test_descriptions_alone_have_tables_but_no_folders(captions: Path, tmp_path: Path) -> None:
    ran = invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", tmp_path / "r", "--no-report")
    assert ran.exit_code == 0
    refused = invoke("export", tmp_path / "r", "--to", "folders")
    assert refused.exit_code == 2 and "no image files" in refused.stderr
    exported(tmp_path / "r", "--to", "csv")
    assert len(list(csv.DictReader((tmp_path / "r-001.csv").open()))) == 36
    assert exported(tmp_path / "r", "--to", "xmp")["written"] == 36


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
def test_ten_thousand_images_are_fast_and_small(tmp_path: Path) -> None:
    names = [f"{i % 20}/IMG_{i // 20:04}.jpg" for i in range(10_000)]
    made_run(tmp_path / "run", tmp_path / "in", {f"c{k}": names[k::10] for k in range(10)})
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = exported(tmp_path / "run", "--to", "folders", "-o", tmp_path / "out", "--how", "hardlink")
    assert found["images"] == 10_000
    assert time.process_time() - start < 12
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB


def test_a_full_disk_is_told_and_the_same_command_goes_on(photos: Path) -> None:
    from tests.faults.test_full_disk import _can_mount

    if not _can_mount():
        pytest.skip("needs user namespaces with mount (unshare -Urm) to make a small disk")
    import subprocess

    (photos / "disk").mkdir()
    script = """mount -t tmpfs -o size=24k tmpfs "$1"
"$2" -m ictc export "$3" --to folders -o "$1/out" >"$4/o" 2>"$4/e"; echo $? >"$4/code"
mount -o remount,size=4m "$1"
"$2" -m ictc export "$3" --to folders -o "$1/out" --json >"$4/o2" 2>"$4/e2"; echo $? >"$4/code2"
"$2" -m ictc undo "$1/out" >"$4/o3" 2>"$4/e3"; echo $? >"$4/code3"; ls "$1" | wc -l >"$4/left"
"""
    words = [photos / "disk", sys.executable, photos / "run", photos]
    subprocess.run(["unshare", "-Urm", "sh", "-c", script, "sh", *map(str, words)], check=True)
    said = (photos / "e").read_text()
    assert (photos / "code").read_text().strip() == "2" and "full" in said and "same command again" in said, said
    assert (photos / "code2").read_text().strip() == "0", (photos / "e2").read_text()
    assert json.loads((photos / "o2").read_text())["images"] == 7
    assert [(photos / f).read_text().strip() for f in ("code3", "left")] == ["0", "0"]


def test_from_another_process_with_options_from_the_environment(photos: Path) -> None:
    done = ictc("export", photos / "run", ICTC_TO="jsonl", ICTC_TARGET=str(photos / "t.jsonl"))
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in (photos / "t.jsonl").read_text().splitlines()]
    assert {r["image"]: r["status"] for r in rows} == {
        "a/1.jpg": "assigned", "b/1.jpg": "assigned", "a/2.jpg": "assigned", "c.jpg": "assigned",
        "u.jpg": "unassigned", "o.jpg": "outlier", "f.jpg": "failed",
    }  # fmt: skip
    assert rows[0]["group"] == "animals" and rows[0]["confidence"] == 0.5


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("answer", ["y", "n"])
def test_on_a_terminal_a_move_is_shown_and_asked_about(photos: Path, answer: str) -> None:
    import pty

    pid, terminal = pty.fork()
    if not pid:
        words = ["export", "run", "--to", "folders", "--how", "move", "-o", "out"]
        os.chdir(photos)
        os.execv(sys.executable, [sys.executable, "-m", "ictc", *words])
    said = b""
    while b"[y/N]" not in said:
        said += os.read(terminal, 4096)
    assert b"move: " in said and b"Move 7 images?" in said and not (photos / "out").exists()
    os.write(terminal, f"{answer}\n".encode())
    try:
        while more := os.read(terminal, 4096):
            said += more
    except OSError:  # Linux says so when the other side is closed
        pass
    assert os.waitpid(pid, 0)[1] == 0
    assert (photos / "out").exists() == (answer == "y")
