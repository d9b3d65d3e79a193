"""IMAGES in all its forms, and what is said when nothing is there."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from ictc.errors import InputError
from ictc.images.sources import Source, read_source
from tests.poison import encoded, picture

PNG = encoded(picture(4, 3), "PNG")
linux = pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names or files")


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    return folder


def names(source: Source) -> list[str]:
    return [item.name for item in source.items]


def codes(source: Source) -> dict[str, str]:
    assert all(failure.stage == "image" for failure in source.failures)
    return {failure.image: failure.code for failure in source.failures}


def refusal(images: str | Path | list[str]) -> InputError:
    with pytest.raises(InputError) as caught:
        read_source(images)
    assert caught.value.hint
    return caught.value


# folders


def test_a_folder_is_read_deep_and_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "10.jpg", "9.png", "b/2.jpg", "b/1/x.webp", "B.jpg", "a.GIF", ".hidden.jpg", ".git/a.jpg")
    put(tmp_path, "@eaDir/9.png", "__MACOSX/9.png", "Thumbs.db", "notes.txt", "LICENSE", "clip.MOV", "b/clip.mov")
    source = read_source(tmp_path)
    assert names(source) == ["9.png", "10.jpg", "B.jpg", "a.GIF", "b/1/x.webp", "b/2.jpg"]
    assert source.skipped == {"": 1, ".mov": 2, ".txt": 1}
    assert (source.kind, source.root, source.failures, source.metadata) == ("folder", tmp_path, [], {})


def test_items_carry_the_hash_of_their_bytes_and_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    big = os.urandom(3_000_000)
    (put(tmp_path / "in", "a.png") / "b.png").write_bytes(big)
    monkeypatch.chdir(tmp_path)
    source = read_source("in")
    assert [item.sha256 for item in source.items] == [hashlib.sha256(data).hexdigest() for data in (PNG, big)]
    assert [item.path for item in source.items] == [tmp_path / "in/a.png", tmp_path / "in/b.png"]
    assert read_source("./in/../in/") == source


def test_the_same_tree_made_in_another_order_reads_the_same(tmp_path: Path) -> None:
    every = ["x/1.png", "x/2.png", "y/1.png", "z.png", "a.png"]
    put(tmp_path / "one", *every)
    put(tmp_path / "two", *reversed(every))
    assert names(read_source(tmp_path / "one")) == names(read_source(tmp_path / "two"))


def test_links_to_files_are_followed_and_linked_folders_entered_once(tmp_path: Path) -> None:
    inside, outside = put(tmp_path / "in", "real/1.png", "2.png"), put(tmp_path / "out", "3.png")
    (inside / "linked.png").symlink_to(inside / "2.png")
    (inside / "again").symlink_to(inside / "real")
    (inside / "b-elsewhere").symlink_to(outside)
    (inside / "c-elsewhere").symlink_to(outside)
    (inside / "real/loop").symlink_to(inside)
    (outside / "back").symlink_to(inside)
    (inside / "self.png").symlink_to("self.png")
    (inside / "broken.png").symlink_to("nowhere.png")
    source = read_source(inside)
    assert names(source) == ["2.png", "b-elsewhere/3.png", "linked.png", "real/1.png"]
    assert codes(source) == {"self.png": "unreadable", "broken.png": "missing-file"}


@linux
def test_pipes_and_devices_are_failures_and_never_block(tmp_path: Path) -> None:
    os.mkfifo(put(tmp_path, "a.png") / "pipe.jpg")
    (tmp_path / "zero.jpg").symlink_to("/dev/zero")
    assert codes(read_source(tmp_path)) == {"pipe.jpg": "not-a-file", "zero.jpg": "not-a-file"}
    assert codes(read_source(tmp_path / "pipe.jpg")) == {"pipe.jpg": "not-a-file"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_a_failure(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "sealed.png", "folder/b.png")
    (tmp_path / "sealed.png").chmod(0)
    (tmp_path / "folder").chmod(0)
    source = read_source(tmp_path)
    (tmp_path / "folder").chmod(0o700)
    assert names(source) == ["a.png"]
    assert codes(source) == {"sealed.png": "unreadable", "folder": "unreadable"}


@linux
def test_a_folder_that_cannot_be_listed_is_a_failure_and_the_others_go_on(tmp_path: Path) -> None:
    deep = put(tmp_path, "a.png")
    at = os.open(deep, os.O_RDONLY)
    for _ in range(20):  # deeper than any path may be long: not even root can list it by its path
        os.mkdir("d" * 250, dir_fd=at)
        at, old = os.open("d" * 250, os.O_RDONLY, dir_fd=at), at
        os.close(old)
    os.close(at)
    source = read_source(tmp_path)
    assert names(source) == ["a.png"]
    assert list(codes(source).values()) == ["unreadable"]
    assert len(source.failures[0].image) > 3000


def test_a_run_folder_inside_is_left_out_and_one_itself_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "run/run.json", "run/store.sqlite", "run/001/confusion.png")
    assert names(read_source(tmp_path)) == ["a.png"]
    assert "run folder" in refusal(tmp_path / "run").message


def test_odd_names_are_printable_unique_and_open(tmp_path: Path) -> None:
    raw = [b"a\nb.png", b"a\\nb.png", b"\xff.png", "\u0085.png".encode(), b"\x85.png", b"-rf.png", "🐈.png".encode()]
    if sys.platform != "linux":
        raw = raw[-2:]
    for name in raw:
        (tmp_path / os.fsdecode(name)).write_bytes(PNG)
    source = read_source(tmp_path)
    assert len({*names(source)}) == len(raw)
    for item in source.items:
        assert item.name.isprintable()
        assert json.loads(json.dumps(item.name).encode("utf-8")) == item.name
        assert item.path is not None
        assert item.path.read_bytes() == PNG


# imagefolders


def test_metadata_csv_gives_the_other_columns(tmp_path: Path) -> None:
    put(tmp_path, "1.png", "sub/2.png", "3.png")
    rows = "file_name,type,colour\n1.png,apple,red\nsub/2.png,cherry,\n4.png,plum,blue\n"
    (tmp_path / "metadata.csv").write_text(rows)
    source = read_source(tmp_path)
    assert source.kind == "imagefolder"
    assert names(source) == ["1.png", "3.png", "sub/2.png"]
    assert source.metadata == {
        "1.png": {"type": "apple", "colour": "red"},
        "sub/2.png": {"type": "cherry", "colour": ""},
    }
    assert codes(source) == {"4.png": "missing-file"}


def test_metadata_jsonl_in_sub_folders_is_relative_to_them(tmp_path: Path) -> None:
    put(tmp_path, "train/1.png", "test/1.png")
    (tmp_path / "train/metadata.jsonl").write_text('{"file_name": "1.png", "n": 3, "box": [1, 2], "none": null}\n')
    (tmp_path / "test/metadata.jsonl").write_text('{"file_name": "1.png", "n": true, "text": "Ä"}\n')
    assert read_source(tmp_path).metadata == {
        "train/1.png": {"n": "3", "box": "[1, 2]"},
        "test/1.png": {"n": "true", "text": "Ä"},
    }


def test_a_metadata_file_about_something_else_is_no_obstacle(tmp_path: Path) -> None:
    (put(tmp_path, "1.png") / "metadata.csv").write_text("id,species\n7,cat\n")
    assert read_source(tmp_path).kind == "folder"


def test_two_metadata_files_or_a_broken_one_are_refused(tmp_path: Path) -> None:
    (put(tmp_path, "1.png") / "metadata.jsonl").write_text('{"file_name": "1.png"}\nnot json\n')
    assert "line 2" in refusal(tmp_path).message
    (tmp_path / "metadata.csv").write_text("file_name\n1.png\n")
    assert "both" in refusal(tmp_path).message


# lists


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.txt", "\ufeffb.png\r\n\r\n  sub/a.png \n./b.png\n"),
        ("list.csv", "\ufeffid,Image\n1,b.png\n2,sub/a.png\n3,./b.png\n"),
        ("list.csv", "file;id\nb.png;1\n\nsub/a.png;2\n"),
        ("list.tsv", "path\tid\nb.png\t1\nsub/a.png\t2\n"),
        ("list.jsonl", '{"image": "b.png"}\n\n{"image": "sub/../sub/a.png"}\n'),
        ("list.JSONL", '{"file_name": "b.png", "image": "x"}\n{"file_name": "sub/a.png"}\n'),
    ],
)
def test_lists_keep_their_order_and_are_relative_to_themselves(tmp_path: Path, name: str, text: str) -> None:
    (put(tmp_path, "sub/a.png", "b.png") / name).write_text(text)
    source = read_source(str(tmp_path / name))
    assert names(source) == ["b.png", "sub/a.png"]
    assert (source.kind, source.root, source.failures) == ("list", tmp_path, [])


def test_the_other_columns_of_a_list_are_metadata(tmp_path: Path) -> None:
    (put(tmp_path, "a.png") / "list.csv").write_text('path,"what, really"\na.png,"an ""apple"""\n')
    assert read_source(tmp_path / "list.csv").metadata == {"a.png": {"what, really": 'an "apple"'}}


