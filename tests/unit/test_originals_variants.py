"""The forms in which the original's repository publishes its runs, set by set; a few lines of each."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc.originals import label_from, parse_replies, parse_taxonomy, read_original, strict_answer
from ictc.types import Assignment, Failure, Label

PLACE = "Image file-/home/someone/data"


def folder(place: Path, step3: str, step2b: str = "1: cat\n2: dog", **others: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    files = {"step3_result.txt": step3, "step2b_result.txt": step2b, **{f"{k}.txt": v for k, v in others.items()}}
    for name, text in files.items():
        (place / name).write_text(text, newline="")
    return place


def answers(text: str, names: list[str]) -> dict[str, str | None]:
    return {path.rpartition("/")[2]: strict_answer(r, names) for path, r in parse_replies(text).by_path.items()}


FORMS = {
    "cifar10, stl10: classes by name or number, a blank at the end": (
        f"{PLACE}/cifar10/0_cat.png Answer: cat \n{PLACE}/stl10/test/19_7.png Answer: Dog\n",
        {"0_cat.png": "cat", "19_7.png": "dog"},
    ),
    "cifar100: underscores in the class": (
        f"{PLACE}/cifar100/9_aquatic_mammals.png Answer:  Cat\n{PLACE}/cifar100/10000_vehicles_2.png Answer: dog",
        {"9_aquatic_mammals.png": "cat", "10000_vehicles_2.png": "dog"},
    ),
    "stanford 40: blanks in the class, the number with zeros": (
        f"{PLACE}/JPEGImages/001_looking through a microscope.jpg   Answer: cat.\n"
        f"{PLACE}/JPEGImages/1_rowing a boat.jpg Answer: dog",
        {"001_looking through a microscope.jpg": "cat", "1_rowing a boat.jpg": "dog"},
    ),
    "dots in the name, one that looks like an extension": (
        "Image file-d/3_st. bernard.jpg Answer: dog\nImage file-d/4_dr.who waves.JPEG Answer: cat",
        {"3_st. bernard.jpg": "dog", "4_dr.who waves.JPEG": "cat"},
    ),
    "an extension that is not known, and one said in the reply": (
        "Image file-d/5_cat.xyz Answer: cat\nImage file-d/6_dog.xyz Answer: like 2_dog.png or so",
        {"5_cat.xyz": "cat", "6_dog.xyz": None},
    ),
    "llama by its web interface: backslashes for quotes, \\n in the line": (
        "Image file-d/1_cat.png Answer: \\cat\\\n"
        "Image file-d/2_dog.png Answer: dog\\nThe image shows a dog\\s head: a cat.\n"
        "Image file-d/3_cat.png Sure! Here\\s my answer:\\n\\nAnswer: cat\nImage file-d/4_dog.png Answer:\\n\\ndog",
        {"1_cat.png": "cat", "2_dog.png": "dog", "3_cat.png": "cat", "4_dog.png": None},
    ),
    "llama, step3_result_raw.txt: reasons in paragraphs of their own": (
        "Image file-d/1_cat.png   Answer: 'cat'.\n\nExplanation: it is no dog.\n\nImage file-d/2_dog.png   Answer: dog",
        {"1_cat.png": "cat", "2_dog.png": "dog"},
    ),
    "arguing: an answer in mid-sentence is none": (
        "Image file-d/1_cat.png The description is odd However, Answer: cat\nImage file-d/2_x.png Answer: None.",
        {"1_cat.png": None, "2_x.png": None},
    ),
    "numbers and markdown": (
        "Image file-d/1_cat.png Answer 3: cat\nImage file-d/2_dog.png **Answer:** dog\n"
        "Image file-d/3_dog.png\n**Answer: dog.**",
        {"1_cat.png": "cat", "2_dog.png": "dog", "3_dog.png": "dog"},
    ),
    "ends of lines of Windows": (
        "Image file-d/1_cat.png Answer: cat\r\nImage file-d\\2_dog.png Answer: dog\r\n",
        {"1_cat.png": "cat", "d\\2_dog.png": "dog"},
    ),
    "other heads": (
        "Image-file-d/1_cat.png; Answer: cat\n  Image file - d/2_dog.png Answer: dog\nImage file-d/3_dog.png;dog",
        {"1_cat.png": "cat", "2_dog.png": "dog", "3_dog.png": None},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_step_3(form: str) -> None:
    text, expected = FORMS[form]
    assert answers(text, ["cat", "dog"]) == expected
    assert parse_replies(text).problems == []


def test_a_quoted_word_that_begins_with_n_is_no_line_break() -> None:
    replies = parse_replies(
        "Image file-d/1_n.png Answer: \\nail\\\nImage file-d/2_n.png Answer: \\nail\\\\nIt is one."
    ).by_path
    assert [strict_answer(r, ["nail", "ail"]) for r in replies.values()] == ["nail", "nail"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Answer 1: horse\nReason 1: Horses, such as 'horse'.\n\nAnswer10 : car \nReason10 :Cars.", ["horse", "car"]),
        ("1: Brass Instruments\n2: String Instruments", ["Brass Instruments", "String Instruments"]),
        ("  Sure, here are my answers:\n\n1. Tree\n2. Flower\n\nI grouped similar objects.", ["Tree", "Flower"]),
        ("37: studying or teaching    \n40: washing dishes", ["studying or teaching", "washing dishes"]),
        ("  Answer 1: dog\r\nAnswer 2: cat\r\n", ["dog", "cat"]),
        ("1. **Tree**\n**2.** Flower\n- **Answer 3:** Fish\n### 4) 'Bear'", ["Tree", "Flower", "Fish", "Bear"]),
    ],
)
def test_step_2b(text: str, names: list[str]) -> None:
    assert parse_taxonomy(text)[0].names == names


@pytest.mark.parametrize(
    ("line", "label"),
    [
        ("Image file-d/1.png; Answer:Sailboat", "Sailboat"),
        ("Image file-d/1.png;bird", "bird"),
        ("Image file-d/1.png;  turtle.", "turtle"),
        ("Image file-d/1.png; Sure! Here\\s my answer:\\n\\nGiraffe", "Giraffe"),
        ("Image file-d/1.png; Sure, the main object is a:\\n\\nAnswer: Mountain lion", "Mountain lion"),
        ("Image file-d/1.png; Answer: \\airplane\\", "airplane"),
        ("Image file-d/1.png; Sure! Here it is:", "Sure! Here it is:"),
    ],
)
def test_step_2a(line: str, label: str) -> None:
    reply = parse_replies(line).by_path["d/1.png"]
    assert label_from("1.png", reply) == Label("1.png", label)


TWO = "Image file-d/0_cat.png Answer: cat\nImage file-d/1_dog.png Answer: dog"


def test_files_by_their_other_names_and_the_cut_ones_first(tmp_path: Path) -> None:
    run = folder(tmp_path / "a", TWO, gpt_labels_real="Image file-d/0_cat.png; Answer: Kitten")
    (run / "step2b_result.txt").rename(run / "step2b_result_raw.txt")
    (run / "step3_result_raw.txt").write_text(TWO.replace("Answer: cat", "Answer: cow"))
    read = read_original(run)
    assert read.labels == [Label("0_cat.png", "Kitten")]
    assert [a.cluster for a in read.assignments if isinstance(a, Assignment)] == ["cat", "dog"]
    (run / "step3_result.txt").unlink()
    assert [a.cluster for a in read_original(run).assignments if isinstance(a, Assignment)] == [None, "dog"]


def test_labels_of_fewer_images_below_another_folder_are_those_images(tmp_path: Path) -> None:
    step3 = "Image file-/x/a/0_cat.png Answer: cat\nImage file-/x/b/0_cat.png Answer: dog"
    read = read_original(folder(tmp_path, step3, step2a_result="Image file-/y/x/b/0_cat.png; Answer: Puppy"))
    assert sorted(a.image for a in read.assignments) == ["a/0_cat.png", "b/0_cat.png"]
    assert read.labels == [Label("b/0_cat.png", "Puppy")]
    assert not [a for a in read.assignments if isinstance(a, Failure)]


def test_files_of_different_runs(tmp_path: Path) -> None:
    other = "Image file-e/5_frog.png; Answer: Frog\nImage file-e/6_frog.png; Answer: Toad"
    with pytest.raises(
        InputError, match=r"step2a_result.txt and .*step3_result.txt speak of different images: '5_frog"
    ):
        read_original(folder(tmp_path / "a", TWO, step2a_result=other))
    with pytest.raises(InputError, match=r"No answer of .*step3_result.txt is one of the names.*frog, toad") as e:
        read_original(folder(tmp_path / "b", TWO, "1: frog\n2: toad"))
    assert "different runs" in e.value.hint


def test_a_folder_that_lacks_files_says_which_what_there_is_and_what_to_do(tmp_path: Path) -> None:
    run = folder(tmp_path / "data" / "cifar10" / "llama_70b_chat_hf" / "llava" / "dosample=False", TWO)
    with pytest.raises(InputError) as above:
        read_original(tmp_path / "data")
    assert "no step2b_result.txt and step3_result.txt" in above.value.message and str(run) in above.value.hint
    (run / "step2b_result.txt").unlink()
    with pytest.raises(InputError, match=r"has no step2b_result.txt \(nor as .gz\); it has step3_result.txt") as names:
        read_original(run)
    assert "a line `1: NAME` each" in names.value.hint
    (run / "step3_result.txt").unlink()
    (run / "accuracy.txt").write_text("ACC: 0.860, ARI: 0.814, NMI: 0.703")
    (run / "step1_result.jsonl").write_text('{"image_file": "0_cat.png", "text": "A cat."}')
    with pytest.raises(InputError, match=r"it has step1_result.jsonl, accuracy.txt") as figures:
        read_original(run)
    assert f"ictc run {run / 'step1_result.jsonl'} -c CRITERION -k K" in figures.value.hint
    with pytest.raises(InputError, match=r"step3_result.txt") as nothing:
        read_original(tmp_path / "data" / "cifar10" / "llama_70b_chat_hf" / "llava")
    assert "the folder of one run" in nothing.value.hint


@pytest.mark.parametrize("name", ["step2a_result", "step2b_result", "step3_result"])
def test_binary_junk_is_named(tmp_path: Path, name: str) -> None:
    run = folder(tmp_path, TWO, step2a_result=TWO)
    (run / f"{name}.txt").write_bytes(b"\x89PNG\r\n\xff\xfe\x00\x9c")
    with pytest.raises(InputError, match=rf"{name}.txt is not UTF-8"):
        read_original(run)
