"""The original's own scores: its `measuring_acc.py` rebuilt from what it does, so that its tables can be checked.

Its rules, line by line, whatever a reply goes on to say:

* the answer is what stands between the first and the second colon of the line, trimmed and lower-cased; its last
  version also takes out every `,` `'` and `.`;
* the names are what stands so in the lines of step 2b that have a colon and no `Reason`;
* an answer that is none of the names becomes one of them by `random.choice` (here the same generator, seeded);
* the class is what follows the last underscore before `.png` or `.jpg`; its first release took the files of the image
  folder, and all that follows the number;
* as many clusters are matched as there are classes. Of more clusters than that, the ones that Python's set puts last
  are not matched and all taken for the first class of its set: chance again, drawn here by the seed too.

Where anything is drawn, there is no one figure: `draws` are made, seeds `seed`, `seed` + 1, ...

For Llama its later versions ask WordNet for the nearest name and draw only where WordNet has none. No WordNet is used
here: its figures for such a run are not reproduced when answers are off the list.
"""

from __future__ import annotations

import io
import math
import random
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ictc.errors import InputError
from ictc.jsonl import read_text
from ictc.originals.reading import find_files
from ictc.originals.replies import image_path

DRAWS = 20
MEASURES = ("acc", "ari", "nmi")
_FIGURE = re.compile(r"\b(ACC|ARI|NMI)\b['\"]?\s*:\s*([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)")
_PAIR = re.compile(r"\(\s*(?:np\.int64\()?\d+\)?\s*,\s*(?:np\.int64\()?\d+\)?\s*\)")
_NUMBERED = (re.compile(r"\d+_(.+)\.jpg"), re.compile(r"\d+_(.+)\.png"))


@dataclass(frozen=True, slots=True)
class Figures:
    """ACC, ARI and NMI; NMI with the arithmetic mean."""

    acc: float
    ari: float
    nmi: float


@dataclass(frozen=True, slots=True)
class Accuracy:
    """What an accuracy.txt says; `pairs` 0 where it does not list them. There are as many as there were classes."""

    figures: Figures
    pairs: int


@dataclass(frozen=True, slots=True)
class Version:
    """What one version of the scorer makes of the files. Without `draws`: why it cannot."""

    name: str
    draws: Sequence[Figures]
    lines: int = 0
    off_list: int = 0
    names: int = 0
    classes: int = 0
    remarks: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        told = {key: value for key, value in asdict(self).items() if key != "draws"}
        for key in MEASURES if self.draws else ():
            values = [getattr(figures, key) for figures in self.draws]
            told |= {key: values[0] if len(values) == 1 else float(np.mean(values))}
            told |= {f"{key}_sd": float(np.std(values)), f"{key}_low": min(values), f"{key}_high": max(values)}
        return {**told, "draws": len(self.draws)}

    def agreement(self, accuracy: Accuracy) -> dict[str, Any]:
        """Whether these could be the published figures. `equal`: but for the last digits, which depend on the order in
        which the classes are added up; the scorer takes it from a set, so that it is another in every process."""
        told: dict[str, Any] = {}
        for key in MEASURES if self.draws else ():
            wanted, values = getattr(accuracy.figures, key), [getattr(f, key) for f in self.draws]
            if len(values) == 1:
                told[key] = "equal" if math.isclose(values[0], wanted, abs_tol=1e-14) else "another"
            else:
                told[key] = "within the draws" if min(values) <= wanted <= max(values) else "outside the draws"
        return {**told, **({"classes": accuracy.pairs == self.classes} if accuracy.pairs and self.draws else {})}


@dataclass(frozen=True, slots=True)
class Published:
    """The original's scores of one run, beside those that its authors published. They are never ictc's."""

    seed: int
    versions: Sequence[Version]
    accuracy: Accuracy | None
    problem: str = ""

    def to_json(self) -> dict[str, Any]:
        theirs = self.accuracy
        return {
            "scorer": "as published: the original's rules, not ictc's",
            "seed": self.seed,
            "versions": [
                v.to_json() | ({"accuracy_txt": v.agreement(theirs)} if theirs else {}) for v in self.versions
            ],
            "accuracy_txt": theirs and {**asdict(theirs.figures), "pairs": theirs.pairs},
            **({"problem": self.problem} if self.problem else {}),
        }