def test_what_a_list_names_in_vain_is_a_failure_in_its_place(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "folder.jpg/x.png")
    rows = ["a.png", "gone.png", "folder.jpg", "https://example.org/x.jpg", "", "n\0l.png"]
    (tmp_path / "list.jsonl").write_text("".join(json.dumps({"image": row}) + "\n" for row in rows))
    source = read_source(tmp_path / "list.jsonl")
    assert names(source) == ["a.png"]
    assert codes(source) == {
        "gone.png": "missing-file",
        "folder.jpg": "not-a-file",
        "https://example.org/x.jpg": "url",
        "list.jsonl, line 5": "missing-file",
        r"'n\x00l.png'": "missing-file",
    }


def test_files_outside_the_folder_of_the_list_get_short_unique_names(tmp_path: Path) -> None:
    put(tmp_path, "lists/x.png", "one/x.png", "two/x.png", "two/y.png", "far/one/x.png")
    paths = ["x.png", "../one/x.png", tmp_path / "two/x.png", "../two/y.png", "../far/one/x.png"]
    wanted = {"x.png", f"{tmp_path.name}/one/x.png", "two/x.png", "y.png", "far/one/x.png"}
    for order in (paths, paths[::-1]):
        (tmp_path / "lists/list.txt").write_text("\n".join(map(str, order)))
        source = read_source(tmp_path / "lists/list.txt")
        assert {*names(source)} == wanted
        assert {item.path for item in source.items} == {(tmp_path / "lists" / p).resolve() for p in paths}


