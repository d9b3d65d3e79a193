"""A run on disk: `run.json`, `store.sqlite`, and one numbered folder per revision.

A revision is found by what was asked (`Settings.key`), not by when: asking the same again finds the same revision,
asking something else makes the next one. `DONE` is written last and holds the digests of the result files.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from ictc.errors import RunBusy, RunError, RunTooNew, StorageFull
from ictc.files import write_atomic
from ictc.revision import Revision
from ictc.store import Store, content_key

_OURS = {".lock", ".run.json.part", "store.sqlite", "store.sqlite-wal", "store.sqlite-shm"}
_REVISION = re.compile(r"[0-9]{3,}")

UPDATED = "update:"
"""How `Settings.taxonomy` begins where old images keep what another revision gave them (`ictc.updating`)."""

FORMAT = 1
"""Version of the folder's layout. A run with a higher one is refused, never guessed at."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What was asked. Equal settings are one revision.

    `inputs` is the digest of all image names and contents. `k` is None for "auto" and 0 where step 2b has not been
    asked for yet. `taxonomy` is the digest of what was not made by this reasoner: names that a person wrote into
    step2b_result.json, labels and names that another reasoner left, or the revision that was updated; else "".
    `wording` is what models are told beside the criterion (`means.Wording`), and `lane` (`means.Lane`) how the
    embedding lane works, for the steps that follow; fingerprints hold their content. `corrections`: the digest of what
    a person changed of which result (`ictc.steering`), "" where that is nothing. `sample`: how the images were chosen
    that are described (`ictc.sampling`), None where all are.
    """

    images: str
    inputs: str
    criterion: str
    describer: str
    describer_fingerprint: str
    reasoner: str
    reasoner_fingerprint: str
    k: int | None = 0
    taxonomy: str = ""
    wording: dict[str, Any] = field(default_factory=dict)
    lane: dict[str, Any] | None = None
    corrections: str = ""
    sample: dict[str, Any] | None = None

    @property
    def key(self) -> str:
        """The identity of a revision: contents and fingerprints, and none of the paths they were found under."""
        content = asdict(self)
        for path in ("images", "describer", "reasoner", "wording", "lane"):
            del content[path]
        if not self.corrections:  # the key of a run without any is what it was before there were any
            del content["corrections"]
        if self.sample is None:
            del content["sample"]
        else:
            content["sample"] = {key: value for key, value in self.sample.items() if key != "embedder"}
        return content_key("revision/1", **content)

    def described_like(self, other: Settings) -> bool:
        """Whether steps 1 and 2a of `other` are also those of this."""
        return replace(self, k=0, taxonomy="").key == replace(other, k=0, taxonomy="").key


class RunFolder:
    """Opens or makes a run folder. `run.json` is read and written under the folder's lock, and read anew each time.

    Raises:
        RunError: not a run folder, a damaged one, or one that cannot be written. RunTooNew: made by a newer version.
        RunBusy: another process is writing to it.
    """

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self.path = path
        self._file = path / "run.json"
        self._lock = FileLock(path / ".lock", timeout=0)
        if not self._file.exists():
            if not create:
                raise RunError(
                    f"{path} is not a run folder: it has no run.json.", "Make one: ictc run IMAGES -c CRITERION"
                )
            self._make()
        self._state()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Only one process at a time works on a run. May be nested; freed by the system when a process dies."""
        try:
            self._lock.acquire()
        except Timeout:
            raise RunBusy(
                f"Another ictc process is working on {self.path}.", "Wait for it, or give another folder with -o."
            ) from None
        except OSError as e:
            raise _unwritable(self.path, e) from e
        try:
            yield
        finally:
            self._lock.release()

    @contextmanager
    def open_store(self) -> Iterator[Store]:
        """The run's store, under the lock, for as long as the block lasts."""
        with self.locked(), Store(self.path / "store.sqlite") as store:
            yield store

    def revision_for(self, settings: Settings) -> Revision:
        """The revision with these settings; a new one where there is none.

        A revision that stopped before step 2b takes the K that is asked for now.
        """
        known = {revision_id: self.settings(revision_id) for revision_id in self.revision_ids}
        same = [i for i, s in known.items() if s.key == settings.key]
        waiting = [i for i, s in known.items() if s.k == 0 and settings.described_like(s)]
        revision_id = (same or waiting or [self._next_id()])[0]
        self.record(revision_id, settings)
        return self.revision(revision_id)

    def described(self, settings: Settings) -> Revision | None:
        """The latest revision whose steps 1 and 2a are those of `settings`; it becomes the run's current one."""
        for revision_id in reversed(self.revision_ids):
            known = self.settings(revision_id)
            if settings.described_like(known):
                self.record(revision_id, known)
                return self.revision(revision_id)
        return None

    @property
    def revision_ids(self) -> list[str]:
        return sorted(self._state()["revisions"])

    def revision(self, revision_id: str = "", *, finished: bool = False) -> Revision:
        """A revision by its number (`2` and `002` alike); by default the last that was asked for.

        With `finished`, the default is the last that was finished, where the last asked for was not.

        Raises:
            RunError: there is none.
        """
        state = self._state()
        known = sorted(state["revisions"])
        latest = str(state.get("latest", ""))
        if finished and state["revisions"].get(latest, {}).get("status") != "done":
            latest = str(state.get("finished", latest))
        wanted = revision_id.zfill(3) if revision_id else latest
        if wanted not in known:
            raise RunError(
                f"{self.path} has no revision {revision_id or 'yet'}.",
                f"It has: {', '.join(known)}." if known else "Make one: ictc run IMAGES -c CRITERION",
            )
        return Revision(self.path / wanted)

    def settings(self, revision_id: str) -> Settings:
        return _settings(self.entry(revision_id), self._file)

    def entry(self, revision_id: str) -> dict[str, Any]:
        """What run.json says of a revision."""
        entry: dict[str, Any] = self._state()["revisions"][revision_id]
        return entry

    def entries(self) -> dict[str, dict[str, Any]]:
        """What run.json says of every revision, in their order; read once."""
        known = self._state()["revisions"]
        return {revision_id: known[revision_id] for revision_id in sorted(known)}

    def note(self, revision: Revision, **facts: Any) -> None:
        """Add facts (counts, seconds, versions, status) to what run.json says of a revision."""
        with self._changing() as state:
            state["revisions"][revision.id].update(facts)
            if facts.get("status") == "done":
                state["finished"] = revision.id

    def record(self, revision_id: str, settings: Settings) -> None:
        """Give a revision these settings, and make it the run's current one."""
        with self._changing() as state:
            entry = state["revisions"].setdefault(revision_id, {"asked": _now()})
            said = asdict(settings)
            if settings.sample is None:  # a run without one can be read by an ictc that knew of none
                del said["sample"]
            entry |= {"settings": said, "key": settings.key}
            state["latest"] = revision_id

    def _make(self) -> None:
        """A new run folder; what a run that was killed at once left behind is taken over."""
        try:
            if self.path.exists() and (not self.path.is_dir() or {p.name for p in self.path.iterdir()} - _OURS):
                raise RunError(
                    f"{self.path} exists and is not a run folder; ictc will not write into it.",
                    "Give a new or empty folder with -o.",
                )
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as e:
            raise _unwritable(self.path, e) from e
        with self.locked():
            if not self._file.exists():
                self._save({"format": FORMAT, "created": _now(), "revisions": {}})

    def _next_id(self) -> str:
        on_disk = [p.name for p in self.path.iterdir() if _REVISION.fullmatch(p.name)]
        return f"{max(map(int, [*self.revision_ids, *on_disk]), default=0) + 1:03d}"

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        with self.locked():
            state = self._state()
            yield state
            self._save(state)

    def _save(self, state: dict[str, Any]) -> None:
        write_atomic(self._file, json.dumps(state, indent=2, ensure_ascii=False) + "\n")

    def _state(self) -> dict[str, Any]:
        return _read_state(self._file)


def digest_inputs(named_hashes: list[tuple[str, str]]) -> str:
    """One digest of all inputs: names and content hashes, in order."""
    return hashlib.sha256(json.dumps(named_hashes, ensure_ascii=True).encode()).hexdigest()


def _settings(entry: dict[str, Any], file: Path) -> Settings:
    try:
        return Settings(**entry["settings"])
    except (KeyError, TypeError) as e:
        raise RunError(f"{file} is damaged: {e}.", "Give another folder with -o.") from e


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
            "Give another folder with -o, or use the ictc that made it, or a newer one.",
        )
    if not isinstance(known, dict) or not all(
        _REVISION.fullmatch(i) and isinstance(entry, dict) for i, entry in known.items()
    ):
        raise RunError(f"{file} is damaged: revisions are numbered 001, 002, ...", "Give another folder with -o.")
    return dict(state)


def _unwritable(path: Path, error: OSError) -> Exception:
    if error.errno in (ENOSPC, EDQUOT):
        return StorageFull(f"The disk that holds {path} is full.", "Free some space and run the same command again.")
    return RunError(
        f"The run folder {path} cannot be written: {error.strerror or error}.", "Give another folder with -o."
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
