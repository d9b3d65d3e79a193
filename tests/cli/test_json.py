"""With --json, standard output is exactly one JSON object, whatever happens; the exit code says how it went."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ictc.cli.app import COMMANDS
from tests.conftest import invoke

BAD: dict[str, list[tuple[str, ...]]] = {
    "run": [
        ("{none}", "-c", "x"),
        ("{captions}", "-c", " "),
        ("{captions}", "-c", "x", "-k", "²"),
        ("{captions}", "-c", "x", "-k", "+-3"),
        ("{captions}", "-c", "x", "-k", "0"),
        ("{captions}", "-c", "x", "-k", "37"),
        ("{captions}", "-c", "x", "-k", "9" * 5000),
        ("{captions}", "-c", "x", "--fail-on-error", "7"),
        ("{captions}", "-c", "x", "--truth", "{none}"),
        ("{captions}", "-c", "x", "--engine", "dask"),
        ("{captions}", "-c", "x", "--ray-workers", "2"),
        ("{captions}", "-c", "x", "--reasoner", "nobody:knows"),
        ("{captions}", "-c", "x", "--reasoner", "openai:"),
        ("{captions}", "-c", "x", "--reasoner", "openai:m@ftp://x"),
        ("{captions}", "-c", "x", "--reasoner", "hf:{none}"),
        ("{captions}", "-c", "x", "--reasoner", "openai:m@http://127.0.0.1:9/v1", "--pack", "0"),
        ("{captions}", "-c", "x", "--reasoner", "openai:m@https://a.example/v1", "--max-cost", "1"),
        ("{captions}", "-c", "x", "--reasoner", "openai:m@https://a.example/v1", "--price", "cheap"),
        ("{captions}", "-c", "x", "--reasoner", "openai:m@https://a.example/v1", "--max-calls", "-1"),
        ("{captions}", "-c", "x", "--fallback", "magic"),
        ("{captions}", "-c", "x", "--names", "{none}"),
        ("{captions}", "-c", "x", "--prompts", "{none}"),
        ("{captions}",),
        ("{captions}", "-c", "x", "--sample", "5%"),
        ("{captions}", "-c", "x", "--sample", "nothing"),
    ],
    "cluster": [
        ("{none}",),
        ("{captions}", "-k", "0"),
        ("{captions}", "-k", "37"),
        ("{captions}", "--clusterer", "magic"),
        ("{captions}", "--param", "n_init"),
        ("{captions}", "--embedder", "nobody:knows"),
        ("{captions}", "--prompts", "{none}"),
        ("{captions}", "--strategy", "task"),
    ],
    "bench": [
        ("cifr-10",),
        ("cifar-10", "-c", "no"),
        ("cifar-10", "--root", "{none}"),
        ("cifar-10", "--root", "{none}", "--lane", "magic"),
        ("cifar-10", "--root", "{none}", "--features", "lite0"),
        ("cifar-10", "--root", "{none}", "-k", "0"),
    ],
    "classify": [
        ("{none}", "{none}"),
        ("{made}",),
        ("{made}", "{none}"),
        ("{made}", "{captions}"),
        ("{none}", "--save", "{made}"),
    ],
    "data list": [("--no-such-option",)],
    "data prepare": [
        ("{none}",),
        ("mnist", "--from", "{none}", "--root", "{made}"),
        ("mnist", "--split", "half", "--root", "{made}"),
        ("mnist", "--per-class", "-1"),
        ("mnist", "--labels", "digit"),
        ("mnist", "--classes", "{none}.txt"),
        ("mnist", "--from", "{captions}", "--root", "{made}"),
        ("mnist", "--from", "{captions}", "--no-verify", "--root", "{made}"),
    ],
    "embed images": [("{none}",), ("{none}", "--embedder", "nobody:knows")],
    "train classifier": [
        ("{none}", "--truth", "folder"),
        ("{captions}", "--truth", "filename", "--base", "nobody:knows"),
        ("{captions}", "--truth", "filename", "--epochs", "0"),
        ("{captions}",),
    ],
    "train captioner": [
        ("{none}", "--truth", "folder"),
        ("{captions}", "--truth", "filename", "--template", "an image"),
        ("{captions}", "--truth", "filename", "--base", "{none}"),
        ("{captions}", "--truth", "filename", "--accumulate", "0"),
        ("{captions}",),
    ],
    "train compress": [
        ("{none}", "--truth", "folder"),
        ("{captions}",),
        ("{captions}", "--method", "magic"),
        ("{captions}", "--method", "pca", "--dim", "0"),
        ("{captions}", "--truth", "filename", "--embedder", "nobody:knows"),
    ],
    "train lit": [
        ("{none}", "--truth", "folder"),
        ("{captions}",),
        ("{captions}", "--truth", "filename", "--template", "an image"),
        ("{captions}", "--truth", "filename", "--texts", "{none}"),
    ],
    "embed import": [("{none}.npy", "{none}")],
    "step1": [("{none}", "-c", "x"), ("{captions}", "-c", "")],
    "step2a": [("{none}",), ("{made}", "--revision", "9")],
    "step2b": [("{none}",), ("{made}", "-k", "²"), ("{made}", "-k", "many"), ("{made}", "-k", "-1")],
    "step3": [("{none}",), ("{made}", "--revision", "../001")],
    "score": [("{none}", "--truth", "folder"), ("{made}", "--truth", "{none}"), ("{made}", "--truth", "{captions}:no")],
    "report": [("{none}",)],
    "map": [
        ("{none}",),
        ("{made}", "--method", "magic"),
        ("{made}", "--revision", "9"),
        ("{made}", "{made}", "--revision", "1"),
        ("{made}", "--out", "map.pdf"),
        ("{made}", "--out", "{none}/map.png"),
        ("{made}", "--truth", "{none}"),
        ("{made}", "--sample", "4"),
    ],
    "analyze": [
        ("{none}",),
        ("{made}", "--revision", "9"),
        ("{made}", "--truth", "{none}"),
        ("{made}", "--near", "1.5"),
        ("{made}", "--noise"),
        ("{made}", "--noise", "--images", "0"),
        ("{made}", "--sample", "1"),
    ],
    "serve": [
        ("{none}",),
        ("{made}", "--port", "65536"),
        ("{made}", "--host", "0.0.0.0"),
        ("{made}", "--host", "no.such.host.invalid"),
        ("{made}", "--token", "short"),
        ("{made}", "--token", "naïve token with blanks"),
    ],
    "show": [("{none}",), ("{made}", "--revision", "x"), ("{made}", "--no-such-option")],
    "refine": [
        ("{none}", "--pin", "cat"),
        ("{made}",),
        ("{made}", "--rename", "cat"),
        ("{made}", "--rename", "cart=x"),
        ("{made}", "--merge", "cat+truck=guitar"),
        ("{made}", "--split", "cat=1"),
        ("{made}", "--drop", "x"),
        ("{made}", "--add", "cat"),
        ("{made}", "--move", "none.png=cat"),
        ("{made}", "--unpin", "cat"),
        ("{made}", "-k", "0"),
        ("{made}", "-k", "99"),
        ("{made}", "-c", " "),
        ("{made}", "--keep-descriptions"),
        ("{made}", "--corrections", "{none}"),
        ("{made}", "--corrections", "{made}"),
        ("{made}", "--undo"),
        ("{made}", "--why", "x"),
        ("{made}", "--pin", "cat", "--revision", "9"),
        ("{made}", "--pin", "cat", "--reasoner", "nobody:knows"),
    ],
    "update": [
        ("{none}",),
        ("{made}", "{none}"),
        ("{made}", "--revision", "9"),
        ("{made}", "--reasoner", "nobody:knows"),
        ("{made}", "--max-calls", "-1"),
    ],
    "compare": [
        ("{none}",),
        ("{captions}", "--seeds", "0"),
        ("{captions}", "--strategy", "magic"),
        ("{captions}", "--clusterer", "magic"),
        ("{captions}", "--embedder", "nobody:knows"),
        ("{captions}", "--sort", "acc"),
        ("{captions}", "-k", "truth"),
        ("{captions}", "-k", "37"),
        ("{captions}", "--features", "sift"),
        ("{captions}", "--features", "lite0", "--per-class", "3"),
        ("{captions}", "--test-share", "2", "--truth", "filename"),
        ("{captions}", "--seed", "-1"),
    ],
    "diff": [("{none}",), ("{made}",), ("{made}", "1", "2"), ("{made}", "{none}"), ("{made}", "1", "1", "1")],
    "export": [("{none}", "--to", "csv"), ("{made}", "--to", "magic"), ("{made}",), ("{made}", "--to", "folders")],
    "undo": [("{none}",), ("{captions}",)],
    "import": [("{none}",), ("{none}", "--as-published"), ("{none}", "--seed", "-1")],
    "doctor": [("too", "many"), ("nobody:knows",)],
    "train simclr": [
        ("{none}",),
        ("{captions}",),
        ("{captions}", "--temperature", "0"),
        ("{captions}", "--crop", "0"),
        ("{captions}", "--epochs", "0"),
        ("{captions}", "--base", "magic"),
        ("{captions}", "--train-share", "2"),
    ],
    "train byol": [("{none}",), ("{captions}", "--tau", "2"), ("{captions}", "--solarise", "-1")],
    "train map": [
        ("{captions}",),
        ("{captions}", "--from", "trained:{none}"),
        ("{captions}", "--from", "lite0"),
        ("{captions}", "--from", "trained:{made}", "--weight", "0"),
    ],
    "prompts show": [("nothing",), ("--prompts", "{none}")],
    "prompts copy": [("{made}/run.json",), ()],
}


@pytest.fixture
def places(captions: Path, tmp_path: Path) -> dict[str, str]:
    made = tmp_path / "made"
    assert invoke("run", f"recorded:{captions}", "-c", "object", "-k", 3, "-o", made, "--no-report").exit_code == 0
    return {"none": str(tmp_path / "none"), "captions": f"recorded:{captions}", "made": str(made)}


def only_object(result: Any) -> dict[str, Any]:
    (line,) = result.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_every_command_is_tried() -> None:
    assert BAD.keys() == COMMANDS.keys()


@pytest.mark.parametrize("command", sorted(BAD))
def test_a_bad_input_gives_one_object_and_exit_2(command: str, places: dict[str, str], tmp_path: Path) -> None:
    for words in BAD[command]:
        output = (
            ("-o", tmp_path / "new")
            if command in ("run", "step1", "import", "cluster", "embed images", "embed import")
            or command.startswith("train")
            else ()
        )
        result = invoke(*command.split(), *(w.format(**places) for w in words), *output, "--json")
        assert result.exit_code == 2, (words, result.output)
        assert isinstance(result.exception, SystemExit), words
        said = only_object(result)
        assert said["exit"] == 2
        assert said["error"]
        assert said["error"][:40] in result.stderr.replace("\n", " ") or "Error" in result.stderr, (
            "a person reads it too"
        )


def test_a_wrong_options_file_gives_one_object(tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text("criterium = 1")
    result = invoke("--config", tmp_path / "wrong.toml", "doctor", "--json")
    assert (result.exit_code, only_object(result)["exit"]) == (2, 2)


def test_json_by_environment_holds_for_wrong_options_too(tmp_path: Path) -> None:
    assert only_object(invoke("step2b", tmp_path, "-k", "²", env={"ICTC_JSON": "1"}))["exit"] == 2


@pytest.mark.parametrize(("recorded", "exit_code"), [(12, 0), (11, 3), (4, 4)])
@pytest.mark.parametrize("again", [False, True])
def test_failed_images_give_one_object_with_the_result(
    coloured: Path, tmp_path: Path, recorded: int, exit_code: int, again: bool
) -> None:
    images = sorted(p.relative_to(coloured).as_posix() for p in coloured.rglob("*.png"))
    file = tmp_path / "described.jsonl"
    rows = [{"image": i, "text": f"A {i.split('/')[0]} disc."} for i in images[:recorded]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = (coloured, "-c", "colour", "-k", 1, "-o", tmp_path / "run", "--describer", f"recorded:{file}")
    result = invoke("run", *words, "--no-report", "--json")
    if again:
        result = invoke("step3", tmp_path / "run", "--json")
    found = only_object(result)
    assert (result.exit_code, found["exit"]) == (exit_code, exit_code), result.output
    assert (found["images"], found["failed"]) == (12, 12 - recorded)
    assert ("error" in found) == (exit_code == 4)
    assert ("images failed" in result.stderr) == (exit_code != 0)
