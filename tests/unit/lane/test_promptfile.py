"""The prompts file: what stands in it, what is filled in, and what is said when it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import InputError, UsageError
from ictc.lane.promptfile import read_prompts
from ictc.lane.strategies import STRATEGIES, derangement, prompts_of
from ictc.promptset import PromptSet, prompt_set_from_json

CLASSES = 'classes = ["cat", "dog", "sea lion"]\n'
GROUPS = '[groups]\ncat = "animal"\ndog = "animal"\n"sea lion" = "swimmer"\n'


def read(folder: Path, text: str) -> PromptSet:
    (folder / "prompts.toml").write_text(text, "utf-8")
    return read_prompts(folder / "prompts.toml")


def test_classes_and_groups_are_enough(tmp_path: Path) -> None:
    found = read(tmp_path, CLASSES + GROUPS)
    of = {s: prompts_of(found, s, "mood", []) for s in STRATEGIES}
    assert of["image-only"] is None
    assert of["generic"] == ("This is an image",) * 3
    assert of["task"] == ("This is a cat", "This is a dog", "This is a sea lion")
    assert of["grouped"] == ("This is a animal", "This is a animal", "This is a swimmer")
    assert of["hierarchical"] == ("This is a cat animal", "This is a dog animal", "This is a sea lion swimmer")
    assert of["criterion"] == ("mood: cat", "mood: dog", "mood: sea lion")
    assert of["swapped"] is not None and of["task"] is not None
    assert sorted(of["swapped"]) == sorted(of["task"])
    assert all(a != b for a, b in zip(of["swapped"], of["task"], strict=True))
    assert found.group_names == ("animal", "swimmer")


def test_own_wordings_come_before_the_template(tmp_path: Path) -> None:
    text = CLASSES + '[prompts.task]\ntemplate = "A {class}."\ndog = " A puppy. "\n[prompts.criterion]\n'
    found = read(tmp_path, text + 'template = "{name} by {criterion}"\n[prompts.generic]\nprompt = "A thing"\n')
    assert prompts_of(found, "task", "", []) == ("A cat.", "A puppy.", "A sea lion.")
    assert prompts_of(found, "criterion", "kind", []) == ("cat by kind", "dog by kind", "sea lion by kind")
    assert prompts_of(found, "generic", "", []) == ("A thing",) * 3


def test_run_json_keeps_all_of_it(tmp_path: Path) -> None:
    found = read(tmp_path, CLASSES + GROUPS)
    assert prompt_set_from_json(found.to_json()) == found


def test_a_criterion_and_names_are_prompts_without_a_file() -> None:
    assert prompts_of(None, "criterion", "mood", ["calm", "{criterion}"]) == ("mood: calm", "mood: {criterion}")


@pytest.mark.parametrize("n", range(2, 40))
def test_swapped_leaves_no_class_its_prompt(n: int) -> None:
    assert sorted(derangement(n)) == list(range(n)) and all(i != p for i, p in enumerate(derangement(n)))
    assert derangement(n) == derangement(n)


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("classes = [", "no TOML", "classes ="),
        ("", "names no classes", "classes ="),
        ("classes = []", "names no classes", "classes ="),
        ('classes = "cat"', "names no classes", "classes ="),
        ('classes = ["cat", ""]', "'' is no name", "classes ="),
        ("classes = [3]", "3 is no name", "classes ="),
        ('classes = ["c\\u0000at"]', r"c\x00at has characters that cannot be shown", "without them"),
        ('classes = ["dog\\u202e"]', r"dog\u202e has characters that cannot be shown", "without them"),
        ('classes = ["cat", "cat"]', "'cat' is there twice", "Remove"),
        ('classes = ["cat", "Cat"]', "'Cat' is there twice, as 'cat': upper and lower case are one", "Remove"),
        (CLASSES + GROUPS.replace('dog = "animal"', 'dog = "Animal"'), "[groups]: 'Animal' is there twice", "Remove"),
        ('classes = ["template", "cat"]', "is a key of this file", "another name"),
        ('clases = ["cat"]', "unknown key 'clases'", "Did you mean 'classes'?"),
        (CLASSES + '[prompts.tusk]\ncat = "a"', "[prompts.tusk]: there is no such strategy", "Did you mean 'task'?"),
        (CLASSES + "[prompts.swapped]", "[prompts.swapped] cannot be given", "Remove"),
        (CLASSES + "[prompts]\ntask = 3", "[prompts.task] is no table", "lines like"),
        (CLASSES + "prompts = 3", "[prompts] is no table", "lines like"),
        (CLASSES + '[prompts.task]\ncat = "a"\ndog = "b"', "no prompt for the class 'sea lion'", '"sea lion" = "..."'),
        (
            CLASSES + '[prompts.task]\ntemplate = "A {class}"\ncow = "b"',
            "'cow' is not one of the classes",
            "Known here",
        ),
        (CLASSES + '[prompts.task]\ntemplate = "A {class}"\ncat = " "', "[prompts.task] cat is empty", "Write"),
        (CLASSES + '[prompts.task]\ntemplate = ""', "[prompts.task] template is empty", "Write"),
        (CLASSES + '[prompts.task]\ntemplate = "A {class}"\ncat = 3', "is no text: 3", "in quotes"),
        (
            CLASSES + '[prompts.task]\ntemplate = "A {class}"\ncat = "A dog"',
            "'cat' and 'dog' have the same prompt",
            "own",
        ),
        (CLASSES + '[prompts.task]\ntemplate = "A {klass}"', "nothing fills in {klass}", "{class}"),
        (CLASSES + '[prompts.task]\ntemplate = "A cat"', "has no {class}", "Put {class} into it"),
        (CLASSES + '[prompts.grouped]\ntemplate = "A {group}"', "[prompts.grouped] needs groups", "[groups]"),
        (CLASSES + '[groups]\ncat = "animal"', "no group for the class 'dog'", 'dog = "its group"'),
        (CLASSES + '[groups]\ncow = "animal"', "'cow' is not one of the classes", "Known here"),
        (CLASSES + "[groups]\ncat = 3", "the group of 'cat' is 3", 'cat = "its group"'),
        (CLASSES + GROUPS + '[prompts.grouped]\ncat = "x"\ndog = "x"\n"sea lion" = "x"', "have the same prompt", "own"),
        (CLASSES + '[prompts.generic]\ntemplate = "x"', "unknown key 'template'", "prompt ="),
        (CLASSES + '[prompts.generic]\nprompt = ""', "[prompts.generic] prompt is empty", "Write"),
        (CLASSES + '[prompts.criterion]\ntemplate = "{criterion}"', "has no {name}", "Put {name}"),
        (CLASSES + '[prompts.criterion]\ncat = "x"', "unknown key 'cat'", "template ="),
    ],
)
def test_what_is_wrong_and_what_to_type(tmp_path: Path, text: str, said: str, hint: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert said in caught.value.message and hint in caught.value.hint
    assert str(tmp_path / "prompts.toml") in caught.value.message


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"prompts\.toml"):
        read_prompts(tmp_path / "prompts.toml")


def test_a_strategy_that_cannot_be(tmp_path: Path) -> None:
    plain = read(tmp_path, CLASSES)
    with pytest.raises(UsageError, match="no strategy 'x'"):
        prompts_of(plain, "x", "", [])
    with pytest.raises(UsageError, match=r"needs prompts(.|\n)*--prompts FILE"):
        prompts_of(None, "task", "", [])
    for strategy in ("grouped", "hierarchical"):
        with pytest.raises(UsageError, match=r"needs groups(.|\n)*\[groups\]"):
            prompts_of(plain, strategy, "", [])
    with pytest.raises(UsageError, match="two classes"):
        prompts_of(read(tmp_path, 'classes = ["cat"]'), "swapped", "", [])
