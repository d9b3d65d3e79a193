"""The folder that a training fills: one training a folder, locked, gone on with after a kill, finished once.

Inside while it lasts: training.json (what was asked) and checkpoint/. When it is done: trained.json, written last, the
weights, loss.csv, loss.png, seen.txt and split.csv; the checkpoint goes.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from ictc.errors import RunBusy, RunError, SpecError, UsageError
from ictc.files import write_atomic, write_jsonl
from ictc.models.trained import FACTS, FORMAT, SEEN, WEIGHTS, read_trained
from ictc.training.curve import loss_csv, loss_png
from ictc.types import Failure

if TYPE_CHECKING:
    from torch import Tensor

_ASKED, _CHECKPOINT, _STATE, _FAILURES = "training.json", "checkpoint", "state.pt", "failures.jsonl"
FAILED = "failed"
DUAL = "clip"
"""The folder within, of a tuned dual encoder."""


class TrainingFolder:
    """`asked`: JSON of everything that decides the result; another into the same folder is refused. Its `base` and the
    specs `inputs` are what it begins with."""

    def __init__(
        self, path: Path, kind: str, asked: Mapping[str, Any], *, restart: bool = False, inputs: Sequence[str] = ()
    ) -> None:
        self.path, self.kind, self._asked = path, kind, json.loads(json.dumps({"kind": kind, **asked}))
        self._restart = restart
        self._noted: dict[str, Any] = {}
        self._inputs = [str(asked.get("base", "")), *inputs]
        self._lock = FileLock(path / ".lock", timeout=0)

    @contextmanager
    def open(self, meet: Callable[[], None] = lambda: None) -> Iterator[None]:
        """For as long as the block lasts nobody else trains into it. `meet`: where several processes train together,
        all of them wait there until the first has looked what is in the folder.

        Raises:
            RunBusy: somebody does. RunError: it cannot be written. UsageError: it holds something else.
        """
        try:
            if first_process():
                self._refuse()  # before anything is written there
            self.path.mkdir(parents=True, exist_ok=True)
            if first_process():
                self._lock.acquire()
        except Timeout:
            raise RunBusy(
                f"Another ictc process is training into {self.path}.", "Wait for it, or give another folder with -o."
            ) from None
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be used: {error.strerror or error}.", "Choose another folder with -o."
            ) from error
        try:
            if first_process():
                self._begin()
            meet()
            yield
        finally:
            self._lock.release()

    @property
    def checkpoint(self) -> Path:
        """The folder for what is needed to go on."""
        return self.path / _CHECKPOINT

    def finished(self) -> dict[str, Any] | None:
        """What trained.json says, where the training is done.

        Raises:
            RunError: it is done, but what it left is damaged or gone.
        """
        file = self.path / FACTS
        if not file.is_file():
            return None
        try:
            read_trained(self.path).check_weights()
        except SpecError as error:
            raise RunError(error.message, error.hint) from error
        return dict(json.loads(file.read_text("utf-8")))

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep what is needed to go on from here."""
        import torch

        self.checkpoint.mkdir(exist_ok=True)
        file = io.BytesIO()
        torch.save(dict(state), file)
        write_atomic(self.checkpoint / _STATE, file.getvalue())

    def saved(self) -> dict[str, Any] | None:
        """What `save` kept last; None where nothing was.

        Raises:
            RunError: it is damaged.
        """
        import torch

        file = self.checkpoint / _STATE
        if not file.is_file():
            return None
        try:
            return dict(torch.load(file, weights_only=True, map_location="cpu"))
        except Exception as error:  # zip, pickle and torch each have their own
            raise RunError(f"{file} is damaged: {type(error).__name__}.", "To begin anew, add: --restart") from error

    def note(self, **facts: Any) -> None:
        """To stand among the facts of the result."""
        self._noted |= facts

    def finish(
        self,
        *,
        made: Mapping[str, Any],
        facts: Mapping[str, Any],
        losses: Sequence[tuple[int, int, float]],
        seen: Iterable[str],
        parts: Sequence[tuple[str, str, str]],
        weights: Mapping[str, Tensor] | None,
        failures: Sequence[Failure] = (),
    ) -> dict[str, Any]:
        """Write the result. `losses`: (epoch, step, loss); none for what is solved at once. `parts`: (image, SHA-256,
        train | test | left). `weights` None: they are there already. `failures`: of images; what they would have been
        is in no part."""
        failed = {f.image: f for f in failures}
        codes = dict(sorted(Counter(f.code for f in failed.values()).items()))
        known = sorted({one for one in seen if one})
        counted = {"seen": len(known), "failed": len(failed), **({"codes": codes} if codes else {})}
        facts = {**facts, **self._noted, **counted}
        parts = [(image, sha256, FAILED if image in failed else part) for image, sha256, part in parts]
        asked = {name: value for name, value in self._asked.items() if name != "kind"}
        told = {"format": FORMAT, "kind": self.kind, "made": made, "recipe": asked, "facts": facts}
        if not first_process():
            return told
        if weights is not None:
            from safetensors.torch import save

            whole = {name: one.detach().cpu().contiguous() for name, one in weights.items()}
            write_atomic(self.path / WEIGHTS, save(whole, {"format": "pt"}))
        if losses:
            write_atomic(self.path / "loss.csv", loss_csv(losses))
            write_atomic(self.path / "loss.png", loss_png(losses, self.kind))
        write_atomic(self.path / SEEN, "".join(f"{one}\n" for one in known))
        if failed:
            write_jsonl(self.path / _FAILURES, (asdict(f) for f in failed.values()))
        write_atomic(self.path / "split.csv", _csv(("image", "sha256", "part"), parts))
        write_atomic(self.path / FACTS, json.dumps(told, indent=1, ensure_ascii=False) + "\n")
        shutil.rmtree(self.checkpoint, ignore_errors=True)
        return told

    def _refuse(self) -> None:
        """Raises UsageError: the folder holds something else, or what the training begins with."""
        for spec in self._inputs:  # to begin anew would throw it away
            kind, _, place = spec.partition(":")
            if (
                place
                and kind != "small"
                and self.path.resolve() in (Path(place).resolve(), *Path(place).resolve().parents)
            ):
                raise UsageError(
                    f"{spec} is in {self.path}, where the result is to go.", "Choose another folder with -o."
                )
        if not self.path.exists() or (self.path / _ASKED).is_file():
            return
        others = sorted(p.name for p in self.path.iterdir() if p.name != ".lock" and not p.name.endswith(".part"))
        if others:
            raise UsageError(
                f"{self.path} holds something else: {', '.join(others[:3])}.", "Choose another folder with -o."
            )

    def _begin(self) -> None:
        self._refuse()  # another process may have been there in between
        file = self.path / _ASKED
        if (self.path / FACTS).is_file():
            shutil.rmtree(self.checkpoint, ignore_errors=True)  # a kill came between the two
        if self._restart and file.is_file():
            for name in (
                FACTS,
                WEIGHTS,
                "loss.csv",
                "loss.png",
                SEEN,
                "split.csv",
                _FAILURES,
            ):  # the first says that it is done
                (self.path / name).unlink(missing_ok=True)
            for folder in (self.checkpoint, self.path / DUAL):
                shutil.rmtree(folder, ignore_errors=True)
            self._write_asked()
            return
        if not file.is_file():
            self._write_asked()
            return
        try:
            before = json.loads(file.read_text("utf-8"))
            if not isinstance(before, dict):
                raise ValueError("it is no JSON object.")
        except (OSError, ValueError) as error:
            raise RunError(f"{file} cannot be read: {error}", "To begin anew, add: --restart") from error
        if other := _differences(before, self._asked):
            raise UsageError(
                f"{self.path} is of another training: {other}.",
                "Choose another folder with -o; or to throw that one away and begin anew, add: --restart",
            )

    def _write_asked(self) -> None:
        write_atomic(self.path / _ASKED, json.dumps(self._asked, indent=1, ensure_ascii=False) + "\n")


def first_process() -> bool:
    """Whether this is the one that writes, of the processes that `accelerate launch` starts (one a GPU)."""
    return int(os.environ.get("RANK") or 0) == 0


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    names = [n for n in {**before, **now} if before.get(n) != now.get(n)]
    told = [f"{n} was {_short(before.get(n))}, now {_short(now.get(n))}" for n in names[:3]]
    return "; ".join(told) + (f"; and {len(names) - 3} more" if len(names) > 3 else "")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _csv(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    import csv

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()
