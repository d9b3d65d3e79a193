"""Prompts as files: which one is in effect, what may be changed, and what is said when it is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import UsageError
from ictc.prompts import ITEM, SHARED, TOPICS, Prompts, built_in, load, topic_of


@pytest.mark.parametrize(
    ("criterion", "topic"),
    [("object", "object"), ("what the person is doing", "action"), ("Mood", "mood"),
     ("musical instrument", "instrument"),
     ("what instrument is being played", "instrument"), ("where was the photo taken?", "location"),
     ("dominant colour of the object", ""), ("mood and location", ""), ("kind", ""), ("", ""), ("Stimmung", "")],
)  # fmt: skip
def test_the_papers_wording_only_where_nothing_else_is_asked(criterion: str, topic: str) -> None:
    assert topic_of(criterion) == topic


@pytest.mark.parametrize("step", SHARED)
@pytest.mark.parametrize("criterion", ["pose", *TOPICS])
def test_every_prompt_can_be_filled_in(step: str, criterion: str) -> None:
    shared = {**SHARED[step], **({"criterion": criterion} if "criterion" in SHARED[step] else {})}
    prompt = Prompts().open(step, **shared)
    user = prompt.user(**ITEM[step])
    assert user and all(value in user for value in ITEM[step].values())
    if criterion == "pose" and "criterion" in shared:
        assert "pose" in prompt.system + user


def test_a_criterion_is_not_a_template() -> None:
    assert "{{ 7 * 7 }}" in Prompts().open("label", criterion="{{ 7 * 7 }}", pack=False).system


def test_a_folder_comes_first(tmp_path: Path) -> None:
    write(tmp_path, "label/general.txt", "Mine: {{ criterion }}\n--- user ---\n{{ data }}\n")
    mine, built = Prompts(tmp_path), Prompts()
    assert mine.open("label", criterion="pose").system == "Mine: pose"
    assert mine.open("label", criterion="mood").system == "Mine: mood", "also before a built-in one for the topic"
    assert mine.open("assign", criterion="mood").system == built.open("assign", criterion="mood").system
    assert mine.digest("label") != built.digest("label") and mine.digest("assign") == built.digest("assign")
    write(tmp_path, "label/mood.txt", "Mood.\n--- user ---\n{{ data }}\n")


def test_the_digest_is_of_the_texts_wherever_they_are(tmp_path: Path) -> None:
    for name in built_in():
        write(tmp_path, name, load(name) + "\n")  # as `ictc prompts copy` does
    steps = {step.partition("/")[0] for step in SHARED}
    assert all(Prompts(tmp_path).digest(step) == Prompts().digest(step) for step in steps)
    general = tmp_path / "general"
    write(general, "label/general.txt", load("label/general.txt"))
    assert Prompts(general).digest("label") != Prompts().digest("label"), "it now comes before those for topics"
    (tmp_path / "label" / "mood.txt").write_bytes(load("label/mood.txt").replace("\n", "\r\n").encode() + b"\r\n")
    assert Prompts(tmp_path).open("label", criterion="mood").system == Prompts().open("label", criterion="mood").system


def test_a_part_changes_what_includes_it(tmp_path: Path) -> None:
    write(tmp_path, "parts/data.txt", "Beware.")
    assert "Beware." in Prompts(tmp_path).open("label", criterion="pose").system


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("label/mine.txt", "x", "label/mine.txt is the name of no prompt"),
        ("offline/assign.txt", "x", "offline/assign.txt is the name of no prompt"),
        ("label/general.txt", "only this", "has no line `--- user ---`"),
        ("label/general.txt", "a\nb {{ criterion\n--- user ---\n", "label/general.txt, line 2: "),
        (
            "label/general.txt",
            "a\n\n--- user ---\n{{ data }}\n{{ descripton }}",
            "label/general.txt, line 5: 'descripton'",
        ),
        ("label/general.txt", "{{ data }}\n--- user ---\n", "label/general.txt, line 1: 'data' is undefined"),
        ("label/general.txt", "{{ criterion.x.y }}\n--- user ---\n", "line 1"),
        ("label/general.txt", "a\n{{ ''.__class__.__mro__ }}\n--- user ---\n", "line 2"),
        ("label/general.txt", "{% include 'parts/x.txt' %}\n--- user ---\n", "line 1"),
        ("label/general.txt", "{{ criterion | nofilter }}\n--- user ---\n", "line 1"),
        ("label/general.txt", "{{ 1 / 0 }}\n--- user ---\n", "line 1"),
        ("label/general.txt", "a\n--- user ---\nb", "label/general.txt leaves out {{ data }}"),
        ("merge/mood.txt", "a\n--- user ---\nb", "merge/mood.txt leaves out {{ data }}"),
        ("assign/general.txt", "a\n--- user ---\n{{ data }}", "assign/general.txt leaves out {{ names }}"),
        ("repair/general.txt", "a\n--- user ---\n{{ answer }}", "repair/general.txt leaves out {{ question }}"),
        ("parts/data.txt", "a\n{{ nothing }}", "parts/data.txt, line 2"),
        ("parts/data.txt", "a\n{% if %}", "parts/data.txt, line 2"),
    ],
)
def test_a_broken_file_is_named_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    write(tmp_path, name, text)
    with pytest.raises(UsageError) as error:
        Prompts(tmp_path)
    assert said in error.value.message and error.value.hint


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of prompts"):
        Prompts(tmp_path / "none")


def test_hidden_files_do_not_matter(tmp_path: Path) -> None:
    write(tmp_path, ".DS_Store", "")
    write(tmp_path, ".git/x", "")
    assert Prompts(tmp_path).digest("label") == Prompts().digest("label")


def test_the_embedded_models_sentence_is_no_template() -> None:
    assert "{name}" in load("offline/assign.txt") and "offline/assign.txt" not in built_in()
    with pytest.raises(UsageError):
        load("offline/none.txt")


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