def test_lists_of_nothing_are_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n")
    assert "empty" in refusal(tmp_path / "list.txt").message
    (tmp_path / "list.txt").write_text("gone.png\nlost.png\n")
    assert "None of the 2 files" in refusal(tmp_path / "list.txt").message
    (tmp_path / "list.csv").write_text("id,species\n7,cat\n")
    error = refusal(tmp_path / "list.csv")
    assert "id, species" in error.message
    assert "file_name" in error.hint
    (tmp_path / "list.csv").write_text('image\n"open\n')
    assert "line" in refusal(tmp_path / "list.csv").message
    (tmp_path / "list.txt").write_bytes("a.png".encode("utf-16"))
    assert "UTF-8" in refusal(tmp_path / "list.txt").hint
    (tmp_path / "list.jsonl").write_text('{"image": "gone.png", "text": "A cat."}\n')
    assert "recorded:" in refusal(tmp_path / "list.jsonl").hint
    for other in ("list.parquet", "list.json", "photos.zip"):
        (tmp_path / other).write_bytes(b"PAR1")
        assert "neither" in refusal(tmp_path / other).message


# patterns, single files, sequences


def test_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "p/1.jpg", "p/10.jpg", "p/2.png", "p/a/3.jpg", "p/a/b/4.jpg", "p/.h/5.jpg", "p/n.txt", "p/6.dat")
    (tmp_path / "p/a/loop").symlink_to(tmp_path / "p")
    monkeypatch.chdir(tmp_path)
    found = {
        "p/*.jpg": ["1.jpg", "10.jpg"],
        "p/*": ["1.jpg", "2.png", "10.jpg"],
        "p/**": ["1.jpg", "2.png", "10.jpg", "a/3.jpg", "a/b/4.jpg"],
        "p/**/*.jpg": ["1.jpg", "10.jpg", "a/3.jpg", "a/b/4.jpg"],
        "p/**/b/*.jpg": ["a/b/4.jpg"],
        "p/[ab]/?.jpg": ["a/3.jpg"],
        "p/*.dat": ["6.dat"],
        "*/a/*.jpg": ["p/a/3.jpg"],
        f"{tmp_path}/p/*.png": ["2.png"],
    }
    for pattern, wanted in found.items():
        source = read_source(pattern)
        assert (pattern, source.kind, names(source)) == (pattern, "glob", wanted)


