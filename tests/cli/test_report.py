"""`ictc report`: one page for all revisions of a run, with or without a folder beside it."""

from __future__ import annotations

import json
import re
import shutil
from base64 import b64decode
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ictc import outputs, pages
from ictc.progress import unwatched
from ictc.revision import Revision
from ictc.runfolder import RunFolder
from tests.conftest import invoke, write_coloured


def told(run: Path) -> dict[str, Any]:
    """What the page's script knows."""
    page = (run / "report.html").read_text("utf-8")
    found: dict[str, Any] = json.loads(re.search(r'id="page-data">(.*?)</script>', page)[1])  # type: ignore[index]
    return found


def piece(run: Path, name: str) -> Any:
    """A piece of the page's data, from the page or from its folder."""
    if folder := told(run)["folder"]:
        script = (run / folder / f"{name}.js").read_text("utf-8")
        return json.loads(script[len(f'ictcData("{name}",') : -2])
    page = (run / "report.html").read_text("utf-8")
    return json.loads(re.search(rf'id="data-{name}">(.*?)</script>', page)[1])  # type: ignore[index]


def clusters(run: Path, at: int) -> dict[str, str | None]:
    """The cluster of every image, as the page has it."""
    names = {c["number"]: c["name"] for c in told(run)["revisions"][at]["clusters"]}
    column = np.frombuffer(b64decode(piece(run, told(run)["revisions"][at]["columns"])["cluster"]), "<i2")
    return {
        name: names.get(int(c))
        for name, c in zip(piece(run, told(run)["images"])["names"].split("\n"), column, strict=True)
    }


def assigned(run: Path, revision: str) -> dict[str, str | None]:
    rows = (json.loads(line) for line in (run / revision / "step3_result.jsonl").read_text().splitlines())
    return {row["image"]: row["cluster"] for row in rows}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Twelve images under two criteria."""
    photos = write_coloured(tmp_path / "photos")
    (photos / "broken.png").write_bytes(b"")
    words = ("run", photos, "-c", "dominant colour", "-c", "brightness", "-k", 2, "-o", tmp_path / "run")
    assert invoke(*words, "--fail-on-error", "1").exit_code in (0, 3)
    return tmp_path / "run"


def test_one_page_has_every_revision_as_its_files_have_it(run: Path) -> None:
    page = told(run)
    assert [(r["id"], r["criterion"]) for r in page["revisions"]] == [("001", "dominant colour"), ("002", "brightness")]
    assert page["current"] == 1 and len(piece(run, page["images"])["names"].split("\n")) == 13 and page["folder"] == ""
    for at, revision in enumerate(("001", "002")):
        shown = clusters(run, at)
        assert {k: v for k, v in shown.items() if k != "broken.png"} == assigned(run, revision)
    failures = piece(run, told(run)["revisions"][0]["columns"])["failures"]
    assert [(stage, code) for _, stage, code, _ in failures] == [("image", "zero-bytes")]
    assert not (run / pages.FOLDER).exists()


def test_it_opens_with_the_revision_that_is_asked_for(run: Path) -> None:
    found = invoke("report", run, "--revision", "1", "--json")
    assert json.loads(found.stdout)["report"] == str(run / "report.html")
    assert told(run)["current"] == 0


def test_the_same_page_is_not_made_again_and_another_one_is(run: Path) -> None:
    page = run / "report.html"
    before = page.stat().st_mtime_ns
    outputs.report(outputs.reopen(run, "002"), anew=False)
    assert page.stat().st_mtime_ns == before
    first = page.read_bytes()
    outputs.report(outputs.reopen(run, "001"), anew=False)
    assert page.read_bytes() != first
    outputs.report(outputs.reopen(run, "002"))
    assert page.read_bytes() == first, "the same is made of the same"


def test_more_images_have_a_folder_beside_the_page(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = [clusters(run, 0), clusters(run, 1)]
    monkeypatch.setattr(pages, "ALONE", 5)
    assert invoke("report", run).exit_code == 0
    page = told(run)
    assert page["folder"].startswith(f"{pages.FOLDER}/") and page["pictures"].startswith(f"{pages.FOLDER}/")
    assert [clusters(run, 0), clusters(run, 1)] == alone
    images = piece(run, page["images"])
    for i, letter in enumerate(images["pictured"]):
        key = images["keys"][18 * i : 18 * i + 18]
        assert (run / page["pictures"] / key[:2] / f"{key[2:]}.jpg").exists() == (letter == "1")
    assert images["pictured"].count("1") == 12
    assert "goes where it goes" in (run / "report.html").read_text()


def test_thumbnails_are_made_once_and_old_pieces_go(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "ALONE", 5)
    invoke("report", run)
    made = {f: f.stat().st_mtime_ns for f in (run / pages.FOLDER).rglob("*.jpg")}
    pieces = {f: f.stat().st_mtime_ns for f in (run / told(run)["folder"]).iterdir()}
    old = next(iter(pieces)).with_name("texts-0123456789abcdef.js")
    old.write_text("of a page that is no more")
    stray = next(iter(made)).with_name("0" * 16 + ".jpg")
    stray.write_bytes(b"of an image that is no more")
    invoke("report", run, "--revision", "001")
    assert {f: f.stat().st_mtime_ns for f in (run / told(run)["folder"]).iterdir()} == pieces
    assert {f: f.stat().st_mtime_ns for f in (run / pages.FOLDER).rglob("*.jpg")} == made and len(made) == 12


@pytest.mark.parametrize("alone", [2000, 5])
def test_a_page_is_renewed_by_what_is_new_and_is_the_same_as_one_made_anew(
    run: Path, monkeypatch: pytest.MonkeyPatch, alone: int
) -> None:
    monkeypatch.setattr(pages, "ALONE", alone)
    read: list[str] = []
    result = Revision.result
    monkeypatch.setattr(Revision, "result", lambda one: read.append(one.id) or result(one))
    folder, known = RunFolder(run), pages.Known()

    def renewed() -> dict[str, bytes]:
        pages.renew_page(folder, folder.revision(), unwatched, anew=False, known=known)
        files = [run / "report.html", *(run / pages.FOLDER).rglob("*.js")]
        return {file.name: file.read_bytes() for file in files}

    (run / "report.html").unlink()
    renewed()
    name = told(run)["revisions"][1]["clusters"][0]["name"]
    for options in (["--rename", f"{name}=other"], ["--add", "zebra"], ["--undo"]):
        assert invoke("refine", run, *options).exit_code in (0, 3)
        read.clear()
        found = renewed()
        before, after = folder.revision_ids[-2:]
        assert read == ([] if options == ["--undo"] else [after, before]), "the new one, and what it is compared with"
        outputs.report(outputs.reopen(run))
        assert found == renewed(), options
    assert folder.revision().id == "003" and told(run)["current"] == 2


def test_a_revision_that_cannot_be_read_any_more_is_left_out(run: Path) -> None:
    shutil.rmtree(run / "001")
    assert invoke("report", run).exit_code == 0
    assert [r["id"] for r in told(run)["revisions"]] == ["002"]


def test_texts_that_revisions_share_are_there_once(captions: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    for k in (3, 2):
        assert invoke("run", f"recorded:{captions}", "-c", "object", "-k", k, "-o", run).exit_code == 0
    page = told(run)
    (texts,), same = (r["texts"] for r in page["revisions"])
    assert [texts] == same and piece(run, texts).split("\n")[0] == "A cat is sleeping on a sofa."
    assert page["revisions"][1]["since"] == 0
    assert "Since 001:" in (run / "report.html").read_text()
