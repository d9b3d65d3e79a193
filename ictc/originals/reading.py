"""A folder of the original IC|TC repository: which files are what, and that they are of one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ictc.descriptions import read_recorded
from ictc.errors import InputError
from ictc.jsonl import read_text
from ictc.names import NameIndex, relative_to_common_folder
from ictc.originals.replies import assignment_from, label_from, parse_replies, parse_taxonomy
from ictc.text import command_line
from ictc.types import Assignment, Cluster, Description, Failure, Label, Taxonomy

_NAMES = {  # the first that is there; `_raw`: before its authors cut the replies to their first line
    "step1": ("step1_result.jsonl",),
    "step2a": ("step2a_result.txt", "gpt_labels_real.txt", "gpt_labels.txt"),
    "step2b": ("step2b_result.txt", "step2b_result_raw.txt"),
    "step3": ("step3_result.txt", "step3_result_raw.txt"),
    "accuracy": ("accuracy.txt",),
}
_DEPTH, _FOLDERS = 5, 2_000


@dataclass(frozen=True, slots=True)
class Files:
    """The files of one run, plain or gzip; what it lacks is None."""

    step1: Path | None
    step2a: Path | None
    step2b: Path
    step3: Path
    accuracy: Path | None


@dataclass(frozen=True, slots=True)
class Original:
    """A run of the original. `assignments` has one entry per image, in the order of the descriptions if there are any.

    `off_list` counts replies that named none of the K; they are unassigned, with the reply as evidence. `replies` are
    the raw step-3 replies. `problems` says of every line that could not be used where it is and why.
    """

    descriptions: Sequence[Description]
    labels: Sequence[Label | Failure]
    taxonomy: Taxonomy
    assignments: Sequence[Assignment | Failure]
    off_list: int
    replies: Mapping[str, str]
    problems: Sequence[str]


def find_files(folder: Path) -> Files:
    """The files of the run in `folder`.

    Raises:
        InputError: no folder, or it lacks step 2b or step 3; the message says what is there, and where runs lie in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder that holds step3_result.txt.")
    found = {step: _find(folder, names) for step, names in _NAMES.items()}
    step2b, step3 = found["step2b"], found["step3"]
    if step2b is None or step3 is None:
        raise _lacking(folder, found)
    return Files(found["step1"], found["step2a"], step2b, step3, found["accuracy"])


def read_original(folder: Path, descriptions: Path | None = None, criterion: str = "") -> Original:
    """The run in `folder`; step 1 from `descriptions`, or from step1_result.jsonl where the folder has one.

    Images are named relative to the folder they share, as in the descriptions: `0_cat.png`.

    Raises:
        InputError: no folder, step 2b or step 3 missing or unusable, or files of different runs: descriptions or labels
            of other images, answers of which none is a name.
    """
    files = find_files(folder)
    step1 = descriptions or files.step1
    described = read_recorded(step1) if step1 else []
    index = NameIndex(d.image for d in described) if described else None
    taxonomy, name_problems = parse_taxonomy(read_text(files.step2b), criterion)
    if not taxonomy.k:
        raise InputError(f"{files.step2b} names no cluster.", "Its lines must be like `Answer 1: dog` or `1: dog`.")
    replies, problems = _replies_of(files.step3, index)
    if described and not {d.image for d in described} & set(replies):
        raise InputError(
            f"{step1} and {files.step3} speak of different images: {described[0].image!r}, {next(iter(replies))!r}.",
            "Give the descriptions of this run: --descriptions FILE",
        )
    index = index or NameIndex(replies)
    labels, label_problems = _replies_of(files.step2a, index) if files.step2a else ({}, [])
    if labels and not labels.keys() & replies.keys():
        raise InputError(
            f"{files.step2a} and {files.step3} speak of different images: {next(iter(labels))!r}, "
            f"{next(iter(replies))!r}.",
            "They are of different runs. Take the one out that is not of this run; it goes without step 2a.",
        )
    images = list(dict.fromkeys([*(d.image for d in described), *labels, *replies]))
    answered = [label_from(image, reply) for image, reply in labels.items()]
    shown = {a.image: a.label for a in answered if isinstance(a, Label)}
    assignments = [assignment_from(i, replies.get(i), taxonomy.names, shown.get(i, "")) for i in images]
    told = [a for a in assignments if isinstance(a, Assignment)]
    off_list = sum(a.cluster is None for a in told)
    if told and off_list == len(told):
        raise InputError(
            f"No answer of {files.step3} is one of the names of {files.step2b}: {told[0].evidence[:80]!r}, "
            f"{', '.join(taxonomy.names)[:80]!r}.",
            "They are of different runs, or the names are not a line `1: dog` each.",
        )
    return Original(
        descriptions=described,
        labels=answered,
        taxonomy=_with_labels(taxonomy, shown, assignments),
        assignments=assignments,
        off_list=off_list,
        replies=replies,
        problems=[*label_problems, *(f"{files.step2b.name} {p}" for p in name_problems), *problems],
    )


