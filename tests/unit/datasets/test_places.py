"""What --from names: archives and folders, whole, damaged, packed otherwise, and made to do harm."""

from __future__ import annotations

import gc
import io
import os
import stat
import tarfile
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ictc.datasets import archives
from ictc.datasets.fetching import Fetcher
from ictc.datasets.given import open_given
from ictc.datasets.places import Files, FolderLayer
from ictc.datasets.preparing import prepare
from ictc.datasets.recipe import Criterion, Dataset, Options, Place, Sample, Source
from ictc.errors import InputError
from tests.archived import jpeg, tarred, unpacked, zipped

GOOD = {"set/images/2 b.jpg": jpeg(2), "set/images/10 a.jpg": jpeg(10), "set/list.txt": b"list"}


def _read(place: Place, options: Options) -> list[Sample]:
    place.need("list.txt")
    names = place.within("images")
    return [Sample(i, {"class": n[-5]}, place.member(n), ".jpg", original=n) for i, n in enumerate(names)]


def a_set(*sources: Source) -> Dataset:
    return Dataset(
        name="a-set",
        title="A set",
        page="https://a.example/",
        licence="none",
        citation="nobody",
        criteria=(Criterion("class", 2),),
        splits={"all": 2},
        sources=sources or (Source(file="set.zip", url="https://a.example/set.zip"),),
        read=_read,
    )


def make(root: Path, *given: Path, dataset: Dataset | None = None, verify: bool = False) -> dict[str, bytes]:
    made = prepare(dataset or a_set(), Options("all"), root, given, verify=verify)
    return {p.name: p.read_bytes() for p in made.folder.iterdir() if p.suffix == ".jpg"}


PACKERS: dict[str, Callable[[Path], Path]] = {
    "zip": lambda folder: zipped(folder / "set.zip", GOOD),
    "tar": lambda folder: tarred(folder / "set.tar", GOOD),
    "tgz": lambda folder: tarred(folder / "set.tgz", GOOD),
    "folder": lambda folder: unpacked(folder / "given", GOOD),
    "folder of the archive": lambda folder: zipped(folder / "set.zip", GOOD).parent,
    "a second download": lambda folder: zipped(folder / "set (1).zip", GOOD),
}


@pytest.mark.parametrize("packed", sorted(PACKERS))
def test_however_it_is_packed_the_files_are_the_same(tmp_path: Path, packed: str) -> None:
    (tmp_path / "there").mkdir()
    made = make(tmp_path / "root", PACKERS[packed](tmp_path / "there"))
    assert made == {"0_b.jpg": jpeg(2), "1_a.jpg": jpeg(10)}, "2 before 10; the original's bytes"


def test_parts_are_given_one_by_one_or_half_unpacked(tmp_path: Path) -> None:
    two = a_set(
        Source(file="images.zip", url="https://a.example/images.zip"),
        Source(file="list.zip", url="https://a.example/list.zip"),
    )
    files = {n: d for n, d in GOOD.items() if "images" in n}
    images, lists = zipped(tmp_path / "images.zip", files), zipped(tmp_path / "list.zip", {"list.txt": b"x"})
    assert len(make(tmp_path / "a", images, lists, dataset=two)) == 2
    both = unpacked(tmp_path / "both", {"list.txt": b"x", "images.zip": images.read_bytes(), **files})
    assert len(make(tmp_path / "b", both, dataset=two)) == 2, "what is packed and unpacked is there once"
    with pytest.raises(InputError) as told:
        make(tmp_path / "c", images, dataset=two)
    assert "no list.txt" in str(told.value) and "https://a.example/list.zip" in str(told.value)


def zip_with(path: Path, name: str, mode: int = 0o644) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFREG | mode if mode < 0o10000 else mode) << 16
        archive.writestr(info, "/etc/passwd")
    return path


def tar_with(path: Path, name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> Path:
    with tarfile.open(path, "w") as archive:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        archive.addfile(info, io.BytesIO())
    return path


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "C:\\evil", "..\\evil", "\\\\host\\evil"])
@pytest.mark.parametrize("pack", [zip_with, tar_with])
def test_names_that_lead_out_are_refused(tmp_path: Path, pack: Callable[..., Path], name: str) -> None:
    with pytest.raises(InputError, match="outside of the folder"):
        make(tmp_path / "root", pack(tmp_path / "set.zip" if pack is zip_with else tmp_path / "set.tar", name))
    assert not list(tmp_path.rglob("*evil*"))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    with pytest.raises(InputError, match=r"is a link|is a device or pipe"):
        make(tmp_path / "root", tar_with(tmp_path / "set.tar", "set/list.txt", kind, "/etc/passwd"))
    with pytest.raises(InputError, match="is a link"):
        make(tmp_path / "root", zip_with(tmp_path / "set.zip", "set/list.txt", stat.S_IFLNK | 0o777))


