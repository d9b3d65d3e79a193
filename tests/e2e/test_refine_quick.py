"""Ten thousand images: what asks nobody takes no time."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ictc.runfolder import RunFolder, Settings
from ictc.types import Assignment, Cluster, Description, Item, Label, Taxonomy
from tests.conftest import invoke

N, K = 10_000, 20


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = RunFolder(tmp_path_factory.mktemp("quick") / "run", create=True)
    model = "openai:any@http://127.0.0.1:9/v1"  # where nobody answers
    settings = Settings("photos", "inputs", "kind", model, "d", model, "r", K)
    revision = folder.revision_for(settings)
    revision.start()
    names = [f"kind {k}" for k in range(K)]
    images = [f"folder/{i}.jpg" for i in range(N)]
    revision.save_items([Item(i, Path("/photos") / i, f"{n:064x}") for n, i in enumerate(images)], {})
    text = "A picture of something or other, in front of a wall, with a window on its left side and a tree."
    revision.save_descriptions([Description(i, f"{text} {n}", model, f"{n:064x}") for n, i in enumerate(images)])
    revision.save_labels([Label(i, f"label {n % 90}", model) for n, i in enumerate(images)])
    revision.save_taxonomy(
        Taxonomy(
            "kind", [Cluster(name, "", {f"label {j}": 111 for j in range(k, 90, K)}) for k, name in enumerate(names)]
        )
    )
    revision.save_assignments([Assignment(i, names[n % K], None, model, "x") for n, i in enumerate(images)])
    revision.save_failures((), ("assign",))
    revision.finish(settings.key)
    folder.note(revision, status="done")
    return folder.path


@pytest.mark.parametrize(
    "options",
    [
        ["--rename", "kind 3=third"],
        ["--merge", "kind 4+kind 5=both"],
        ["--move", "folder/77.jpg=kind 1", "--move", "folder/12*=kind 2"],
        ["--move", f"{'+'.join(f'folder/{i}.jpg' for i in range(N))}=kind 1"],
        ["--pin", "kind 1"],
    ],
    ids=lambda options: options[0],
)
def test_what_asks_nobody_takes_less_than_two_seconds(run: Path, options: list[str]) -> None:
    start = time.process_time()
    done = invoke("refine", run, "--revision", "001", *options, "--json")
    took = time.process_time() - start
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["requests"] == 0
    assert took < 2
