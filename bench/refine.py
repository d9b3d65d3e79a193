"""Corrections of ten thousand images, as typed: `python -m bench refine`.

What asks nobody is to take under 2 seconds. Processor time of the command and what it writes, imports left out.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

from ictc.cli.app import app
from ictc.runfolder import RunFolder, Settings
from ictc.types import Assignment, Cluster, Description, Item, Label, Taxonomy

N, K, ROUNDS, WANTED = 10_000, 20, 5, 2.0
CHANGES = {
    "rename": ["--rename", "kind 3=third"],
    "merge": ["--merge", "kind 4+kind 5=both"],
    "move by pattern": ["--move", "folder/77.jpg=kind 1", "--move", "folder/12*=kind 2"],
    "move all": ["--move", f"{'+'.join(f'folder/{i}.jpg' for i in range(N))}=kind 1"],
    "pin": ["--pin", "kind 1"],
}


def main(data: Path) -> None:
    """Prints a row per change: the median, and the slowest, of five rounds."""
    print("| change of 10,000 images | CPU s, median | slowest | wanted |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        run = made_run(Path(scratch) / "run")
        for name, options in CHANGES.items():
            took = []
            for _ in range(ROUNDS + 1):
                start = time.process_time()
                done = CliRunner().invoke(app, ["refine", str(run), "--revision", "001", *options, "--json"])
                took.append(time.process_time() - start)
                assert done.exit_code == 0, done.output
            print(f"| {name} | {np.median(took[1:]):.2f} | {max(took[1:]):.2f} | < {WANTED} |", flush=True)


def made_run(place: Path) -> Path:
    """A finished run whose model cannot be reached."""
    folder = RunFolder(place, create=True)
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
