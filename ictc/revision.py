"""One revision's files: how each step's values stand on disk, and back.

images.jsonl            {"image","path","sha256","metadata"?}
step1_result.jsonl      {"image","sha256","text","model"}
step2a_result.jsonl     {"image","label","by"}
step2b_result.json      {"criterion","k","clusters":[{"name","about","labels":{label:count},"group"?}],"choice"?,
                         "remark"?}
step3_result.jsonl      {"image","cluster","confidence","by","evidence"}
failures.jsonl          {"image","stage","code","message","retryable"}
sample.jsonl            {"image","why"}: the images that were described, where not all were (`ictc.sampling`)
corrections.jsonl       what a person changed, where that is anything (`ictc.steering`)
DONE                    {"key", "files": {name: sha256}}, written last
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from sys import intern
from typing import Any, TypeVar, get_args
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ictc.errors import RunError
from ictc.files import write_atomic, write_jsonl
from ictc.jsonl import numbered_jsonl
from ictc.result import Result
from ictc.text import command_line
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Stage, Taxonomy

LABELS = "step2a_result.jsonl"
TAXONOMY = "step2b_result.json"
CORRECTIONS = "corrections.jsonl"
SAMPLE = "sample.jsonl"
RESULT_FILES = (
    "step1_result.jsonl",
    LABELS,
    TAXONOMY,
    "step3_result.jsonl",
    "failures.jsonl",
)
_MADE_BY = {
    "images.jsonl": "step1",
    "step1_result.jsonl": "step1",
    "step2a_result.jsonl": "step2a",
    "step2b_result.json": "step2b",
    "step3_result.jsonl": "step3",
    "failures.jsonl": "step1",
}
_UNFIT = (OSError, ValueError, KeyError, TypeError, AttributeError)


T = TypeVar("T")


class Revision:
    """The folder of one revision. Every write is atomic; every read names the step that would make a missing file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def start(self) -> None:
        """Make the folder. `DONE` may stay: it speaks only for files with the digests in it."""
        self.path.mkdir(parents=True, exist_ok=True)

    def copy_step_1(self, other: Revision) -> None:
        """Begin as `other` stood before step 2a."""
        self._copy(other, "images.jsonl", "step1_result.jsonl", "failures.jsonl")
        self.save_failures((), ("label", "merge", "assign"))

    def copy_steps_1_and_2a(self, other: Revision) -> None:
        """Begin as `other` stood before step 2b."""
        self._copy(other, "images.jsonl", "step1_result.jsonl", LABELS, "failures.jsonl")

    def _copy(self, other: Revision, *names: str) -> None:
        self.start()
        for name in (*names, *((SAMPLE,) if other.has(SAMPLE) else ())):
            other._require(name)
            self.save_file(name, (other.path / name).read_bytes())

    # -- writing

    def save_items(self, items: Sequence[Item], metadata: Mapping[str, Mapping[str, str]]) -> None:
        self._jsonl("images.jsonl", ({**_item_row(i), **_metadata_row(metadata.get(i.name))} for i in items))

    def refresh_items(self, items: Sequence[Item], metadata: Mapping[str, Mapping[str, str]]) -> None:
        """The same images may lie elsewhere by now, or their columns say something else: no result depends on that."""
        if not self.has("images.jsonl") or self.items() != (list(items), {k: dict(v) for k, v in metadata.items()}):
            self.save_items(items, metadata)

    def save_descriptions(self, descriptions: Sequence[Description]) -> None:
        rows = ({"image": d.image, "sha256": d.sha256, "text": d.text, "model": d.model} for d in descriptions)
        self._jsonl("step1_result.jsonl", rows)

    def save_labels(self, labels: Sequence[Label]) -> None:
        self._jsonl("step2a_result.jsonl", (asdict(x) for x in labels))

    def save_taxonomy(self, taxonomy: Taxonomy) -> None:
        clusters = [_cluster_row(c) for c in taxonomy.clusters]
        row: dict[str, Any] = {"criterion": taxonomy.criterion, "k": taxonomy.k, "clusters": clusters}
        if taxonomy.choice is not None:
            row["choice"] = asdict(taxonomy.choice)
        if taxonomy.remark:
            row["remark"] = taxonomy.remark
        self._text("step2b_result.json", json.dumps(row, indent=2, ensure_ascii=False) + "\n")

    def save_assignments(self, assignments: Sequence[Assignment]) -> None:
        self._jsonl("step3_result.jsonl", (asdict(a) for a in assignments))

    def save_failures(self, failures: Iterable[Failure], stages: Iterable[Stage]) -> None:
        """Replace the failures of `stages`; those of other stages stay. Sorted by stage, whatever was run when."""
        replaced = set(stages)
        kept = [f for f in self._failures_or_none() if f.stage not in replaced]
        ordered = sorted([*kept, *failures], key=lambda f: get_args(Stage).index(f.stage))
        self._jsonl("failures.jsonl", (asdict(f) for f in ordered))

    def save_corrections(self, rows: Iterable[dict[str, Any]]) -> None:
        self._jsonl(CORRECTIONS, rows)

    def save_sample(self, chosen: Mapping[str, str], items: Sequence[Item]) -> None:
        """Which of the items are described, and why."""
        self._jsonl(SAMPLE, ({"image": i.name, "why": chosen[i.name]} for i in items if i.name in chosen))

    def save_file(self, name: str, data: bytes | str) -> Path:
        """Write another file of the revision (metrics, report, pictures)."""
        self._text(name, data)
        return self.path / name

    def finish(self, key: str) -> None:
        """Mark the revision done for the settings `key`."""
        more = [name for name in (CORRECTIONS, SAMPLE) if self.has(name)]
        files = {name: _digest(self.path / name) for name in (*RESULT_FILES, *more)}
        self._text("DONE", json.dumps({"key": key, "files": files}, indent=2) + "\n")

    # -- reading

    def is_done(self, key: str) -> bool:
        """Whether this was finished for `key` and no result file has changed since."""
        try:
            done = json.loads((self.path / "DONE").read_text("utf-8"))
            return done["key"] == key and all(_digest(self.path / n) == h for n, h in done["files"].items())
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return False

    def digest_of(self, *names: str) -> str:
        """One digest of the named files as they stand; a missing file counts as empty."""
        return hashlib.sha256(
            "".join(_digest(self.path / n) if self.has(n) else "-" for n in names).encode()
        ).hexdigest()

    def has(self, name: str) -> bool:
        return (self.path / name).exists()

    def items(self) -> tuple[list[Item], dict[str, dict[str, str]]]:
        """The inputs and, per image name, the columns that came with them."""
        rows = self._rows("images.jsonl", lambda r: (_item(r), r.get("metadata")))
        return [item for item, _ in rows], {item.name: dict(columns) for item, columns in rows if columns}

    def descriptions(self) -> list[Description]:
        return self._rows(
            "step1_result.jsonl", lambda r: Description(r["image"], r["text"], r["model"], r.get("sha256", ""))
        )

    def labels(self) -> list[Label]:
        return self._rows("step2a_result.jsonl", lambda r: Label(r["image"], r["label"], intern(r.get("by", ""))))

    def taxonomy(self) -> Taxonomy:
        return self._json("step2b_result.json", _taxonomy)

    def assignments(self) -> list[Assignment]:
        return self._rows("step3_result.jsonl", lambda r: Assignment(**r))

    def failures(self) -> list[Failure]:
        return self._rows("failures.jsonl", lambda r: Failure(**r))

    def corrections(self) -> list[dict[str, Any]]:
        """As they were saved; none where nobody changed anything."""
        return self._rows(CORRECTIONS, dict) if self.has(CORRECTIONS) else []

    def sample(self) -> dict[str, str]:
        """Why each image that was described was; none where all were."""
        return dict(self._rows(SAMPLE, lambda r: (str(r["image"]), str(r["why"])))) if self.has(SAMPLE) else {}

    def result(self) -> Result:
        """All steps together.

        Raises:
            RunError: a step is missing; the message names the command that makes it.
        """
        items, metadata = self.items()
        taxonomy, assignments = self.taxonomy(), self.assignments()
        failures = self.failures()
        gone = len({i.name for i in items} - {a.image for a in assignments} - {f.image for f in failures})
        if gone:
            raise RunError(
                f"{self.path / 'step3_result.jsonl'} lacks {gone} of {len(items)} images: neither assigned nor failed.",
                f"Assign again: {command_line('step3', str(self.path.parent))}",
            )
        strange = {a.cluster for a in assignments} - {None, *taxonomy.names}
        if strange:
            raise RunError(
                f"{self.path / 'step3_result.jsonl'} has clusters that step2b_result.json has not: "
                f"{', '.join(sorted(map(str, strange))[:5])}.",
                f"Assign again: {command_line('step3', str(self.path.parent))}",
            )
        return Result(
            criterion=taxonomy.criterion,
            items=items,
            descriptions=self.descriptions(),
            labels=self.labels(),
            taxonomy=taxonomy,
            assignments=assignments,
            failures=failures,
            metadata=metadata,
            folder=self.path,
        )

    def metrics(self) -> dict[str, Any] | None:
        """What `score` last wrote, or None where there is nothing or it is of an earlier result."""
        if not self.has("metrics.json"):
            return None
        metrics: dict[str, Any] = self._json("metrics.json", dict)
        return metrics if metrics.get("of") == self.digest_of("step3_result.jsonl") else None

    # -- files

    def _text(self, name: str, data: bytes | str) -> None:
        write_atomic(self.path / name, data)

    def _jsonl(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        write_jsonl(self.path / name, rows)

    def _rows(self, name: str, parse: Callable[[dict[str, Any]], T]) -> list[T]:
        self._require(name)
        parsed: list[T] = []
        line = 0
        try:
            for line, row in numbered_jsonl(self.path / name):  # noqa: B007 (for the error)
                parsed.append(parse(row))
        except _UNFIT as e:
            raise self._not_as_written(f"{self.path / name}, line {line}", name, e) from e
        return parsed

    def _json(self, name: str, parse: Callable[[dict[str, Any]], T]) -> T:
        self._require(name)
        try:
            return parse(json.loads((self.path / name).read_text("utf-8")))
        except _UNFIT as e:
            raise self._not_as_written(str(self.path / name), name, e) from e

    def _not_as_written(self, where: str, name: str, error: Exception) -> RunError:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        return RunError(f"{where} is not as ictc writes it: {what}.", self._remedy(name))

    def _require(self, name: str) -> None:
        if not self.has(name):
            raise RunError(f"{self.path} has no {name} yet.", self._remedy(name))

    def _remedy(self, name: str) -> str:
        step, run = _MADE_BY.get(name, "score"), str(self.path.parent)
        return (
            f"Run first: {f'ictc step1 IMAGES -c CRITERION -o {run}' if step == 'step1' else command_line(step, run)}"
        )

    def _failures_or_none(self) -> list[Failure]:
        return self.failures() if self.has("failures.jsonl") else []


def _item_row(item: Item) -> dict[str, Any]:
    return {"image": item.name, "path": path_to_text(item.path), "sha256": item.sha256}


def _item(row: Mapping[str, Any]) -> Item:
    return Item(row["image"], text_to_path(row["path"]), row["sha256"])


def _taxonomy(row: Mapping[str, Any]) -> Taxonomy:
    names = [str(c["name"]) for c in row["clusters"]]
    if not names or len(set(names)) < len(names) or not all(n.strip() for n in names):
        raise ValueError("the names of the clusters must be there and distinct")
    choice = row.get("choice")
    return Taxonomy(
        row["criterion"],
        [
            Cluster(n, c.get("about", ""), dict(c.get("labels", {})), _group(c))
            for n, c in zip(names, row["clusters"], strict=True)
        ],
        KChoice(**{**choice, "curve": [(int(k), float(v)) for k, v in choice["curve"]]}) if choice else None,
        str(row.get("remark", "")),
    )


def _cluster_row(cluster: Cluster) -> dict[str, Any]:
    row = {"name": cluster.name, "about": cluster.about, "labels": dict(cluster.labels)}
    return row | ({"group": cluster.group} if cluster.group else {})


def _group(row: Mapping[str, Any]) -> str:
    group = row.get("group", "")
    if not isinstance(group, str):
        raise ValueError(f"the group of the cluster {row['name']} must be a name, in quotes")
    return group.strip()


def _metadata_row(columns: Mapping[str, str] | None) -> dict[str, Any]:
    return {"metadata": dict(columns)} if columns else {}


def path_to_text(path: Path | None) -> str | None:
    """A path as JSON can hold it: as it is, or a percent-encoded file URI where it is not valid UTF-8."""
    if path is None:
        return None
    raw = os.fsencode(path.absolute())
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return "file://" + quote_from_bytes(raw)


def text_to_path(text: str | None) -> Path | None:
    """The reverse of `path_to_text`."""
    if text is None:
        return None
    return (
        Path(os.fsdecode(unquote_to_bytes(text.removeprefix("file://")))) if text.startswith("file://") else Path(text)
    )


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
