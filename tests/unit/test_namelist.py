"""Names from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictc.errors import InputError, UsageError
from ictc.namelist import read_names
from ictc.types import Cluster


@pytest.mark.parametrize(
    "text",
    [
        "calm\nsea lion\n",
        "\ufeffcalm\r\n\r\n  sea   lion \r\n",
        '["calm", "sea lion"]',
        '\ufeff[{"name": "calm"}, "sea lion"]',
    ],
)
def test_lines_or_json(tmp_path: Path, text: str) -> None:
    assert read_names(written(tmp_path, text)).names == ["calm", "sea lion"]


def test_a_person_may_tell_apart_what_a_model_may_not(tmp_path: Path) -> None:
    assert read_names(written(tmp_path, "dog\ndogs\nSt.\nSt. Bernard\n")).names == ["dog", "dogs", "St.", "St. Bernard"]


def test_what_belongs_to_a_name(tmp_path: Path) -> None:
    names = read_names(written(tmp_path, '[{"name": "calm", "about": "nothing stirs"}]'), open_list=True)
    assert names.clusters == (Cluster("calm", "nothing stirs"),) and names.open


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no names"),
        ("\n \n", "holds no names"),
        ("calm\n\nCALM\n", "line 3: the name 'CALM' is on line 1 already"),
        ('["calm", "Calm"]', "entry 2: the name 'Calm' is on entry 1"),
        ('["calm", ""]', "entry 2: '' is no name"),
        ('["calm", 7]', "entry 2: 7 is no name"),
        ('[{"nam": "calm"}]', "entry 1"),
        ('["calm",\n', "line 2: this is no JSON"),
        ('{"name": "calm"}', "no list"),
        ("cal\x00m", "line 1: 'cal\\x00m' is no name"),
        ("calm\nd\u202eog", "line 2"),
        ("\u200bcalm", "line 1"),
        ("\"'.", "line 1"),
        ('dog\ncat\n"Dog."\n', "line 3: the name '\"Dog.\"' is on line 1 already"),
        ("caf\u00e9\ncafe\u0301\n", "line 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_names(written(tmp_path, text))
    assert said in error.value.message and error.value.hint


def test_k_must_fit(tmp_path: Path) -> None:
    closed, opened = (read_names(written(tmp_path, "a\nb\n"), is_open) for is_open in (False, True))
    for names, k in [(closed, 1), (closed, 3), (opened, 1)]:
        with pytest.raises(UsageError, match="2 names are given"):
            names.check_k(k)
    for names, fits in [(closed, 2), (closed, None), (opened, 2), (opened, 5), (opened, None)]:
        names.check_k(fits)


def written(folder: Path, text: str) -> Path:
    file = folder / "names.txt"
    file.write_bytes(text.encode())
    return file
