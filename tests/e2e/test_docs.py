"""The commands of docs/data.md, papers.md and import.md, run as they stand, in one folder, on small data.

Also those that are marked as needing the network: archives are given by ICTC_FROM (with other hashes than the
publishers': ICTC_VERIFY), and a server here stands for the models. What would download a network is not run.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.benchmarks import presets
from tests.archived import jpeg, pictures, tarred, unpacked, zipped
from tests.authors import write_instruments
from tests.following import ROOT, Reader, blocks
from tests.published import OBJECTS, cifar10_python, pixels, stl10
from tests.servers.scripted import ScriptedServer
from tests.servers.thinking import thinking
from tests.unit.datasets.test_imagenet import VALIDATION, devkit

MARK = "# network:"
DOCUMENTS = ("data.md", "papers.md", "import.md")
COMMANDS = {
    f"{document}:{n}": line for document in DOCUMENTS for b in blocks(ROOT / "docs" / document) if b.language == "sh"
    for n, line in b.commands
}  # fmt: skip
NOT_RUN = {where for where, line in COMMANDS.items() if "# network: downloads ResNet-50" in line}
MOODS = ("glad", "sad", "calm", "busy")
DISHES = [f"dish_{i:03}" for i in range(101)]


def noise(number: int) -> bytes:
    """A picture that has edges everywhere."""
    file = io.BytesIO()
    Image.fromarray(pixels(number + 1, 24, 24, 3)[number]).save(file, "JPEG")
    return file.getvalue()


def write_archives(given: Path) -> None:
    """Of all sets that the documents prepare, under the publishers' names."""
    labels = [i % 10 for i in range(20)]
    drawn = pixels(20, 32, 32, 3)
    cifar10_python(given / "cifar-10-python.tar.gz", drawn, labels)
    stl10(given / "stl10_binary.tar.gz", pixels(3, 96, 96, 3), [1, 2, 3])
    actions = pictures(f"JPEGImages/applauding_{i:03}.jpg" for i in range(8))
    zipped(given / "Stanford40_JPEGImages.zip", actions)
    test = [f"{dish}/{i}" for dish in DISHES for i in (1, 2)]
    files = {f"images/{name}.jpg": noise(i) for i, name in enumerate(test)}
    lists = {"meta/classes.txt": DISHES, "meta/test.txt": test, "meta/train.txt": []}
    files |= {name: "\n".join(lines).encode() for name, lines in lists.items()}
    tarred(given / "food-101.tar.gz", {f"food-101/{name}": data for name, data in files.items()})
    animals = ("Cat", "Dog", "Horse")
    seen = "".join(f"{i:016x},verification,/m/{name},1\n" for i, name in enumerate(animals))
    unpacked(
        given,
        {
            "oidv7-class-descriptions.csv": "".join(f"/m/{name},{name}\n" for name in animals).encode(),
            "oidv7-val-annotations-human-imagelabels.csv": f"ImageID,Source,LabelName,Confidence\n{seen}".encode(),
            **{f"validation/{i:016x}.jpg": jpeg(i) for i in range(3)},
        },
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a reader has at hand: archives, labels, published descriptions and results."""
    home: Path = tmp_path_factory.mktemp("docs")
    (home / "given").mkdir()
    write_archives(home / "given")
    (home / "downloads").mkdir()
    tarred(home / "downloads" / "ILSVRC2012_img_val.tar", pictures(VALIDATION))
    devkit(home / "downloads")
    names = [f"{i:03}_applauding.jpg" for i in range(8)]
    (home / "location.csv").write_text(
        "image,location\n" + "".join(f"{n},{('in', 'out')[i % 2]}\n" for i, n in enumerate(names))
    )
    (home / "mood.json").write_text(json.dumps({n: MOODS[i % 4] for i, n in enumerate(names)}))
    (home / "my30.txt").write_text("\n".join(DISHES[40:70]))
    told = [{"image": f"{i}_{OBJECTS[i % 10]}.png", "text": f"The image shows a {OBJECTS[i % 10]}."} for i in range(20)]
    with gzip.open(home / "cifar10_llava.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in told)
    write_instruments(home)
    return home


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    """Sees a mood in how red a picture is, as `tests.archived.pictures` draws them; a description's kind is its end."""
    look = lambda image: f"The mood is {MOODS[round(np.asarray(image)[0, 0, 0] / 16) % 4]}"  # noqa: E731
    with ScriptedServer(thinking(lambda text: text.split()[-1].strip("."), look)) as started:
        yield started


@pytest.fixture
def reader(folder: Path, server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> Reader:
    fewer = tuple(replace(p, per_class=2) if p.per_class else p for p in presets.PRESETS)
    monkeypatch.setattr(presets, "PRESETS", fewer)
    here = {"~/": f"{folder}/", "--features all": "--features classical:hog"}  # all: the tutorial of features does
    env = {
        "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none", "ICTC_FROM": str(folder / "given"), "ICTC_VERIFY": "0",
        "ICTC_REPORT": "0",
    }  # fmt: skip
    return Reader(folder, monkeypatch, here, env)


@pytest.mark.parametrize("where", [where for where in COMMANDS if where not in NOT_RUN])
def test_a_command_of_the_docs_works(reader: Reader, where: str) -> None:
    assert reader.command(COMMANDS[where], where)


def test_what_the_commands_left_is_right(folder: Path) -> None:
    """After all of them."""
    ours = {
        run: json.loads((folder / "runs" / run / "bench.json").read_text())["ours"][0]
        for run in ("given", "gpt4", "mood")
    }
    assert {run: (row["n"], row["acc"]) for run, row in ours.items()} == {
        "given": (20, 1.0),
        "gpt4": (20, 1.0),
        "mood": (8, 1.0),
    }
    lab = json.loads((folder / "runs" / "food" / "bench.json").read_text())
    assert {row["n"] for row in lab["ours"]} == {60}
    (run,) = (folder / "runs" / "ppmi7").glob("0*")
    strict, published = (json.loads((run / f"metrics{of}.json").read_text()) for of in ("", "_as_published"))
    assert (strict["acc"], published["accuracy_txt"]["acc"]) == (1.0, 1.0)
    assert sum(1 for _ in (folder / "data" / "food-101").glob("*.jpg")) == 60
    assert (folder / "data" / "open-images" / "metadata.csv").read_text().count(",Horse,") == 1


def test_what_needs_the_network_is_marked_and_nothing_else_is() -> None:
    marked = {where for where, line in COMMANDS.items() if MARK in line}
    needing = {
        where for where, line in COMMANDS.items()
        if "openai:" in line or "resnet" in line.split("#")[0] or (" prepare " in line and "--from" not in line)
    }  # fmt: skip
    assert marked == needing
    assert {d: sum(w.startswith(d) for w in marked) for d in DOCUMENTS} == {
        "data.md": 4,
        "papers.md": 5,
        "import.md": 0,
    }
    assert (len(COMMANDS), len(NOT_RUN)) == (18, 1)