def test_brackets_in_a_name_that_exists_are_no_pattern(tmp_path: Path) -> None:
    assert names(read_source(put(tmp_path / "photos [1]", "a.png"))) == ["a.png"]


def test_patterns_without_a_match_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "sub/a.png", "sub/b.txt")
    assert f"{tmp_path}/*/**" in refusal(f"{tmp_path}/*").hint
    assert "1 .txt" in refusal(f"{tmp_path}/*/b*").message
    refusal(f"{tmp_path}/nowhere/*.jpg")
    refusal(f"{tmp_path}/nowhere/**/*.jpg")


def test_a_single_file(tmp_path: Path) -> None:
    source = read_source(put(tmp_path, "a.dat") / "a.dat")
    assert (source.kind, names(source), source.root) == ("file", ["a.dat"], tmp_path)


def test_a_sequence_of_paths(tmp_path: Path) -> None:
    put(tmp_path, "b.png", "a.png", "sub/2.png", "sub/1.png")
    gone = tmp_path / "gone.png"
    source = read_source([tmp_path / "b.png", tmp_path / "sub", str(tmp_path / "a.png"), tmp_path / "b.png", gone])
    assert names(source) == ["b.png", "sub/1.png", "sub/2.png", "a.png"]
    assert codes(source) == {"gone.png": "missing-file"}
    assert "gone.png" in refusal(["gone.png"]).message
    refusal([])


# nothing there


def test_a_path_that_does_not_exist_names_what_is_near(tmp_path: Path) -> None:
    put(tmp_path, "photos/a.png")
    assert str(tmp_path / "photos") in refusal(tmp_path / "phtos").hint
    error = refusal(tmp_path / "phtos/holiday/2024")
    assert "There is no phtos" in error.message
    assert str(tmp_path / "photos") in error.hint


def test_folders_without_images_say_what_is_in_them(tmp_path: Path) -> None:
    assert "is empty" in refusal(tmp_path).message
    put(tmp_path, "a.mov", "b.mov", "c.txt", "deep/README")
    message = refusal(tmp_path).message
    assert "4 other files: 2 .mov, 1 .txt, 1 without extension" in message


@pytest.mark.parametrize(
    "url", ["https://example.org/a.jpg", "s3://bucket/x", "file:///a.jpg", "data:image/png;base64,"]
)
def test_urls_are_refused(url: str) -> None:
    assert "never URLs" in refusal(url).hint


@pytest.mark.parametrize("nothing", ["", "a\0b", "\ud800"])
def test_impossible_paths_are_refused(nothing: str) -> None:
    assert refusal(nothing).hint
