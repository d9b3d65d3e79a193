"""`ictc train compress` and `ictc train lit` from the command line, and every command that takes what they leave."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import invoke
from tests.servers.scripted import ScriptedServer
from tests.vectored import write_vectored

QUICK = ("--truth", "folder", "--epochs", "8", "--batch-size", "4", "--lr", "0.05")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return write_vectored(tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def compressed(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "compress"
    return out, trained("compress", given[0], *QUICK, "--embedder", given[1], "--dim", "4", "-o", out)


@pytest.fixture(scope="module")
def tuned(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "lit"
    words = (*QUICK[:-1], "0.003", "--embedder", given[1], "--template", "a {class} disc", "--layers", "0", "-o", out)
    return out, trained("lit", given[0], *words)


def trained(*words: object) -> dict[str, Any]:
    done = invoke("train", *words, "--json")
    assert done.exit_code == 0, done.output
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def test_what_was_compressed_is_clustered_compared_and_classified(
    given: tuple[Path, str], compressed: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images, (out, told) = given[0], compressed
    spec = f"trained:{out}"
    assert told["spec"] == spec and told["facts"]["accuracy"] == 1
    assert invoke("cluster", images, "--embedder", spec, "-k", 3, "-o", "run", "--no-report").exit_code == 0
    assert json.loads(invoke("score", "run", "--truth", "folder", "--json").stdout)["ari"] == 1
    classified = invoke("classify", "run", images, "--truth", "folder", "--json")
    assert json.loads(classified.stdout)["acc"] == 1, classified.output
    words = ("--features", spec, "--features", given[1], "--truth", "folder", "--json")
    compared = json.loads(invoke("compare", images, *words).stdout)
    assert compared["n"] == 6, "those that were trained on are left out"
    assert {row["embedder"] for row in compared["rows"]} == {spec, given[1]}
    assert invoke("embed", "images", images, "--embedder", spec, "--out", "v.npy").exit_code == 0
    assert np.load("v.npy").shape == (24, 4)
    assert (
        json.loads(
            invoke(
                "train", "compress", images, *QUICK, "--embedder", given[1], "--dim", "4", "-o", out, "--json"
            ).stdout
        )
        == told
    )


def test_prompts_name_the_clusters_of_a_tuned_space(
    given: tuple[Path, str], tuned: tuple[Path, dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    images, (out, told) = given[0], tuned
    assert told["facts"]["accuracy"] == 1 and told["made"]["layers"] == 0
    names = ("red", "green", "blue")
    lines = "".join(f'{name} = "a {name} disc"\n' for name in names)
    Path("p.toml").write_text(f"classes = {json.dumps(names)}\n[prompts.task]\n{lines}")
    words = ("--embedder", f"trained:{out}", "-k", 3, "--prompts", "p.toml", "-o", "run", "--no-report")
    done = invoke("cluster", images, *words)
    assert done.exit_code == 0, done.output
    scores = json.loads(invoke("score", "run", "--truth", "folder", "--json").stdout)
    assert scores["ari"] == 1 and scores["prompt_acc"] == 1
    zero = invoke("classify", "run", images, "--method", "zero-shot", "--truth", "folder", "--json")
    assert json.loads(zero.stdout)["acc"] == 1, zero.output


def test_pca_says_how_much_it_keeps(given: tuple[Path, str], tmp_path: Path) -> None:
    words = (
        "train",
        "compress",
        given[0],
        "--method",
        "pca",
        "--embedder",
        given[1],
        "--dim",
        "2",
        "-o",
        tmp_path / "o",
    )
    said = invoke(*words).output
    assert "pca: trained on 17 images" in said and "% of the variance is kept" in said
    assert f"trained:{tmp_path / 'o'}" in said.replace("\n", "")


def test_images_without_text_are_told(given: tuple[Path, str], tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "image,text\n" + "".join(f"{c}-1.png,{c}\n{c}-2.png,{c} disc\n" for c in ("red", "blue"))
    )
    words = ("--texts", tmp_path / "t.csv", "--train-share", "1", "--epochs", "1", "--layers", "0")
    done = invoke("train", "lit", given[0], *words, "--embedder", given[1], "-o", tmp_path / "o")
    assert done.exit_code == 0 and "20 images to train on have no text" in done.output, done.output


@pytest.mark.parametrize("name", ["compress", "lit"])
def test_what_a_model_says_is_asked_before_and_under_one_criterion(
    given: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    said = ("a red disc", "a green disc", "a blue disc")
    with ScriptedServer(lambda body: said[zlib.crc32(json.dumps(body["messages"]).encode()) % 3]) as server:
        spec, run, out = f"described:openai:m@{server.url}", tmp_path / "run", tmp_path / "out"
        small = ("--dim", 2) if name == "compress" else ("--layers", 0)
        words = ("train", name, given[0], "--truth", "folder", "--epochs", 1, "--embedder", spec, "-o", out, *small)
        refused = invoke(*words)
        assert refused.exit_code == 2 and server.count == 0, refused.output
        assert "ictc embed IMAGES --embedder" in refused.output and "--run RUN" in refused.output
        assert invoke("embed", given[0], "--embedder", spec, "-o", run).exit_code == 0
        asked = server.count
        done = invoke(*words, "--run", run)
        assert done.exit_code == 0 and server.count == asked > 0, done.output
        assert json.loads((out / "trained.json").read_text())["made"]["criterion"] == "what it shows"
        again = ("cluster", given[0], "--embedder", f"trained:{out}", "-c", "mood", "-k", 2, "-o", run, "--no-report")
        done = invoke(*again)
        assert done.exit_code == 0 and server.count == asked, done.output


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("compress", "--dim", "7"), "have 6 numbers", "--dim 6"),
        (("compress", "--method", "magic"), "there is none", "autoencoder"),
        (("compress", "--embedder", "vectors:none.npy"), "none.npy", ""),
        (("lit", "--template", "a disc"), "has no {class}", "a photo of a {class}"),
        (("lit", "--texts", "none.csv"), "no such file", "--texts labels"),
        (("lit", "--texts", ""), "--texts is empty", "--texts labels"),
        (("lit", "--layers", "9"), "has 6", "from 0 to 6"),
    ],
)
def test_bad_input(given: tuple[Path, str], tmp_path: Path, words: tuple[str, ...], said: str, hint: str) -> None:
    name, *more = words
    done = invoke("train", name, given[0], *QUICK, "--embedder", given[1], *more, "-o", tmp_path / "out")
    assert done.exit_code == 2 and said in done.output and hint in done.output and "Traceback" not in done.output
    assert not (tmp_path / "out" / "trained.json").exists()


@pytest.mark.parametrize("name", ["compress", "lit"])
def test_a_base_named_from_one_folder_is_found_from_another(
    given: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = Path(given[1].removeprefix("vectors:"))
    monkeypatch.chdir(file.parent)
    more = ("--method", "pca", "--dim", "2") if name == "compress" else ("--epochs", "1", "--layers", "0")
    words = ("--truth", "folder", "--embedder", f"vectors:{file.name}", *more, "-o", tmp_path / "out")
    told = trained(name, given[0], *words)
    assert trained(name, given[0], *words) == told
    monkeypatch.chdir(tmp_path)
    done = invoke("embed", given[0], "--embedder", f"trained:{tmp_path / 'out'}", "--out", "v.npy")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("name", ["compress", "lit"])
def test_without_truth_nothing_is_made(given: tuple[Path, str], tmp_path: Path, name: str) -> None:
    done = invoke("train", name, given[0], "--embedder", given[1], "-o", tmp_path / "out")
    assert done.exit_code == 2 and "needs the true classes" in done.output and "--truth" in done.output
    assert not list(tmp_path.iterdir())
