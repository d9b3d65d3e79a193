"""`make demo`: the photographs that ship with scikit-image, clustered under two criteria.

`python scripts/demo.py FOLDER` puts the photographs into FOLDER, and does no more.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "demo"
CRITERIA = {"what kind of thing is shown": "8", "dominant colour": "6"}
NOT_PHOTOGRAPHS = {"logo.png", "color.png", "chessboard_GRAY.png", "chessboard_RGB.png", "phantom.png"}


def photographs(target: Path) -> int:
    """Copy scikit-image's photographs into `target`; gives how many there are."""
    import skimage

    source = Path(skimage.__file__).parent / "data"
    target.mkdir(parents=True, exist_ok=True)
    found = [f for f in sorted(source.iterdir()) if f.suffix in {".png", ".jpg"} and f.name not in NOT_PHOTOGRAPHS]
    for file in found:
        shutil.copyfile(file, target / file.name)
    return len(found)


def main() -> int:
    """Prints the tables and the paths of the reports; gives the worst exit code."""
    if len(sys.argv) > 1:
        print(f"{photographs(Path(sys.argv[1]))} photographs in {sys.argv[1]}")
        return 0
    photos = DEMO / "photos"
    n = photographs(photos)
    print(f"{n} photographs in {photos.relative_to(ROOT)}\n", flush=True)
    worst = 0
    for criterion, k in CRITERIA.items():
        command = ["ictc", "run", "demo/photos", "-c", criterion, "-k", k, "-o", "demo/run"]
        shown = " ".join(f'"{word}"' if " " in word else word for word in command)
        print(f"$ {shown}", flush=True)
        ictc = Path(sys.executable).parent / "ictc"
        worst = max(worst, subprocess.run([ictc, *command[1:]], cwd=ROOT, check=False).returncode)
        print(flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