def _find(folder: Path, names: Sequence[str]) -> Path | None:
    return next((p for name in names for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)


def _lacking(folder: Path, found: Mapping[str, Path | None]) -> InputError:
    lacks = " and ".join(_NAMES[step][0] for step in ("step2b", "step3") if found[step] is None)
    there = ", ".join(p.name for p in found.values() if p)
    below = [] if there else list(_runs_below(folder))
    if below:
        todo = f"Runs lie in it; give one of them: {', '.join(str(p) for p in below[:5])}"
    elif found["step3"]:
        todo = (
            f"Write its K names into {folder / _NAMES['step2b'][0]}, a line `1: NAME` each; step 3's prompt lists them."
        )
    elif found["step1"]:
        words = command_line("run", str(found["step1"]), "-c", "CRITERION", "-k", "K")
        todo = f"There is nothing to score; steps 2 and 3 can be made from its descriptions: {words}"
    else:
        todo = "Give the folder of one run of the original IC|TC, with step2b_result.txt and step3_result.txt in it."
    has = f"; it has {there}" if there else ""
    return InputError(f"{folder} has no {lacks} (nor as .gz){has}.", todo)


def _runs_below(folder: Path) -> Iterator[Path]:
    """Folders within that could be imported, nearest first; gives up in a folder that is no such tree."""
    level, seen = [folder], 0
    for _ in range(_DEPTH):
        below: list[Path] = []
        for place in level:
            try:
                inside = sorted(p for p in place.iterdir() if p.is_dir() and not p.is_symlink())
            except OSError:
                continue
            for path in inside:
                if _find(path, _NAMES["step2b"]) and _find(path, _NAMES["step3"]):
                    yield path
            below += inside
            seen += len(inside)
            if seen > _FOLDERS:
                return
        level = below


def _replies_of(file: Path, index: NameIndex | None) -> tuple[dict[str, str], list[str]]:
    """Replies by image name: the descriptions' name where one is meant, else relative to the shared folder."""
    parsed = parse_replies(read_text(file))
    if not parsed.by_path:
        raise InputError(
            f"{file} has no line of the form `Image file-FOLDER/1_cat.png Answer: cat`.",
            "Is this a result file of the original IC|TC?",
        )
    short = relative_to_common_folder(parsed.by_path)
    replies: dict[str, str] = {}
    problems = [f"{file.name} {p}" for p in parsed.problems]
    for path, reply in parsed.by_path.items():
        name = (index and index.find(path)) or short[path]
        if name in replies:
            problems.append(f"{file.name}: {path} is the image {name} again; the first reply is kept")
        replies.setdefault(name, reply)
    return replies, problems


def _with_labels(
    taxonomy: Taxonomy, labels: Mapping[str, str], assignments: Sequence[Assignment | Failure]
) -> Taxonomy:
    """Each cluster with the labels of its images and how many images carry them, most frequent first."""
    counts: dict[str, Counter[str]] = {name: Counter() for name in taxonomy.names}
    for a in assignments:
        if isinstance(a, Assignment) and a.cluster is not None and a.image in labels:
            counts[a.cluster][labels[a.image]] += 1
    clusters = [
        Cluster(c.name, c.about, dict(sorted(counts[c.name].items(), key=lambda kv: (-kv[1], kv[0]))))
        for c in taxonomy.clusters
    ]
    return Taxonomy(taxonomy.criterion, clusters)