def as_published(folder: Path, seed: int = 0, draws: int = DRAWS) -> Published:
    """The run in `folder` scored as the original does, by its last version and by its first release.

    Raises:
        InputError: files are missing, or have nothing that the original could score.
    """
    files = find_files(folder)
    step3, step2b = _lines(files.step3), _lines(files.step2b)
    names = [_between_colons(line) for line in step2b if "Reason" not in line and line.strip() and ":" in line]
    if not names:
        raise InputError(
            f"{files.step2b} has no line with a colon: the original's scorer finds no name in it.",
            "Import it without --as-published, and score the run with ictc score.",
        )
    accuracy, problem = None, ""
    if files.accuracy:
        try:
            accuracy = read_accuracy(files.accuracy)
        except InputError as e:
            problem = e.message
    last = _scored("last version", *_last(step3), names, seed, draws)
    first = _first(step3)
    versions = [last]
    if isinstance(first, str):
        versions.append(Version("first release", (), len(step3), remarks=(first,)))
    else:
        versions.append(_scored("first release", *first, names, seed, draws))
    return Published(seed, versions, accuracy, problem)


def read_accuracy(file: Path) -> Accuracy:
    """The figures of an accuracy.txt: `{'ACC': 0.9, ...}` as the scorer writes it, or `ACC: 0.860, ARI: ...` by hand.

    Raises:
        InputError: it cannot be read, or does not have each of the three once, within their bounds.
    """
    text = read_text(file)
    found = [(name.lower(), float(value)) for name, value in _FIGURE.findall(text)]
    if sorted(name for name, _ in found) != sorted(MEASURES) or any(not -1 <= value <= 1 for _, value in found):
        raise InputError(
            f"{file} is not like {{'ACC': 0.9, 'ARI': 0.8, 'NMI': 0.8}}.", "Is it the original's accuracy.txt?"
        )
    return Accuracy(Figures(**dict(found)), len(_PAIR.findall(text)))


def _lines(file: Path) -> list[str]:
    """As Python's `readlines` gives them: with their ends, which count where a line is no answer."""
    return io.StringIO(read_text(file), newline=None).readlines()


def _between_colons(line: str) -> str:
    return line.split(":")[1].strip().lower()


def _last(lines: Sequence[str]) -> tuple[list[str], list[str], list[str]]:
    """The class and the answer of each line, and what is odd."""
    classes = [line.split(".png" if ".png" in line else ".jpg")[0].split("_")[-1] for line in lines]
    answers = [re.sub("[,'.]", "", _between_colons(line)) if ":" in line else line for line in lines]
    strange = sum(image_path(line) is None or not (".png" in line or ".jpg" in line) for line in lines)
    odd = f"{strange} lines begin no .png or .jpg; the original takes each for an image of a class of its own"
    return classes, answers, [odd] if strange else []


def _first(lines: Sequence[str]) -> tuple[list[str], list[str], list[str]] | str:
    paths = [image_path(line) for line in lines]
    classes = [found[1] for p in paths if p and (found := _numbered(p))]
    if len(classes) < len(lines):
        return f"{len(lines) - len(classes)} lines begin no image like 12_cat.png; the first release fails on them"
    return classes, [_between_colons(line) if ":" in line else line for line in lines], []


def _numbered(path: str) -> re.Match[str] | None:
    name = path.replace("\\", "/").rpartition("/")[2]
    return next((m for pattern in _NUMBERED if (m := pattern.search(name))), None)


def _scored(
    name: str,
    classes: Sequence[str],
    answers: Sequence[str],
    odd: Sequence[str],
    names: Sequence[str],
    seed: int,
    draws: int,
) -> Version:
    known, n_classes = set(names), len(set(classes))
    off_list = sum(answer not in known for answer in answers)
    by_chance = off_list > 0 or len(set(answers)) > n_classes
    figures = [_draw(classes, answers, names, s) for s in range(seed, seed + (draws if by_chance else 1))]
    remarks = list(odd)
    if len(known) > n_classes:
        remarks.append(f"{len(known)} names and {n_classes} classes: which clusters are matched is chance")
    return Version(name, figures, len(answers), off_list, len(names), n_classes, remarks)


def _draw(classes: Sequence[str], answers: Sequence[str], names: Sequence[str], seed: int) -> Figures:
    """One run of the scorer, after `random.seed(seed)`."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    chance = random.Random(seed)  # noqa: S311
    known = set(names)
    given = [answer if answer in known else chance.choice(names) for answer in answers]
    rows, columns = sorted(set(given)), sorted(set(classes))
    k = len(columns)
    if len(rows) > k:
        chance.shuffle(rows)
        chance.shuffle(columns)
    predicted, true = _numbers(given, rows), _numbers(classes, columns)
    table = np.zeros((max(k, len(rows)), k), np.int64)
    np.add.at(table, (predicted, true), 1)
    right = table[:k][linear_sum_assignment(len(true) - table[:k])].sum() + table[k:, 0].sum()
    return Figures(
        acc=int(right) / len(true),
        ari=float(adjusted_rand_score(true, predicted)),
        nmi=float(normalized_mutual_info_score(true, predicted)),
    )


def _numbers(values: Sequence[str], order: Sequence[str]) -> NDArray[np.int64]:
    number = {value: i for i, value in enumerate(order)}
    return np.array([number[value] for value in values], np.int64)
