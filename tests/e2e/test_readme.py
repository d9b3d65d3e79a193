"""Every `ictc` command and the library example of the README, run in order, in a folder with what they name."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.following import ROOT, Reader, blocks
from tests.published import cifar10_python, pixels
from tests.servers.moods import by_light
from tests.servers.scripted import ScriptedServer

README = ROOT / "README.md"
COMMANDS = [
    (n, line) for b in blocks(README) if b.language == "sh" for n, line in b.commands if line.startswith("ictc ")
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    skimage = pytest.importorskip("skimage")
    home: Path = tmp_path_factory.mktemp("readme")
    names = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "brick.png", "moon.png", "motorcycle_left.png",
             "retina.jpg", "horse.png", "grass.png")  # fmt: skip
    for i, name in enumerate(names):
        target = home / "photos" / ("even", "odd")[i % 2]
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(skimage.__file__).parent / "data" / name, target / name)
    (home / "new").mkdir()
    shutil.copy(Path(skimage.__file__).parent / "data" / "camera.png", home / "new" / "camera.png")
    (home / "prompts.toml").write_text('classes = ["cat", "rocket"]\n')
    colours = "".join(f"{name},{('grey', 'brown', 'blue')[i % 3]}\n" for i, name in enumerate(names))
    (home / "labels.csv").write_text("image,colour\n" + colours)
    things = ("cat", "dog", "car", "boat", "bird", "horse", "guitar", "pizza", "tree", "chair")
    rows = [{"image": f"{i}_{t}.png", "text": f"The image shows a {t}, number {i}."} for i, t in enumerate(things * 3)]
    with gzip.open(home / "captions.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    (home / "captions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "results").mkdir()
    (home / "results" / "step2b_result.txt").write_text("".join(f"Answer {i}: {t}\n" for i, t in enumerate(things, 1)))
    answers = "".join(f"Image file-set/{row['image']} Answer: {row['image'][:-4].split('_')[1]}\n" for row in rows)
    (home / "results" / "step3_result.txt").write_text(answers)
    cifar10_python(home / "cifar-10-python.tar.gz", pixels(20, 32, 32, 3), [*range(10)] * 2)
    return home


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """Stands for all models that the README names."""
    with ScriptedServer(by_light()) as started:
        yield started


@pytest.fixture
def reader(folder: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Reader:
    archive = {"ICTC_FROM": str(folder / "cifar-10-python.tar.gz"), "ICTC_VERIFY": "false"}  # tiny, for the network's
    at = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none", **archive}
    return Reader(folder, monkeypatch, {"http://localhost:8000/v1": server.url}, at)


def test_the_readme_shows_the_main_commands() -> None:
    shown = {line.split()[1] for _, line in COMMANDS}
    assert shown >= {
        "run",
        "cluster",
        "classify",
        "map",
        "analyze",
        "embed",
        "show",
        "report",
        "score",
        "compare",
        "train",
    }
    assert shown >= {"step1", "step2a", "step2b", "step3", "refine", "diff", "update", "export", "undo"}
    assert shown >= {"import", "doctor", "prompts", "data", "bench"}


@pytest.mark.parametrize(("number", "line"), COMMANDS, ids=[f"line {n}" for n, _ in COMMANDS])
def test_a_command_of_the_readme_works(reader: Reader, number: int, line: str) -> None:
    assert reader.command(line, f"README.md:{number}")


def test_the_example_of_the_library_works(reader: Reader) -> None:
    (example,) = [b for b in blocks(README) if b.language == "python"]
    *clusters, accuracy = reader.python(example.text, "README.md").splitlines()
    assert len(clusters) == 3
    assert 0 < float(accuracy) <= 1
