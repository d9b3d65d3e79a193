"""`transformers serve`, a server nobody here wrote, through the full command line, on models made by the test.

It takes a JSON schema and ignores it without a word. So with random weights no answer is one of the names, which the
command line must notice; and what a model answers in JSON but off the list leaves its image unassigned, not guessed. A
merge needs a model that understands: the names are given (`--names`).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonlines
import pytest

from ictc.errors import EXIT_FAILED, EXIT_PARTIAL
from tests.conftest import invoke
from tests.tiny.fixture import Tiny, tiny

__all__ = ["tiny"]

pytestmark = pytest.mark.skipif(find_spec("fastapi") is None, reason="transformers[serving] is not installed")

NAMES = ("calm", "happy")
READY = 120.0  # seconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server for all models: it loads what a request names."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("hub")
    log = home / "serve.log"
    command = [str(Path(sys.executable).parent / "transformers"), "serve", "--host", "127.0.0.1", "--port", str(port)]
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(home), "OMP_NUM_THREADS": "1"}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--device", "cpu", "--dtype", "float32"], env=environment, stdout=out, stderr=out
        )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY
    while time.monotonic() < until and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    pytest.fail(f"transformers serve did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture
def names(tmp_path: Path) -> Path:
    file = tmp_path / "names.txt"
    file.write_text("\n".join(NAMES))
    return file


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    texts = ["A cat sleeps in the sun.", "Rain and drizzle over a road.", "Two people dance.", "A boat in the drizzle."]
    file = tmp_path / "captions.jsonl"
    file.write_text("".join(json.dumps({"image": f"{i}.png", "text": t}) + "\n" for i, t in enumerate(texts)))
    return file


def _run(images: object, run: Path, *options: object) -> tuple[int, dict[str, Any]]:
    common = ("-c", "mood", "-k", 2, "-o", run, "--no-report", "--json", "--timeout", 60)
    done = invoke("run", images, *common, *options, env={"OPENAI_API_KEY": "none"})
    return done.exit_code, json.loads(done.stdout)


def _rows(file: Path) -> list[dict[str, Any]]:
    with jsonlines.open(file) as lines:
        return list(lines)


def test_pictures_described_labelled_and_placed_over_http(
    server: str, tiny: Tiny, coloured: Path, names: Path, tmp_path: Path
) -> None:
    few = sorted(coloured.rglob("*.png"))[::4]
    (tmp_path / "list.txt").write_text("\n".join(map(str, few)))
    code, said = _run(
        tmp_path / "list.txt", tmp_path / "run", "--names", names,
        "--describer", f"openai:{tiny('llava-terse')}@{server}", "--reasoner", f"openai:{tiny('parrot')}@{server}",
    )  # fmt: skip
    assert code == 0, said
    revision = tmp_path / "run" / "001"
    assert all(row["text"].strip() for row in _rows(revision / "step1_result.jsonl"))
    assert {row["cluster"] for row in _rows(revision / "step3_result.jsonl")} <= set(NAMES)
    assert (revision / "failures.jsonl").read_text() == ""


def test_off_the_list_is_unassigned_and_never_guessed(
    server: str, tiny: Tiny, recorded: Path, names: Path, tmp_path: Path
) -> None:
    """`parrot` says `gloomy` of everything with drizzle, also when it is asked again."""
    reasoner = f"openai:{tiny('parrot')}@{server}"
    code, said = _run(f"recorded:{recorded}", tmp_path / "run", "--names", names, "--reasoner", reasoner)
    assert code == 0, said
    rows = {row["image"]: row["cluster"] for row in _rows(tmp_path / "run" / "001" / "step3_result.jsonl")}
    assert rows["1.png"] is None and rows["3.png"] is None
    assert {rows["0.png"], rows["2.png"]} <= set(NAMES)
    assert said["unassigned"] == 2
    assert "gloomy" in next(r["evidence"] for r in _rows(tmp_path / "run/001/step3_result.jsonl") if not r["cluster"])


def test_babble_is_noticed_and_counted_and_puts_no_image_anywhere(
    server: str, tiny: Tiny, recorded: Path, names: Path, tmp_path: Path
) -> None:
    """Some of it may pass for a label, which is free text; none of it is one of the names."""
    reasoner = f"openai:{tiny('llama-terse')}@{server}"
    code, said = _run(
        f"recorded:{recorded}", tmp_path / "run", "--names", names, "--reasoner", reasoner, "--fail-on-error", 1
    )
    revision, all_four = tmp_path / "run" / "001", ["0.png", "1.png", "2.png", "3.png"]
    failures, labels = (_rows(revision / name) for name in ("failures.jsonl", "step2a_result.jsonl"))
    placed = _rows(revision / "step3_result.jsonl") if labels else []
    assert {f["code"] for f in failures} <= {"unparsable", "truncated", "empty"}
    assert sorted(row["image"] for row in [*failures, *placed]) == all_four, "each is accounted for, and once"
    assert sorted(row["image"] for row in [*labels, *failures] if row.get("stage") != "assign") == all_four
    assert all(row["cluster"] is None for row in placed)
    assert all(f["message"] and not f["retryable"] for f in failures)
    if labels:
        assert code == (EXIT_PARTIAL if failures else 0)
        assert (said["failed"], said["unassigned"]) == (len(failures), len(placed))
    else:
        assert code == EXIT_FAILED and "failures.jsonl" in said["hint"]
        assert not (revision / "step3_result.jsonl").exists() and not (revision / "DONE").exists()


def test_in_this_process_the_same_model_says_the_same(server: str, tiny: Tiny) -> None:
    """The same weights, chat template and greedy decoding, by two ways."""
    from ictc.asking import ask
    from ictc.modeloptions import ModelOptions
    from ictc.registry import model
    from ictc.types import Reply, Request

    requests = [Request("label", text, system="Name the mood.", max_tokens=20) for text in ("cat", "dog", "a truck")]
    options = ModelOptions(device="cpu", concurrency=1)
    here, there = (
        [a.text.strip() for a in ask(model(spec, options), requests) if isinstance(a, Reply)]
        for spec in (f"hf:{tiny('llama')}", f"openai:{tiny('llama')}@{server}")
    )
    assert len(here) == 3 and here == there
