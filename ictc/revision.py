"""One revision's files: how each step's values stand on disk, and back.

images.jsonl            {"image","path","sha256","metadata"?}
step1_result.jsonl      {"image","sha256","text","model"}
step2a_result.jsonl     {"image","label"}
step2b_result.json      {"criterion","k","clusters":[{"name","about","labels":{label:count}}],"choice"?}
step3_result.jsonl      {"image","cluster","confidence","by","evidence"}
failures.jsonl          {"image","stage","code","message","retryable"}
DONE                    {"key", "files": {name: sha256}}, written last
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes, unquote_to_bytes

from ictc.errors import RunError
from ictc.files import write_atomic, write_jsonl
from ictc.jsonl import read_jsonl
from ictc.result import Result
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Stage, Taxonomy

RESULT_FILES = (
    "images.jsonl",
    "step1_result.jsonl",
    "step2a_result.jsonl",
    "step2b_result.json",
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


class Revision:
    """The folder of one revision. Every write is atomic; every read names the step that would make a missing file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def start(self) -> None:
        """Make the folder. `DONE` may stay: it speaks only for files with the digests in it."""
        self.path.mkdir(parents=True, exist_ok=True)

    def copy_steps_1_and_2a(self, other: Revision) -> None:
        """Begin as `other` stood before step 2b."""
        self.start()
        for name in ("images.jsonl", "step1_result.jsonl", "step2a_result.jsonl", "failures.jsonl"):
            other._require(name)
            self.save_file(name, (other.path / name).read_bytes())

    # -- writing

    def save_items(self, items: Sequence[Item], metadata: Mapping[str, Mapping[str, str]]) -> None:
        self._jsonl("images.jsonl", ({**_item_row(i), **_metadata_row(metadata.get(i.name))} for i in items))

    def save_descriptions(self, descriptions: Sequence[Description]) -> None:
        rows = ({"image": d.image, "sha256": d.sha256, "text": d.text, "model": d.model} for d in descriptions)
        self._jsonl("step1_result.jsonl", rows)

    def save_labels(self, labels: Sequence[Label]) -> None:
        self._jsonl("step2a_result.jsonl", (asdict(x) for x in labels))

    def save_taxonomy(self, taxonomy: Taxonomy) -> None:
        clusters = [{"name": c.name, "about": c.about, "labels": dict(c.labels)} for c in taxonomy.clusters]
        row: dict[str, Any] = {"criterion": taxonomy.criterion, "k": taxonomy.k, "clusters": clusters}
        if taxonomy.choice is not None:
            row["choice"] = asdict(taxonomy.choice)
        self._text("step2b_result.json", json.dumps(row, indent=2, ensure_ascii=False) + "\n")

    def save_assignments(self, assignments: Sequence[Assignment]) -> None:
        self._jsonl("step3_result.jsonl", (asdict(a) for a in assignments))

    def save_failures(self, failures: Iterable[Failure], stages: Iterable[Stage]) -> None:
        """Replace the failures of `stages`; those of other stages stay."""
        replaced = set(stages)
        kept = [f for f in self._failures_or_none() if f.stage not in replaced]
        self._jsonl("failures.jsonl", (asdict(f) for f in [*kept, *failures]))

    def save_file(self, name: str, data: bytes | str) -> Path:
        """Write another file of the revision (metrics, report, pictures)."""
        self._text(name, data)
        return self.path / name

    def finish(self, key: str) -> None:
        """Mark the revision done for the settings `key`."""
        files = {name: _digest(self.path / name) for name in RESULT_FILES}
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
        rows = self._rows("images.jsonl")
        items = [Item(r["image"], text_to_path(r["path"]), r["sha256"]) for r in rows]
        return items, {r["image"]: r["metadata"] for r in rows if "metadata" in r}

    def descriptions(self) -> list[Description]:
        return [Description(r["image"], r["text"], r["model"], r["sha256"]) for r in self._rows("step1_result.jsonl")]

    def labels(self) -> list[Label]:
        return [Label(r["image"], r["label"]) for r in self._rows("step2a_result.jsonl")]

    def taxonomy(self) -> Taxonomy:
        row = self._json("step2b_result.json")
        choice = row.get("choice")
        return Taxonomy(
            row["criterion"],
            [Cluster(c["name"], c.get("about", ""), c.get("labels", {})) for c in row["clusters"]],
            KChoice(**{**choice, "curve": [tuple(p) for p in choice["curve"]]}) if choice else None,
        )

    def assignments(self) -> list[Assignment]:
        return [Assignment(**r) for r in self._rows("step3_result.jsonl")]

    def failures(self) -> list[Failure]:
        return [Failure(**r) for r in self._rows("failures.jsonl")]

    def result(self) -> Result:
        """All steps together.

        Raises:
            RunError: a step is missing; the message names the command that makes it.
        """
        items, metadata = self.items()
        taxonomy = self.taxonomy()
        return Result(
            criterion=taxonomy.criterion,
            items=items,
            descriptions=self.descriptions(),
            labels=self.labels(),
            taxonomy=taxonomy,
            assignments=self.assignments(),
            failures=self.failures(),
            metadata=metadata,
            folder=self.path,
        )

    def metrics(self) -> dict[str, Any] | None:
        """What `score` last wrote, or None."""
        return self._json("metrics.json") if self.has("metrics.json") else None

    # -- files

    def _text(self, name: str, data: bytes | str) -> None:
        write_atomic(self.path / name, data)

    def _jsonl(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        write_jsonl(self.path / name, rows)

    def _rows(self, name: str) -> list[dict[str, Any]]:
        self._require(name)
        return list(read_jsonl(self.path / name))

    def _json(self, name: str) -> dict[str, Any]:
        self._require(name)
        try:
            value = json.loads((self.path / name).read_text("utf-8"))
        except (OSError, ValueError) as e:
            raise RunError(f"{self.path / name} cannot be read: {e}.", self._remedy(name)) from e
        if not isinstance(value, dict):
            raise RunError(f"{self.path / name} is not a JSON object.", self._remedy(name))
        return value

    def _require(self, name: str) -> None:
        if not self.has(name):
            raise RunError(f"{self.path} has no {name} yet.", self._remedy(name))

    def _remedy(self, name: str) -> str:
        step = _MADE_BY.get(name, "score")
        return f"Run first: ictc {step} {'IMAGES -o ' if step == 'step1' else ''}{self.path.parent}"

    def _failures_or_none(self) -> list[Failure]:
        return self.failures() if self.has("failures.jsonl") else []


def _item_row(item: Item) -> dict[str, Any]:
    return {"image": item.name, "path": path_to_text(item.path), "sha256": item.sha256}


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
