"""The report of a large run: `python -m bench report [--images N]`.

Makes a run of N made-up photographs (320 x 240, described in some fifty words, their vectors in the store as after any
run) with two revisions of 20 and 30 clusters, builds its report in a process of its own, and opens it in headless
Chromium: how long until the first images are seen, and until a word is found in all descriptions. Without Chromium only
the build is measured.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.made_up import SETS
from ictc.backends import Backends
from ictc.interfaces import Vectors
from ictc.job import means_of
from ictc.revision import Revision
from ictc.runfolder import RunFolder, Settings
from ictc.spending.meter import Meter
from ictc.store import content_key
from ictc.types import Assignment, Cluster, Description, Failure, Item, Label, Taxonomy

IMAGES = 100_000
OPENED, BUILT = 3.0, 1024  # seconds and MiB to stay under
_BUILD = """
import resource, sys
from pathlib import Path
from ictc.outputs import reopen, report
report(reopen(Path(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""
_SEEN = """
document.querySelector('#found').textContent
  && [...document.querySelectorAll('#gallery img')].slice(0, 8).every((i) => i.complete && i.naturalWidth)
"""
_DISTINCT = 500
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def make_run(folder: Path, n: int) -> None:
    """A finished run of two revisions; every thousandth image failed, every hundredth is unassigned."""
    draw, rng = random.Random(0), np.random.default_rng(0)
    texts = [text for one in SETS for text, _ in one.pairs()]
    photos, photographs = folder / "photos", [_photo(rng) for _ in range(_DISTINCT)]
    items, descriptions = [], []
    for i in range(n):
        name = f"{i // 1000:03d}/photo {i}.jpg"
        data = photographs[i % _DISTINCT] + i.to_bytes(4, "big")  # bytes after the end make another content of it
        file = photos / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        items.append(Item(name, file, sha256))
        text = " ".join(draw.choice(texts) for _ in range(4))
        descriptions.append(Description(name, f"{text} It is number {i}.", "made up", sha256))
    run = RunFolder(folder / "run", create=True)
    for k in (20, 30):
        settings = Settings(str(photos), "made up", "what is shown", "offline", "none", "offline", "none", k)
        revision = run.revision_for(settings)
        _fill(revision, items, descriptions, k, draw)
        revision.finish(settings.key)
        run.note(revision, status="done")
    with run.open_store() as store:
        model = Backends(means_of(settings), store, Meter()).embedder().fingerprint
        for start in range(0, n, 5000):
            part = [d.text for d in descriptions[start : start + 5000]]
            keys = (content_key("text-vector/1", model=model, text=text) for text in part)
            store.put_vectors(zip(keys, _vectors(rng, len(part)), strict=True))


def _vectors(rng: np.random.Generator, n: int) -> Vectors:
    """Twenty groups of directions."""
    centres = np.random.default_rng(1).normal(size=(20, 384))
    x = centres[rng.integers(0, 20, n)] + rng.normal(0, 0.8, (n, 384))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)


def _photo(rng: np.random.Generator) -> bytes:
    """Soft shapes of some colours, about as large as a photograph of its size."""
    coarse = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
    out = BytesIO()
    Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(out, "JPEG", quality=85)
    return out.getvalue()


def _fill(revision: Revision, items: list[Item], texts: list[Description], k: int, draw: random.Random) -> None:
    revision.start()
    names = [f"kind {i} of thing" for i in range(k)]
    failed = {i.name for i in items[::1000]}
    good = [i.name for i in items if i.name not in failed]
    assignments = [
        Assignment(name, None if i % 100 == 7 else draw.choice(names), round(draw.random(), 4), "offline", f"said {i}")
        for i, name in enumerate(good)
    ]
    revision.save_items(items, {})
    revision.save_descriptions([d for d in texts if d.image not in failed])
    revision.save_labels([Label(name, f"label {i % 977}", "offline") for i, name in enumerate(good)])
    revision.save_taxonomy(Taxonomy("what is shown", [Cluster(name, "", {"label 1": 3}) for name in names]))
    revision.save_assignments(assignments)
    revision.save_failures(
        [Failure(name, "image", "truncated", "It is cut off.") for name in sorted(failed)], ["image"]
    )


def build(run: Path) -> tuple[float, int]:
    """(seconds, MiB at most) of a report made from nothing."""
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", _BUILD, str(run)], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, int(done.stdout)


def browse(page: Path, n: int) -> dict[str, float]:
    """Seconds in headless Chromium, and its memory in MiB."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=shutil.which("chromium"), args=_FLAGS)
        tab = chromium.new_page(viewport={"width": 1440, "height": 900})
        start = time.perf_counter()
        tab.goto(page.as_uri())
        loaded = time.perf_counter() - start
        tab.evaluate("document.querySelector('#images').scrollIntoView()")
        _until(tab, _SEEN)
        seen = time.perf_counter() - start
        times = {"loaded": loaded, "first images seen": seen}
        for what, number in (("first search", n - 5), ("next search", n - 7)):
            start = time.perf_counter()
            tab.get_by_role("searchbox").fill(f"number {number}.")
            _until(tab, "document.querySelector('#found').textContent.startsWith('1 of')")
            times[what] = time.perf_counter() - start
            tab.keyboard.press("Escape")
            _until(tab, "document.querySelector('#found').textContent.endsWith('images')")
        heap = tab.evaluate("performance.memory ? performance.memory.usedJSHeapSize : 0")
        chromium.close()
    return {**times, "heap MiB": heap / 2**20}


def _until(tab: Any, expression: str) -> None:
    while not tab.evaluate(expression):
        time.sleep(0.01)


def main(_data: Path, n: int = IMAGES) -> None:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        make_run(Path(folder), n)
        print(f"a run of {n:,} images and 2 revisions, made in {time.perf_counter() - start:.0f} s\n")
        run = Path(folder) / "run"
        for what in ("first report", "again, thumbnails known"):
            seconds, most = build(run)
            print(f"{what}: {seconds:.1f} s, at most {most} MiB (goal: under {BUILT})")
        files = [f for f in (run / "report_files").rglob("*") if f.is_file()]
        beside = sum(f.stat().st_size for f in files) / 2**20
        print(
            f"report.html {(run / 'report.html').stat().st_size / 2**20:.1f} MiB, {len(files):,} files {beside:.0f} MiB"
        )
        if shutil.which("chromium"):
            for what, value in browse(run / "report.html", n).items():
                goal = f" (goal: under {OPENED:g})" if what == "first images seen" else ""
                print(f"{what}: {value:.2f}{goal}")


if __name__ == "__main__":
    main(Path(), int(sys.argv[sys.argv.index("--images") + 1]) if "--images" in sys.argv else IMAGES)
