"""Every `ictc` command and the library example of the README, run in order, in a folder with what they name."""

from __future__ import annotations

import gzip
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking

README = Path(__file__).parent.parent.parent / "README.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


def commands() -> list[list[str]]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("ictc ")]


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
    return home


def test_the_readme_shows_the_main_commands() -> None:
    assert {c[1] for c in commands()} >= {
        "run",
        "cluster",
        "classify",
        "map",
        "analyze",
        "embed",
        "show",
        "step1",
        "step2a",
        "step2b",
        "step3",
        "report",
        "score",
        "import",
        "doctor",
        "prompts",
    }


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """Stands for all models that the README names."""
    with ScriptedServer(thinking(lambda text: text.split()[2], look)) as started:
        yield started


def look(image: Image.Image) -> str:
    light = np.asarray(image.convert("L")).mean()
    return f"It is {'calm' if light > 140 else 'lively' if light > 90 else 'gloomy'} here."


@pytest.mark.parametrize("number", range(len(commands())))
def test_a_command_of_the_readme_works(folder: Path, server: ScriptedServer, number: int) -> None:
    words = [word.replace("http://localhost:8000/v1", server.url) for word in commands()[number]]
    environment = os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
    assert done.stdout


def test_the_example_of_the_library_works(folder: Path) -> None:
    (example,) = blocks("python")
    done = subprocess.run([sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    *clusters, accuracy = done.stdout.splitlines()
    assert len(clusters) == 3
    assert 0 < float(accuracy) <= 1
