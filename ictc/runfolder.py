"""A run on disk: `run.json`, `store.sqlite`, and one numbered folder per revision.

A revision is found by what was asked (`Settings.key`), not by when: asking the same again finds the same revision,
asking something else makes the next one. `DONE` is written last and holds the digests of the result files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ictc.errors import RunBusy, RunError, RunTooNew
from ictc.files import write_atomic
from ictc.revision import Revision
from ictc.store import Store, content_key

FORMAT = 1
"""Version of the folder's layout. A run with a higher one is refused, never guessed at."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked. Two runs with equal settings give the same files.

    `inputs` is the digest of all image names and contents. `k` is None for "auto" and 0 where step 2b has not been
    asked for yet.
    """

    images: str
    inputs: str
    criterion: str
    describer: str
    describer_fingerprint: str
    reasoner: str
    reasoner_fingerprint: str
    k: int | None = 0

    @property
    def key(self) -> str:
        """The identity of a revision: everything but the path under which the images were found."""
        content = asdict(self)
        del content["images"]
        return content_key("revision/1", **content)

    def described_like(self, other: Settings) -> bool:
        """Whether steps 1 and 2a of `other` are also those of this."""
        return replace(self, k=0).key == replace(other, k=0).key


class RunFolder:
    """Opens or makes a run folder.

    Raises:
        RunError: not a run folder, or a damaged one. RunTooNew: made by a newer version.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self._file = path / "run.json"
        if self._file.exists():
            self._state = _read_state(self._file)
        elif not create:
            raise RunError(f"{path} is not a run folder: it has no run.json.", "Make one: ictc run IMAGES -c CRITERION")
        elif path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise RunError(
                f"{path} exists and is not a run folder; ictc will not write into it.",
                "Give a new or empty folder with -o.",
            )
        else:
            self._state = {"format": FORMAT, "created": _now(), "revisions": {}}
            path.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def open_store(self) -> Iterator[Store]:
        """The run's store, for as long as the block lasts; only one process writes to a run at a time.

        Raises:
            RunBusy: another process has it.
        """
        try:
            with FileLock(self.path / ".lock", timeout=0), Store(self.path / "store.sqlite") as store:
                yield store
        except Timeout:
            raise RunBusy(
                f"Another ictc process is working on {self.path}.", "Wait for it, or give another folder with -o."
            ) from None

    def revision_for(self, settings: Settings) -> Revision:
        """The revision with these settings; a new one where there is none.

        A revision that stopped before step 2b takes the K that is asked for now.
        """
        for revision_id, entry in self._state["revisions"].items():
            if _settings(entry).key == settings.key:
                self._record(revision_id, settings)
                return self.revision(revision_id)
        for revision_id, entry in self._state["revisions"].items():
            known = _settings(entry)
            if known.k == 0 and settings.described_like(known):
                self._record(revision_id, settings)
                return self.revision(revision_id)
        revision_id = f"{len(self._state['revisions']) + 1:03d}"
        self._record(revision_id, settings)
        return self.revision(revision_id)

    def described(self, settings: Settings) -> Revision | None:
        """The latest revision whose steps 1 and 2a are those of `settings`; it becomes the run's current one."""
        for revision_id in reversed(self.revision_ids):
            known = self.settings(revision_id)
            if settings.described_like(known):
                self._record(revision_id, known)
                return self.revision(revision_id)
        return None

    @property
    def revision_ids(self) -> list[str]:
        return sorted(self._state["revisions"])

    def revision(self, revision_id: str = "") -> Revision:
        """A revision by its number (`2` and `002` alike); by default the last that was asked for.

        Raises:
            RunError: there is none.
        """
        known = self.revision_ids
        wanted = revision_id.zfill(3) if revision_id else self._state.get("latest", "")
        if wanted not in known:
            raise RunError(
                f"{self.path} has no revision {revision_id or 'yet'}.",
                f"It has: {', '.join(known)}." if known else "Make one: ictc run IMAGES -c CRITERION",
            )
        return Revision(self.path / wanted)

    def settings(self, revision_id: str) -> Settings:
        return _settings(self._state["revisions"][revision_id])

    def entry(self, revision_id: str) -> dict[str, Any]:
        """What run.json says of a revision."""
        entry: dict[str, Any] = self._state["revisions"][revision_id]
        return entry

    def note(self, revision: Revision, **facts: Any) -> None:
        """Add facts (counts, seconds, versions, status) to what run.json says of a revision."""
        self._state["revisions"][revision.id].update(facts)
        self._save()

    def _record(self, revision_id: str, settings: Settings) -> None:
        entry = self._state["revisions"].setdefault(revision_id, {"asked": _now()})
        entry["settings"] = asdict(settings)
        entry["key"] = settings.key
        self._state["latest"] = revision_id
        self._save()

    def _save(self) -> None:
        write_atomic(self._file, json.dumps(self._state, indent=2, ensure_ascii=False) + "\n")


def digest_inputs(named_hashes: list[tuple[str, str]]) -> str:
    """One digest of all inputs: names and content hashes, in order."""
    return hashlib.sha256(json.dumps(named_hashes, ensure_ascii=True).encode()).hexdigest()


def _settings(entry: dict[str, Any]) -> Settings:
    return Settings(**entry["settings"])


def _read_state(file: Path) -> dict[str, Any]:
    try:
        state = json.loads(file.read_text("utf-8"))
        version = int(state["format"])
        known = state["revisions"]
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise RunError(f"{file} cannot be read: {e}.", "Give another folder with -o; the store can be kept.") from e
    if version > FORMAT:
        raise RunTooNew(
            f"{file.parent} was made by a newer ictc (layout {version}; this one knows {FORMAT}).",
            "Update: pip install -U ictc, or give another folder with -o.",
        )
    if not isinstance(known, dict):
        raise RunError(f"{file} is damaged: 'revisions' is not a table.", "Give another folder with -o.")
    return dict(state)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
