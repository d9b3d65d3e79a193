"""Downloads from a real server: whole, dropped, taken up, changed in between, wrong, gone, impossible."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from ictc.datasets.fetching import TRIES, Fetcher
from ictc.datasets.places import Gone
from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Criterion, Options, Source
from ictc.errors import InputError, RunBusy
from ictc_datasets.mnist import DATASET as MNIST
from tests.published import mnist, pixels
from tests.servers.files import FileServer

DATA = bytes(range(256)) * 400
MD5 = "md5:" + hashlib.md5(DATA).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer({"/set.bin": DATA}) as running:
        yield running


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetch(tmp_path: Path, waits: list[float]) -> Iterator[Fetcher]:
    fetcher = Fetcher(tmp_path / "downloads", "ictc data prepare a-set", pause=waits.append)
    yield fetcher
    fetcher.close()


def source(server: FileServer, checksum: str = MD5, size: int = len(DATA)) -> Source:
    return Source(file="set.bin", url=f"{server.url}/set.bin", size=size, checksum=checksum)


def names(fetch: Fetcher) -> list[str]:
    return sorted(p.name for p in fetch.folder.glob("*/*"))


def part(fetch: Fetcher, source: Source, data: bytes) -> None:
    """A part that an earlier command left."""
    path = fetch.path(source)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name("set.bin.part").write_bytes(data)


def test_a_file_comes_whole_and_once(server: FileServer, fetch: Fetcher) -> None:
    assert fetch(source(server)).read_bytes() == DATA
    assert names(fetch) == ["set.bin"]
    assert fetch(source(server)).read_bytes() == DATA
    assert server.asked == [("/set.bin", "")]


@pytest.mark.parametrize("checksum", [MD5, ""])
def test_a_dropped_connection_is_taken_up_where_it_ended(
    server: FileServer, fetch: Fetcher, waits: list[float], checksum: str
) -> None:
    server.cut = [10_000, 5_000]
    assert fetch(source(server, checksum)).read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ["", "bytes=10000-", "bytes=15000-"]
    assert waits == [0.5, 0.5], "each try got further"


def test_another_process_takes_up_what_a_killed_one_left(server: FileServer, fetch: Fetcher) -> None:
    part(fetch, source(server), DATA[:777])
    assert fetch(source(server)).read_bytes() == DATA
    assert server.asked == [("/set.bin", "bytes=777-")]
    assert names(fetch) == ["set.bin"]


def test_a_part_that_nothing_vouches_for_is_begun_anew(server: FileServer, fetch: Fetcher) -> None:
    part(fetch, source(server, checksum="", size=0), b"of another version")
    assert fetch(source(server, checksum="", size=0)).read_bytes() == DATA
    assert server.asked == [("/set.bin", "")]


def test_a_whole_part_is_only_checked(server: FileServer, fetch: Fetcher) -> None:
    part(fetch, source(server), DATA)
    assert fetch(source(server)).read_bytes() == DATA and server.asked == []
    fetch.path(source(server)).unlink()
    part(fetch, source(server, size=0), DATA)
    assert fetch(source(server, size=0)).read_bytes() == DATA
    assert server.asked == [("/set.bin", f"bytes={len(DATA)}-")], "the server says that there is no more"


def test_a_server_without_ranges_sends_it_all_again(server: FileServer, fetch: Fetcher) -> None:
    server.ranges, server.cut = False, [10_000]
    assert fetch(source(server)).read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ["", "bytes=10000-"]


def test_a_file_that_changed_in_between_is_not_mixed(server: FileServer, fetch: Fetcher) -> None:
    server.cut = [10_000]
    other = DATA[::-1]

    def change(_: float) -> None:
        server.files["/set.bin"], server.etag = other, '"two"'

    fetch.pause = change
    assert fetch(source(server, checksum="")).read_bytes() == other


def test_a_wrong_part_is_given_up_once(server: FileServer, fetch: Fetcher) -> None:
    part(fetch, source(server), b"x" * 777)
    assert fetch(source(server)).read_bytes() == DATA
    assert [wanted for _, wanted in server.asked] == ["bytes=777-", ""]


def test_another_file_is_refused_and_not_kept(server: FileServer, fetch: Fetcher) -> None:
    with pytest.raises(InputError, match=r"expected md5 0{32}, found md5 [0-9a-f]{32}"):
        fetch(source(server, checksum="md5:" + "0" * 32))
    assert names(fetch) == []
    with pytest.raises(InputError, match="more than the 1,000 bytes"):
        fetch(source(server, size=1000))
    server.files["/set.bin"] = DATA[:-1]
    with pytest.raises(
        InputError, match=r"gives another set.bin than the official one: expected 102,400 bytes, found 102,399"
    ):
        fetch(source(server, checksum=""))
    assert "set.bin" not in names(fetch)


def test_a_server_may_say_by_a_date_when_to_come_again(server: FileServer, fetch: Fetcher, waits: list[float]) -> None:
    server.answers, server.headers = [503, 503], {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}
    assert fetch(source(server)).read_bytes() == DATA
    server.answers, server.headers = [503], {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(seconds=40))}
    fetch(source(server, checksum="", size=0))
    assert waits[:2] == [0.0, 0.0] and 20 < waits[2] <= 40


def test_sets_of_one_archive_share_it_and_two_of_one_name_do_not(server: FileServer, fetch: Fetcher) -> None:
    server.files["/2/set.bin"] = other = DATA[::-1]
    assert fetch(source(server)).read_bytes() == DATA
    mirror = replace(source(server), url="https://mirror.example/set.bin")
    assert fetch(mirror).read_bytes() == DATA, "the same checksum"
    second = replace(source(server, checksum=""), url=f"{server.url}/2/set.bin")
    assert fetch(second).read_bytes() == other
    byte = replace(source(server, checksum="", size=0), url=f"{server.url}/get?id=1")
    assert fetch.path(byte) != fetch.path(replace(byte, url=f"{server.url}/get?id=2")), "of one name at one server"
    assert [path for path, _ in server.asked] == ["/set.bin", "/2/set.bin"]


def test_two_processes_do_not_write_one_download(server: FileServer, fetch: Fetcher) -> None:
    other = Fetcher(fetch.folder, "ictc data prepare another-set")
    fetch(source(server))
    with pytest.raises(RunBusy, match="Another process downloads into"):
        other(replace(source(server), file="set2.bin"))
    assert other(source(server)).read_bytes() == DATA, "what is there can be used by anyone"
    fetch.close()
    assert other(replace(source(server), file="set2.bin")).read_bytes() == DATA
    other.close()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: FileServer, fetch: Fetcher, waits: list[float], status: int) -> None:
    server.answers, server.headers = [status, status], {"Retry-After": "7"}
    assert fetch(source(server)).read_bytes() == DATA
    assert waits == [7.0, 7.0]


def test_a_server_that_stays_busy_is_given_up(server: FileServer, fetch: Fetcher, waits: list[float]) -> None:
    server.answers = [503] * 99
    with pytest.raises(InputError, match="the server answers 503") as told:
        fetch(source(server))
    assert len(server.asked) == TRIES and waits == [1.0, 2.0, 4.0]
    assert server.url in told.value.hint and "ictc data prepare a-set --from FOLDER" in told.value.hint


def test_what_is_not_there_is_not_asked_for_again(server: FileServer, fetch: Fetcher, waits: list[float]) -> None:
    gone = replace(source(server), url=f"{server.url}/old.bin")
    with pytest.raises(Gone):
        fetch(gone)
    server.answers = [403]
    with pytest.raises(InputError, match="the server answers 403"):
        fetch(source(server))
    assert len(server.asked) == 2 and waits == []


def test_without_a_network_it_says_what_to_do_by_hand(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/"
    nowhere = replace(MNIST, sources=tuple(replace(s, url=url + s.file) for s in MNIST.sources))
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte.gz could not be downloaded") as told:
        prepare(nowhere, Options("test"), tmp_path, pause=lambda _: None)
    assert f"  {url}t10k-images-idx3-ubyte.gz\n  {url}t10k-labels-idx1-ubyte.gz\n" in told.value.hint
    assert "ictc data prepare mnist" in told.value.hint and "train" not in told.value.hint
    assert not (tmp_path / "mnist").exists()


def test_redirects_are_followed_but_not_to_where_anyone_could_change_it(server: FileServer, fetch: Fetcher) -> None:
    server.moved = {"/here": f"{server.url}/set.bin", "/away": "http://a.example/", "/round": f"{server.url}/round"}
    assert fetch(replace(source(server, ""), url=f"{server.url}/here")).read_bytes() == DATA
    with pytest.raises(InputError, match="anyone on the way could change it"):
        fetch(Source(file="b", url="http://a.example/b"))
    with pytest.raises(InputError, match="leads in a circle"):
        fetch(Source(file="c", url=f"{server.url}/round"))


def test_what_must_be_got_by_hand_is_said_before_anything_is_downloaded(server: FileServer, tmp_path: Path) -> None:
    by_hand = Source(file="b.tar", url="https://a.example/", by_hand="its owner wants your name.")
    dataset = replace(MNIST, sources=(source(server), by_hand))
    with pytest.raises(InputError, match=r"b.tar cannot be downloaded for you: its owner wants your name."):
        prepare(dataset, Options("test"), tmp_path)
    assert server.asked == []


def test_a_set_is_prepared_from_the_network(server: FileServer, tmp_path: Path) -> None:
    folder = mnist(tmp_path / "there", pixels(3, 28, 28), [1, 2, 3])
    files = {f"/{p.name}": p.read_bytes() for p in folder.iterdir()}
    server.files |= files
    sources = tuple(
        Source(
            file=path[1:], url=server.url + path, size=len(data), checksum="sha256:" + hashlib.sha256(data).hexdigest()
        )
        for path, data in files.items()
    )
    three = replace(MNIST, sources=sources, splits={"test": 3}, criteria=(Criterion("digit", 3),))
    made = prepare(three, Options("test"), tmp_path / "root")
    assert made.images == 3 and dict(made.checked) == {path[1:]: "sha256" for path in files}
    again = prepare(three, Options("test"), tmp_path / "root")
    assert not again.fresh and len(server.asked) == 2
