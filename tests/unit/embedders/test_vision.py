"""Encoders of images alone: their vectors are the libraries' own, and what is none of them is refused in words."""

from __future__ import annotations

import hashlib
import logging
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.embedders.timm import create as timm
from ictc.embedders.vision import dinov2, efficientnet, resnet, vision
from ictc.errors import MissingExtra, SpecError
from ictc.interfaces import JointEmbedder, Vectors
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext
from ictc.store import Store
from ictc.types import Failure, Item
from tests.tiny.fixture import Tiny

CONTEXT = EmbedderContext(Store(None), MiniLM(), ModelOptions(device="cpu"))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    rng = np.random.default_rng(0)
    found = []
    for i in range(3):
        file = tmp_path / f"{i}.png"
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(file)
        found.append(Item(file.name, file, hashlib.sha256(file.read_bytes()).hexdigest()))
    return found


def rows_of(found: list[Vectors | Failure]) -> Vectors:
    return np.stack([f for f in found if not isinstance(f, Failure)])


def own(folder: Path, items: list[Item]) -> dict[str, np.ndarray]:
    """What the library's own model and preparation give."""
    import torch
    from transformers import AutoImageProcessor, AutoModel

    prepare = AutoImageProcessor.from_pretrained(folder, backend="pil")
    model = AutoModel.from_pretrained(folder, use_safetensors=True).eval()
    images = [Image.open(i.path).convert("RGB") for i in items if i.path]
    with torch.inference_mode():
        out = model(**prepare(images, return_tensors="pt"))
    return {name: out[name].numpy() for name in ("last_hidden_state", "pooler_output")}


@pytest.mark.parametrize(("make", "name", "width"), [(resnet, "resnet", 16), (efficientnet, "efficientnet", 1280)])
def test_convolutional_networks_give_the_mean_over_places(
    make: object, name: str, width: int, tiny: Tiny, items: list[Item]
) -> None:
    rows = rows_of(make(str(tiny(name)), CONTEXT).embed_images(items))  # type: ignore[operator]
    maps = own(tiny(name), items)["last_hidden_state"]
    assert rows.shape == (3, width)
    np.testing.assert_allclose(rows, maps.mean((2, 3)), rtol=1e-4, atol=1e-5)


def test_dinov2_gives_the_class_token_after_its_norm(tiny: Tiny, items: list[Item]) -> None:
    rows = rows_of(dinov2(str(tiny("dinov2")), CONTEXT).embed_images(items))
    np.testing.assert_allclose(rows, own(tiny("dinov2"), items)["pooler_output"], rtol=1e-4, atol=1e-5)


def test_a_pooling_layer_that_no_file_has_is_not_used(tiny: Tiny, items: list[Item]) -> None:
    """`ViTForImageClassification` saves no pooler; `AutoModel` would draw one at random."""
    made = vision(str(tiny("vit")), CONTEXT)
    rows = rows_of(made.embed_images(items))
    np.testing.assert_allclose(rows, own(tiny("vit"), items)["last_hidden_state"][:, 0], rtol=1e-4, atol=1e-5)
    assert not isinstance(made, JointEmbedder)


def test_a_classifier_that_is_left_out_is_no_news(
    tiny: Tiny, items: list[Item], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.WARNING):
        resnet(str(tiny("resnet")), CONTEXT).embed_images(items)
    assert not caplog.records and capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["clip", "llama"])
def test_what_is_no_encoder_of_images_alone_is_refused(name: str, tiny: Tiny, items: list[Item]) -> None:
    with pytest.raises(SpecError, match="no encoder of images alone") as told:
        vision(str(tiny(name)), CONTEXT).embed_images(items)
    assert "clip:" in told.value.hint


def test_an_incomplete_folder_is_refused(tiny: Tiny, items: list[Item], tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "copy"
    shutil.copytree(tiny("resnet"), folder)
    weights = load_file(folder / "model.safetensors")
    stages = {k: v for k, v in weights.items() if "stages.1" not in k}
    save_file(stages, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SpecError, match=r"lacks weights.*stages\.1"):
        resnet(str(folder), CONTEXT).embed_images(items)
    shutil.copytree(tiny("resnet"), folder, dirs_exist_ok=True)
    (folder / "preprocessor_config.json").unlink()
    with pytest.raises(SpecError, match="preprocessor_config"):
        resnet(str(folder), CONTEXT).embed_images(items)


def test_bits_and_absent_models_are_refused(tiny: Tiny) -> None:
    with pytest.raises(SpecError, match="4 bits"):
        resnet(f"{tiny('resnet')},4bit", CONTEXT)
    with pytest.raises(SpecError, match="vision:FOLDER"):
        vision("/nowhere/at/all", CONTEXT)
    with pytest.raises(SpecError, match="names no model"):
        vision("", CONTEXT)


STAND_IN = """
import numpy as np
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = torch.nn.Linear(3, 4)

    def forward(self, pixels):
        return self.seen(pixels.mean((2, 3)))


class data:
    resolve_model_data_config = staticmethod(lambda model: {"input_size": (3, 8, 8), "mean": (0, 0, 0)})

    @staticmethod
    def create_transform(input_size, mean, is_training):
        assert not is_training
        return lambda image: torch.from_numpy(np.asarray(image.resize(input_size[1:])).transpose(2, 0, 1) / 255).float()


def create_model(name, pretrained, num_classes):
    if name != "resnet50.a1_in1k":
        raise RuntimeError(f"Unknown model ({name})")
    assert pretrained and num_classes == 0
    torch.manual_seed(0)
    return Net()
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "site"
    place.mkdir()
    (place / "timm.py").write_text(STAND_IN)
    (place / "torchvision.py").write_text("")
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "timm", raising=False)


@pytest.mark.usefixtures("installed")
def test_timm_gives_features_before_the_classifier(items: list[Item]) -> None:
    made = timm("resnet50.a1_in1k", CONTEXT)
    rows = rows_of(made.embed_images(items))
    assert rows.shape == (3, 4) and np.abs(rows[0] - rows[1]).max() > 0
    assert made.fingerprint != timm("resnet18.a1_in1k", CONTEXT).fingerprint
    with pytest.raises(SpecError, match=r"Unknown model \(no\).*\n.*list_pretrained"):
        timm("no", CONTEXT).embed_images(items)
    with pytest.raises(SpecError, match="names no model"):
        timm("", CONTEXT)


def test_timm_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import ictc.embedders.timm as module

    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torchvision" else object())
    with pytest.raises(MissingExtra) as told:
        timm("resnet50.a1_in1k", CONTEXT)
    assert "ictc[timm]" in told.value.hint