def test_links_out_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "given", {n: d for n, d in GOOD.items() if "list" not in n})
    (tmp_path / "secret.txt").write_text("key")
    (folder / "list.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(InputError, match=r"no list.txt.*1 left out: list.txt, a link out of the folder"):
        make(tmp_path / "root", folder)
    (folder / "list.txt").unlink()
    (folder / "real.txt").write_text("here")
    (folder / "list.txt").symlink_to("real.txt")
    (folder / "round").symlink_to("round")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    assert len(make(tmp_path / "root", folder)) == 2


def test_a_folder_in_it_that_cannot_be_read_is_left_out_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = unpacked(tmp_path / "given", {**GOOD, "lost+found/x.txt": b""})
    real = os.scandir

    def scandir(path: str) -> object:  # whoever runs the tests may be allowed to read everything
        if str(path).endswith("lost+found"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert len(make(tmp_path / "root", folder)) == 2
    (folder / "set" / "list.txt").unlink()
    with pytest.raises(InputError, match=r"no list.txt.*1 left out: lost\+found, which cannot be read"):
        make(tmp_path / "other", folder)
    (folder / "set" / "list.txt").write_text("x")
    (folder / "set" / "images" / "2 b.jpg").unlink()
    with pytest.raises(InputError, match=r"1 images, published are 2.*Left out: lost\+found, which cannot be read"):
        make(tmp_path / "half", folder, verify=True)


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
def test_archives_are_closed_after_use(tmp_path: Path, suffix: str) -> None:
    path = (zipped if suffix == "zip" else tarred)(tmp_path / f"set.{suffix}", GOOD)
    archive = archives.open_archive(path)
    assert archive and archive.open("set/list.txt").read() == b"list"
    archive.close()
    with pytest.raises(InputError, match="cannot be read"):
        archive.open("set/list.txt").read()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        make(tmp_path / "root", path)
        gc.collect()
    assert not [w for w in warned if w.category is ResourceWarning]


def test_how_far_a_large_tar_is_listed_is_shown(tmp_path: Path) -> None:
    path = tarred(tmp_path / "set.tgz", {str(i): os.urandom(1 << 20) for i in range(5)})
    told: list[object] = []

    @contextmanager
    def watch(stage: str, total: int) -> Iterator[Callable[[int], None]]:
        told.append((stage, total))
        yield told.append

    assert archives.open_archive(path, watch)
    assert told[0] == ("listing set.tgz (MiB)", 5) and len(told) > 3 and sum(told[1:]) in (4, 5)  # type: ignore[arg-type]


def test_bombs_are_told_before_they_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "SLACK", 1 << 20)
    for path in (zipped(tmp_path / "set.zip", {}), tarred(tmp_path / "set.tgz", {})):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a", bytes(3 << 20))
        else:
            tarred(path, {"a": bytes(3 << 20)})
        with pytest.raises(InputError, match="no data set is packed like that"):
            archives.open_archive(path)
    monkeypatch.setattr(archives, "MEMBERS", 2)
    with pytest.raises(InputError, match="no data set is packed like that"):
        archives.open_archive(zipped(tmp_path / "many.zip", dict.fromkeys("abc", b"")))


def test_a_header_as_large_as_memory_is_refused(tmp_path: Path) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 1 << 33
    (tmp_path / "set.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    with pytest.raises(InputError, match="header of 8,589,934,592 bytes"):
        archives.open_archive(tmp_path / "set.tar")


@pytest.mark.parametrize("suffix", ["zip", "tar", "tgz"])
def test_archives_cut_off_or_damaged_are_told(tmp_path: Path, suffix: str) -> None:
    big = {**GOOD, "set/noise": os.urandom(30_000)}
    whole = (zipped if suffix == "zip" else tarred)(tmp_path / f"set.{suffix}", big)
    data = whole.read_bytes()
    for keep in (0, 3, 700, len(data) // 2):
        whole.write_bytes(data[:keep])
        with pytest.raises(InputError, match=rf"set\.{suffix}"):
            make(tmp_path / "root", whole)
    assert not (tmp_path / "root" / "a-set").exists()


def test_a_damaged_header_is_not_taken_for_the_end(tmp_path: Path) -> None:
    data = bytearray(tarred(tmp_path / "set.tar", GOOD).read_bytes())
    data[1536:1546] = b"0123456789"  # the second member's
    (tmp_path / "set.tar").write_bytes(data)
    with pytest.raises(InputError, match="is damaged at byte 1,536"):
        make(tmp_path / "root", tmp_path / "set.tar")


def test_damaged_bytes_within_a_member_are_told(tmp_path: Path) -> None:
    path = zipped(tmp_path / "set.zip", GOOD)
    path.write_bytes(path.read_bytes().replace(jpeg(10)[300:], jpeg(10)[300:-9] + b"otherwise"))
    with pytest.raises(InputError, match=r"set\.zip: set/images/10 a\.jpg cannot be read: Bad CRC-32"):
        make(tmp_path / "root", path)


def test_hidden_files_are_none_of_it(tmp_path: Path) -> None:
    rubbish = {"__MACOSX/set/images/._2 b.jpg": b"x", "set/images/.DS_Store": b"x"}
    assert len(make(tmp_path / "root", zipped(tmp_path / "set.zip", {**GOOD, **rubbish}))) == 2


def test_two_that_could_be_meant_are_told(tmp_path: Path) -> None:
    place = Files([("", FolderLayer(unpacked(tmp_path, {"a/x/t.txt": b"1", "b/x/t.txt": b"2"})))], None, str)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"Two files could be t.txt: a/x/t.txt and b/x/t.txt"):
        place.find("t.txt")
    assert place.find("b/x/t.txt") == "b/x/t.txt" and place.find("xt.txt") is None
    assert place.within("b") == ["b/x/t.txt"] and place.below("b/x/t.txt", "x") == "t.txt"
    with pytest.raises(InputError, match="at most 0 are read"):
        place.read("a/x/t.txt", most=0)


@pytest.mark.parametrize(
    ("size", "checksum", "said"),
    [
        (1, "", r"expected 1 bytes, found [\d,]+ bytes"),
        (0, "md5:" + "0" * 32, r"expected md5 0{32}, found md5 [0-9a-f]{32}"),
        (0, "sha1:" + "0" * 40, r"expected sha1 0{40}, found sha1 [0-9a-f]{40}"),
        (0, "sha256:" + "0" * 64, r"expected sha256 0{64}, found sha256 [0-9a-f]{64}"),
    ],
)
def test_another_file_than_the_publishers_is_refused_unless_wanted(
    tmp_path: Path, size: int, checksum: str, said: str
) -> None:
    source = Source(file="set.zip", url="https://a.example/set.zip", size=size, checksum=checksum)
    archive = zipped(tmp_path / "set.zip", GOOD)
    with pytest.raises(InputError, match=said) as told:
        make(tmp_path / "root", archive, dataset=a_set(source), verify=True)
    assert "https://a.example/set.zip" in told.value.hint and "--no-verify" in told.value.hint
    assert len(make(tmp_path / "root", archive, dataset=a_set(source))) == 2


def test_a_file_of_another_name_is_known_by_its_hash(tmp_path: Path) -> None:
    import hashlib

    archive = zipped(tmp_path / "mine.zip", GOOD)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest()
    source = Source(file="set.zip", url="https://a.example/", size=archive.stat().st_size, checksum=f"md5:{md5}")
    assert len(make(tmp_path / "root", archive, dataset=a_set(source), verify=True)) == 2
    with pytest.raises(InputError, match="none of the official files of A set"):
        make(tmp_path / "other", zipped(tmp_path / "else.zip", {"a": b""}), dataset=a_set(source), verify=True)


def test_an_archive_of_another_name_in_a_folder_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "downloads"
    folder.mkdir()
    archive = zipped(folder / "archive.zip", GOOD)
    with pytest.raises(InputError, match=r"archive\.zip was not looked into") as told:
        make(tmp_path / "root", folder)
    assert f"--from {archive} --no-verify" in told.value.hint
    assert len(make(tmp_path / "root", archive)) == 2


def test_the_official_packing_is_taken_before_another(tmp_path: Path) -> None:
    dataset = a_set(
        Source(file="set.zip", url="https://a.example/set.zip"),
        Source(file="set.tar", url="https://a.example/set.tar", instead_of="set.zip"),
    )
    zipped(tmp_path / "set.zip", GOOD)
    (tmp_path / "set.tar").write_bytes(b"never opened")
    opened = open_given(dataset, "all", [tmp_path], Fetcher(tmp_path / "d", "ictc"))
    assert [used.file for used in opened.used] == ["set.zip"] and not opened.unpacked


def test_what_is_not_there_or_not_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no file or folder"):
        make(tmp_path / "root", tmp_path / "none.zip")
    (tmp_path / "set.7z").write_bytes(b"7z")
    with pytest.raises(InputError, match="kind that is not read here"):
        make(tmp_path / "root", tmp_path / "set.7z")
