"""The original's result files with the oddities its published runs have."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc.originals import (
    assignment_from,
    bare,
    label_from,
    parse_replies,
    parse_taxonomy,
    read_original,
    strict_answer,
)
from ictc.types import Assignment, Failure, Label

NAMES = ["dog", "Fire truck", "cat"]


@pytest.mark.parametrize(
    ("reply", "cluster"),
    [
        ("Answer: dog", "dog"),
        ("Answer:'dog'", "dog"),
        ("answer:  DOG. ", "dog"),
        ('Answer: "Fire Truck".', "Fire truck"),
        ("Answer: \u201ccat.\u201d", "cat"),
        ("  Answer: dog\n\nExplanation: the closest is a cat.", "dog"),
        ("Sure!\nAnswer: cat", "cat"),
        ("Answer: wolf\nAnswer: dog", None),
        ("Answer: dogs", None),
        ("Answer: dog or cat", None),
        ("Answer: a dog", None),
        ("Answer: None. There is a dog.", None),
        ("The closest resemblance is a 'dog'  Answer: dog", None),
        ("dog", None),
        ("Answer:", None),
        ("", None),
    ],
)
def test_strict_answer(reply: str, cluster: str | None) -> None:
    assert strict_answer(reply, NAMES) == cluster


@pytest.mark.parametrize(
    ("text", "result"), [(" 'dog'. ", "dog"), ('"U.S."', "U.S"), ("rock 'n' roll", "rock 'n' roll")]
)
def test_bare(text: str, result: str) -> None:
    assert bare(text) == result


def test_replies_with_spaces_in_names_several_lines_and_repeats() -> None:
    parsed = parse_replies(
        "5 images\n"
        "Image file-/data/x/001_looking through a microscope.jpg; Answer: Laboratory\n"
        "Image file-x/1_dog.png   Answer: 'pipe'\n"
        "\n"
        "Explanation: Image of a pipe.\n"
        "Image file-x/2_cat.JPEG\n"
        "Image file-x/1_dog.png Answer: dog\n"
        "Image file-x/2_cat.JPEG\n"
        "Image file-nothing\n"
        "more\n"
    )
    assert parsed.by_path == {
        "/data/x/001_looking through a microscope.jpg": "Answer: Laboratory",
        "x/1_dog.png": "Answer: 'pipe'\n\nExplanation: Image of a pipe.",
        "x/2_cat.JPEG": "",
    }
    assert [p.split(":")[0] for p in parsed.problems] == ["line 1", "line 9", "line 10", "line 7", "line 8"]
    assert "the first is kept" in parsed.problems[3] and "the same again" in parsed.problems[4]


def test_names_in_every_form_with_reasons_and_what_is_no_name() -> None:
    taxonomy, problems = parse_taxonomy(
        "  Sure, here are my answers:\n"
        "Answer 1: dog\nReason 1: Many: dogs.\n\nAnswer10: frog \n2: Fire truck\n3. Tree\nAnswer 4: Dog\nAnswer 5:\n"
        "Reason10:The word 'frog'.\n",
        "object",
    )
    assert [(c.name, c.about) for c in taxonomy.clusters] == [
        ("dog", "Many: dogs."),
        ("frog", "The word 'frog'."),
        ("Fire truck", ""),
        ("Tree", ""),
    ]
    assert taxonomy.criterion == "object"
    assert [p.split(":")[0] for p in problems] == ["line 1", "line 8", "line 9"]


@pytest.mark.parametrize(
    ("reply", "label"),
    [("Answer: Elephant", "Elephant"), ("Elephant", "Elephant"), ("Answer:  Boat.\nWhy: sea", "Boat")],
)
def test_labels_with_and_without_answer(reply: str, label: str) -> None:
    assert label_from("1.png", reply) == Label("1.png", label)


@pytest.mark.parametrize(
    ("reply", "code", "retryable"),
    [
        ("ERROR_TIMEOUT", "timeout", True),
        ("ERROR_FILTER", "content-filter", False),
        ("ERROR_CONTEXT_LENGTH", "context-length", False),
        (None, "no-answer", False),
    ],
)
def test_error_strings_are_failures(reply: str | None, code: str, retryable: bool) -> None:
    failure = assignment_from("1.png", reply, NAMES)
    assert isinstance(failure, Failure)
    assert (failure.stage, failure.code, failure.retryable) == ("assign", code, retryable)


def test_an_empty_label_is_a_failure() -> None:
    failure = label_from("1.png", "Answer: ")
    assert isinstance(failure, Failure) and failure.stage == "label"


def a_run(folder: Path, packed: bool = False) -> Path:
    files = {
        "step2a_result.txt": "Image file-d/0_cat.png; Answer: Kitten\nImage file-d/1_dog.png; Answer: Dog\n"
        "Image file-d/2_dog.png; Answer: Dog",
        "step2b_result.txt": "1: cat\n2: dog",
        "step3_result.txt": "Image file-d/0_cat.png Answer: cat\nImage file-d/1_dog.png Answer: Dog\n"
        "Image file-d/2_dog.png Answer: wolf",
    }
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / (name + ".gz" * packed)
        path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return folder


def described(path: Path, *images: str) -> Path:
    path.write_text(
        "".join(json.dumps({"image_file": f"/home/me/d/{i}", "text": f"This is {i}."}) + "\n" for i in images)
    )
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_run_without_descriptions(tmp_path: Path, packed: bool) -> None:
    run = read_original(a_run(tmp_path / "run", packed), criterion="animal")
    assert run.assignments == [
        Assignment("0_cat.png", "cat", by="recorded", evidence="Kitten"),
        Assignment("1_dog.png", "dog", by="recorded", evidence="Dog"),
        Assignment("2_dog.png", None, by="recorded", evidence="Answer: wolf"),
    ]
    assert (run.off_list, run.descriptions, run.problems) == (1, [], [])
    assert run.labels[0] == Label("0_cat.png", "Kitten")
    assert [dict(c.labels) for c in run.taxonomy.clusters] == [{"Kitten": 1}, {"Dog": 1}]
    assert run.replies["1_dog.png"] == "Answer: Dog"


def test_descriptions_lead_the_order_and_an_image_without_answer_is_a_failure(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run")
    described(folder / "step1_result.jsonl", "2_dog.jpg", "9_new.jpg", "0_cat.jpg", "1_dog.jpg")
    run = read_original(folder)
    assert [a.image for a in run.assignments] == ["2_dog.jpg", "9_new.jpg", "0_cat.jpg", "1_dog.jpg"]
    assert isinstance(run.assignments[1], Failure)
    assert run.off_list == 1


def test_given_descriptions_win_and_must_be_of_these_images(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run")
    described(folder / "step1_result.jsonl", "8_other.png")
    good = described(tmp_path / "good.jsonl", "0_cat.png", "1_dog.png", "2_dog.png")
    assert len(read_original(folder, good).descriptions) == 3
    with pytest.raises(InputError, match=r"different images: '8_other.png', '0_cat.png'"):
        read_original(folder)


@pytest.mark.parametrize("missing", ["step2b_result.txt", "step3_result.txt"])
def test_missing_files_are_named(tmp_path: Path, missing: str) -> None:
    folder = a_run(tmp_path / "run")
    (folder / missing).unlink()
    with pytest.raises(InputError, match=missing):
        read_original(folder)


def test_unusable_folders_and_files(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        read_original(tmp_path / "none")
    folder = a_run(tmp_path / "run")
    (folder / "step2b_result.txt").write_text("I would rather not.")
    with pytest.raises(InputError, match="names no cluster"):
        read_original(folder)
    a_run(folder)
    (folder / "step3_result.txt").write_text("Answer: cat\nAnswer: dog")
    with pytest.raises(InputError, match="no line of the form"):
        read_original(folder)


def test_problems_say_file_and_line(tmp_path: Path) -> None:
    folder = a_run(tmp_path / "run")
    with (folder / "step3_result.txt").open("a") as file:
        file.write("\nImage file-d/0_cat.png Answer: dog")
    run = read_original(folder)
    assert run.problems == [
        "step3_result.txt line 4: d/0_cat.png was on line 1 already, another reply; the first is kept"
    ]
    assert run.assignments[0] == Assignment("0_cat.png", "cat", by="recorded", evidence="Kitten")
