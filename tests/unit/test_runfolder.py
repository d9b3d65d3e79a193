"""Run folders: revisions are found by what was asked, DONE vouches for the files, strangers are refused."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ictc.errors import RunBusy, RunError, RunTooNew
from ictc.revision import Revision, path_to_text, text_to_path
from ictc.runfolder import RunFolder, Settings, digest_inputs
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Taxonomy

ASKED = Settings("photos", digest_inputs([("a.jpg", "1")]), "mood", "offline", "d1", "offline", "r1", 3)


def test_the_same_question_finds_the_same_revision(tmp_path: Path) -> None:
    first = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    again = RunFolder(tmp_path / "run").revision_for(replace(ASKED, images="elsewhere/photos"))
    assert first.id == again.id == "001"


@pytest.mark.parametrize("change", [{"criterion": "colour"}, {"k": 4}, {"k": None}, {"inputs": "x"}])
def test_another_question_makes_another_revision(tmp_path: Path, change: dict[str, object]) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    run.revision_for(ASKED)
    assert run.revision_for(replace(ASKED, **change)).id == "002"  # type: ignore[arg-type]
    assert run.revision_for(ASKED).id == "001"
    assert RunFolder(tmp_path / "run").revision().id == "001", "the last asked for is the current one"


def test_a_revision_without_k_takes_the_first_k_asked_for(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    run.revision_for(replace(ASKED, k=0))
    assert [run.revision_for(replace(ASKED, k=k)).id for k in (3, None, 3)] == ["001", "002", "001"]


def _write(revision: Revision) -> None:
    revision.start()
    revision.save_items([Item("a.jpg", Path("a.jpg"), "1")], {"a.jpg": {"class": "x"}})
    revision.save_descriptions([Description("a.jpg", "a red car", "offline", "1")])
    revision.save_labels([Label("a.jpg", "car", "offline")])
    revision.save_taxonomy(Taxonomy("mood", [Cluster("car", "", {"car": 1})], KChoice(1, "m", "r", [(1, 0.5)])))
    revision.save_assignments([Assignment("a.jpg", "car", 0.9, "offline", "car")])
    revision.save_failures([Failure("b.jpg", "image", "truncated", "cut")], ("image",))


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    result = revision.result()
    assert result.clusters == {"car": ["a.jpg"]}
    assert result.metadata == {"a.jpg": {"class": "x"}}
    assert result.taxonomy.choice == KChoice(1, "m", "r", [(1, 0.5)])
    assert result.items[0].path == Path("a.jpg").absolute()
    assert result.labels == [Label("a.jpg", "car", "offline")]
    assert result.counts == {
        "images": 2, "described": 1, "labelled": 1, "assigned": 1, "unassigned": 0, "failed": 1,
    }  # fmt: skip


def test_labels_written_before_they_said_whose_they_are_can_be_read(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    (revision.path / "step2a_result.jsonl").write_text('{"image": "a.jpg", "label": "car"}\n')
    assert revision.labels() == [Label("a.jpg", "car", "")]


def test_a_million_labels_share_the_word_of_whose_they_are(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    revision.save_labels([Label(f"{i}.jpg", "car", "openai:gpt-4o") for i in range(3)])
    assert len({id(x.by) for x in revision.labels()}) == 1


def test_done_vouches_for_these_files_and_these_settings(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    assert not revision.is_done(ASKED.key)
    revision.finish(ASKED.key)
    assert revision.is_done(ASKED.key)
    assert not revision.is_done(replace(ASKED, k=9).key)
    (revision.path / "step3_result.jsonl").write_text('{"image": "a.jpg", "cluster": "edited"}\n')
    assert not revision.is_done(ASKED.key)


def test_failures_of_one_stage_leave_those_of_others(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    revision.save_failures([Failure("c.jpg", "label", "empty-description", "")], ("label",))
    assert [f.image for f in revision.failures()] == ["b.jpg", "c.jpg"]
    revision.save_failures([], ("image", "describe"))
    assert [f.image for f in revision.failures()] == ["c.jpg"]


def test_a_missing_step_names_the_command_that_makes_it(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    with pytest.raises(RunError, match="ictc step2a"):
        revision.labels()


def test_a_newer_layout_is_refused_with_the_way_out(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    file = tmp_path / "run" / "run.json"
    state = json.loads(file.read_text())
    file.write_text(json.dumps({**state, "format": 99}))
    with pytest.raises(RunTooNew, match="the ictc that made it, or a newer one"):
        RunFolder(tmp_path / "run", create=True)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "revisions": []}'])
def test_a_damaged_run_json_is_a_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json"):
        RunFolder(tmp_path, create=True)


def test_a_folder_of_something_else_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(RunError, match="not a run folder"):
        RunFolder(tmp_path, create=True)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def _hold(path: Path, ready: object, release: object) -> None:
    with RunFolder(path).open_store():
        ready.set()  # type: ignore[attr-defined]
        release.wait(30)  # type: ignore[attr-defined]


def test_two_processes_do_not_write_to_one_run(tmp_path: Path) -> None:
    RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(tmp_path / "run", ready, release))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(RunBusy, match="Another ictc process"), RunFolder(tmp_path / "run").open_store():
            pass
    finally:
        release.set()
        other.join(30)
    with RunFolder(tmp_path / "run").open_store():
        pass


@pytest.mark.parametrize(
    "raw", [b"/x/plain.jpg", "/x/é ü.jpg".encode(), b"/x/\xff\xfe.jpg", b"/x/a\nb.jpg", b"/x/%41.jpg"]
)
def test_any_path_survives_json(raw: bytes) -> None:
    path = Path(os.fsdecode(raw))
    text = path_to_text(path)
    assert text is not None
    assert text_to_path(json.loads(json.dumps(text))) == path
    text.encode("utf-8")


def test_a_run_killed_before_it_began_is_taken_over(tmp_path: Path) -> None:
    for leftover in (".lock", "store.sqlite", ".run.json.part"):
        (tmp_path / leftover).write_bytes(b"")
    assert RunFolder(tmp_path, create=True).revision_for(ASKED).id == "001"


def test_what_another_process_added_meanwhile_stays(tmp_path: Path) -> None:
    one = RunFolder(tmp_path / "run", create=True)
    first = one.revision_for(ASKED)
    other = RunFolder(tmp_path / "run").revision_for(replace(ASKED, criterion="colour"))
    one.note(first, status="done")
    assert one.revision_ids == [first.id, other.id]


def test_a_folder_that_run_json_forgot_is_not_written_over(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    (tmp_path / "run" / "007").mkdir()
    assert run.revision_for(ASKED).id == "008"


def test_the_name_under_which_a_file_was_found_is_no_part_of_the_question(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    recorded = replace(ASKED, describer="recorded:a.jsonl")
    assert run.revision_for(recorded).id == run.revision_for(replace(recorded, describer="recorded:/x/b.jsonl")).id


def test_revisions_outside_the_run_are_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    run.revision_for(ASKED)
    file = tmp_path / "run" / "run.json"
    state = json.loads(file.read_text())
    state["revisions"]["../elsewhere"] = state["revisions"].pop("001")
    file.write_text(json.dumps(state))
    with pytest.raises(RunError, match="damaged"):
        RunFolder(tmp_path / "run")


def test_unknown_settings_and_an_unwritable_place_are_clear_errors(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run", create=True)
    run.revision_for(ASKED)
    file = tmp_path / "run" / "run.json"
    state = json.loads(file.read_text())
    state["revisions"]["001"]["settings"]["surprise"] = 1
    file.write_text(json.dumps(state))
    with pytest.raises(RunError, match="surprise"):
        RunFolder(tmp_path / "run").settings("001")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run", create=True)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("step1_result.jsonl", '{"image": "a.jpg"}\n'),
        ("step3_result.jsonl", '{"image": "a.jpg", "cluster": "car", "colour": "red"}\n'),
        ("step3_result.jsonl", '{"image": "a.jpg", "cluster": "truck"}\n'),
        ("step2b_result.json", '{"criterion": "x", "clusters": [{"name": "a"}, {"name": "a"}]}'),
        ("step2b_result.json", "[]"),
        ("failures.jsonl", '{"image": 1}\n'),
        ("images.jsonl", "{}\n"),
    ],
)
def test_a_result_file_edited_wrongly_is_named_with_the_way_out(tmp_path: Path, name: str, content: str) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    (revision.path / name).write_text(content)
    with pytest.raises(RunError, match=name.replace(".", r"\.")) as caught:
        revision.result()
    assert "ictc step" in caught.value.hint


def test_failures_stand_in_the_order_of_the_steps(tmp_path: Path) -> None:
    revision = RunFolder(tmp_path / "run", create=True).revision_for(ASKED)
    _write(revision)
    revision.save_failures([Failure("c.jpg", "label", "x", "")], ("label",))
    revision.save_failures([Failure("b.jpg", "image", "truncated", "cut")], ("image",))
    assert [f.stage for f in revision.failures()] == ["image", "label"]
