"""Official files over the network: into `FILE.part`, taken up where it stopped, checked, then given its name.

Only https, or http where a checksum tells that nobody changed the file on its way. What passes (a dropped connection,
a server that is busy) is tried again, at most TRIES times without any progress.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from ictc.datasets.checking import Used, check
from ictc.datasets.places import Gone
from ictc.datasets.recipe import Source
from ictc.errors import InputError, RunBusy, StorageFull, UsageError
from ictc.files import write_again
from ictc.interfaces import Tick
from ictc.progress import Watch, unwatched

if TYPE_CHECKING:
    from httpx2 import Client, Response

TRIES = 4
MOST = 1 << 40
"""Bytes of a file whose size nobody states."""

_BLOCK = 1 << 20
_LONGEST_WAIT = 60.0  # seconds
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_GONE = {404, 410}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class _Again(Exception):
    """Another try may do. `wait`: seconds that the server asks for."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.why, self.wait = why, wait


@dataclass(slots=True)
class Fetcher:
    """Gets official files into a folder of each source below `folder`: data sets that are made of the same archive
    share it. What is there already and is right is not got again. `again`: the command that goes on, for messages.
    Close it after use; threads may share it, and two processes never write one folder."""

    folder: Path
    again: str
    watch: Watch = unwatched
    pause: Callable[[float], None] = time.sleep
    timeout: float = 30.0
    checked: dict[str, Used] = field(default_factory=dict)
    needed: tuple[str, ...] = ()
    _client: Client | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _held: dict[Path, FileLock] = field(default_factory=dict)

    def __call__(self, source: Source, quiet: bool = False) -> Path:
        """The file of `source`.

        Raises:
            InputError: it cannot be had: no network, another file than the publisher's; the hint says how to give it.
            Gone: the server says that it does not have it.
            RunBusy: another process downloads it.
            StorageFull: the disk is full; the part that came stays.
        """
        path = self.path(source)
        part = path.with_name(f"{path.name}.part")
        if path.exists():
            _tag(part).unlink(missing_ok=True)  # a kill may have left it
            if not source.size or path.stat().st_size == source.size:
                return path  # its hash is checked whenever it is used
            raise InputError(
                f"{path} has {path.stat().st_size:,} bytes, the official file {source.size:,}.",
                f"Remove it and run the same command again: {self.again}",
            )
        if source.by_hand:
            raise InputError(f"{source.file} cannot be downloaded for you: {source.by_hand}", self._by_hand(source))
        self._allow(source, source.url)
        with _full_is_told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._hold(path.parent)
            if path.exists():  # another process has just got it
                return path
            if not self._got(source, part, quiet):
                self._got(source, part, quiet, last=True)
            part.replace(path)
            _tag(part).unlink(missing_ok=True)
        return path

    def path(self, source: Source) -> Path:
        """Where the file is put: what has one checksum, or else lies in one folder of a server, is one folder's."""
        parent, _, name = source.url.rpartition("/")
        key = source.checksum or (parent if name == source.file else source.url)
        return self.folder / hashlib.sha256(key.encode()).hexdigest()[:12] / source.file

    def _hold(self, folder: Path) -> None:
        """Keeps others from it until `close`."""
        with self._lock:
            if folder in self._held:
                return
            lock = FileLock(folder.with_name(f".{folder.name}.lock"), timeout=0, thread_local=False)
            try:
                lock.acquire()
            except Timeout as error:
                raise RunBusy(f"Another process downloads into {folder}.", f"Wait, then: {self.again}") from error
            self._held[folder] = lock

    def _got(self, source: Source, part: Path, quiet: bool, last: bool = False) -> bool:
        """All of `part`, checked. False where it was taken up, and is wrong: the server may have another version."""
        watch = unwatched if quiet else self.watch
        with watch(f"fetching {source.file} (MiB)", max(1, source.size // _BLOCK)) as tick:
            resumed = self._get(source, part, tick)
        if not (source.size or source.checksum):
            return True
        try:
            self.checked[source.file] = check(source, part, watch=watch)
        except InputError as error:
            part.unlink()  # ours, and of no use
            _tag(part).unlink(missing_ok=True)
            if resumed and not last:
                return False
            found = error.message.partition(": ")[2]
            raise InputError(
                f"{source.url} gives another {source.file} than the official one: {found}",
                "The same command tries again. If the publisher has changed it: get it by hand, and add --from FILE"
                " --no-verify.",
            ) from error
        return True

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        while self._held:
            self._held.popitem()[1].release()

    def _get(self, source: Source, part: Path, tick: Tick) -> bool:
        """All bytes into `part`; whether it had some before."""
        resumed, tries, before = False, 0, _size(part)
        while True:
            try:
                return self._once(source, part, tick) or resumed
            except _Again as passing:
                now = _size(part)
                tries = 0 if now > before else tries + 1
                resumed, before = resumed or now > 0, max(before, now)
                if tries >= TRIES:
                    raise InputError(
                        f"{source.file} could not be downloaded: {passing.why}.", self._by_hand(source)
                    ) from passing
                wait = passing.wait if passing.wait is not None else 2.0**tries / 2
                self.pause(min(wait, _LONGEST_WAIT))

    def _once(self, source: Source, part: Path, tick: Tick) -> bool:
        """One request for what is missing; whether the server went on where `part` ended."""
        import httpx2

        have, tag = _size(part), _read_tag(part)
        if not (tag or source.checksum):
            have = 0  # nothing would tell a mixture of two versions
        if source.size and have > source.size:
            have = 0
        if have and have == source.size:
            return True
        headers = {"Accept-Encoding": "identity"}
        if have:
            headers |= {"Range": f"bytes={have}-"} | ({"If-Range": tag} if tag else {})
        try:
            with self._open().stream("GET", source.url, headers=headers) as response:
                for one in (*response.history, response):
                    self._allow(source, str(one.url))
                start = self._begins(source, response, have)
                if start != have or not have:
                    _write_tag(part, response)
                with part.open("ab" if start else "wb") as file:
                    if response.status_code != 416:
                        self._write(source, response, file, start, tick)
                return start > 0
        except httpx2.TooManyRedirects as error:
            raise InputError(f"{source.url} leads in a circle.", self._by_hand(source)) from error
        except httpx2.TransportError as error:
            raise _Again(str(error) or type(error).__name__) from error
        except (httpx2.InvalidURL, httpx2.DecodingError) as error:
            raise InputError(f"{source.url} cannot be fetched: {error}.", self._by_hand(source)) from error

    def _begins(self, source: Source, response: Response, have: int) -> int:
        """From which byte on the answer's body is."""
        status = response.status_code
        if status in _PASSING:
            raise _Again(f"the server answers {status}", _asked_wait(response))
        if status in _GONE:
            raise Gone(f"{source.url} is not there any more ({status}).\n{self._by_hand(source)}")
        if status == 416 and have and response.headers.get("content-range", "") == f"bytes */{have}":
            return have  # all of it had come
        if status == 416 and have:
            self.path(source).with_name(f"{source.file}.part").unlink()
            raise _Again("the server has another file by now")
        if status == 206 and have and response.headers.get("content-range", "").startswith(f"bytes {have}-"):
            return have
        if status != 200:
            raise InputError(f"{source.url} cannot be fetched: the server answers {status}.", self._by_hand(source))
        return 0

    def _write(self, source: Source, response: Response, file: BinaryIO, start: int, tick: Tick) -> None:
        most, told = source.size or MOST, start // _BLOCK
        tick(told)
        for block in response.iter_raw():
            start += len(block)
            if start > most:
                raise InputError(
                    f"{source.url} gives more than the {most:,} bytes that the file has.", self._by_hand(source)
                )
            file.write(block)
            tick(start // _BLOCK - told)
            told = start // _BLOCK
        if source.size and start < source.size:
            raise _Again(f"the connection ended after {start:,} of {source.size:,} bytes")

    def _allow(self, source: Source, url: str) -> None:
        parts = urlsplit(url)
        plain = parts.scheme == "http" and (source.checksum or parts.hostname in _LOOPBACK)
        if parts.scheme != "https" and not plain:
            raise InputError(
                f"{source.file} would come over {url}, where anyone on the way could change it"
                " (and no checksum is published).",
                self._by_hand(source),
            )

    def _by_hand(self, source: Source) -> str:
        urls = "".join(f"\n  {url}" for url in self.needed or (source.url,))
        return f"Download by hand, into one folder:{urls}\nthen: {self.again} --from FOLDER"

    def _open(self) -> Client:
        import httpx2

        with self._lock:
            if self._client is None:
                self._client = httpx2.Client(
                    follow_redirects=True, timeout=self.timeout, headers={"User-Agent": "ictc"}
                )
            return self._client


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def _tag(part: Path) -> Path:
    """What the server called the version that `part` is of."""
    return part.with_name(f"{part.name}.tag")


def _read_tag(part: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return _tag(part).read_text("ascii").strip()
    return ""


def _write_tag(part: Path, response: Response) -> None:
    tag = response.headers.get("etag", "")
    strong = tag if tag and not tag.startswith("W/") else response.headers.get("last-modified", "")
    if strong.isascii() and strong.isprintable():
        write_again(_tag(part), strong.encode())


def _asked_wait(response: Response) -> float | None:
    """Seconds, as the server says so or by the date it says (RFC 9110, 10.2.3)."""
    asked = response.headers.get("retry-after", "")
    with suppress(ValueError):
        return max(0.0, float(asked))
    with suppress(ValueError, TypeError):
        return max(0.0, parsedate_to_datetime(asked).timestamp() - time.time())
    return None


@contextmanager
def _full_is_told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise StorageFull(
                f"The disk that holds {path.parent} is full.",
                "Free some space and run the same command again: what came is kept.",
            ) from error
        raise UsageError(f"{path.parent} cannot be written: {os.strerror(error.errno or 0)}.", "Check it.") from error
