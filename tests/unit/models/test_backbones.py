"""Networks that can be trained: from specs, and made again from what a training keeps."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from ictc.errors import MissingExtra, SpecError
from ictc.models.backbones.opening import load, open_backbone, rebuild
from tests.tiny.encoders import dinov2, efficientnet, resnet, vit


def own() -> torch.nn.Module:
    return torch.nn.Sequential(torch.nn.Conv2d(3, 5, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())


@pytest.fixture
def specs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    module = ModuleType("my_nets")
    module.own, module.wrong = own, lambda: torch.nn.Conv2d(3, 5, 3)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "my_nets", module)
    for family in (resnet, efficientnet, dinov2):
        family(tmp_path / family.__name__)
    folders = {name: f"{name}:{tmp_path / name}" for name in ("resnet", "efficientnet", "dinov2")}
    vit(tmp_path / "vit")
    return {"small": "small:4", "torch": "torch:my_nets:own", "vit": f"vision:{tmp_path / 'vit'}", **folders}


@pytest.mark.parametrize("name", ["small", "torch", "resnet", "efficientnet", "dinov2", "vit"])
def test_made_again_it_gives_the_same(specs: dict[str, str], name: str) -> None:
    torch.manual_seed(0)
    backbone = open_backbone(specs[name], None if name in ("dinov2", "vit") else 32)
    again = rebuild(json.loads(json.dumps(backbone.made)), trust=True)
    load(again.module, backbone.module.state_dict(), name)
    pixels = torch.rand(2, 3, backbone.side, backbone.side)
    with torch.inference_mode():
        rows = backbone.module.eval()(backbone.normalised(pixels))
        assert rows.shape == (2, backbone.dim) == (2, again.dim)
        torch.testing.assert_close(again.module.eval()(again.normalised(pixels)), rows)


def test_features_are_those_of_the_embedder(specs: dict[str, str], tmp_path: Path) -> None:
    """`vision:DIR` to train on and `vision:DIR` to embed with are one network."""
    from PIL import Image

    from ictc.embedders.vision import vision as embedder
    from ictc.images.sources import read_source
    from ictc.models.minilm import MiniLM
    from ictc.registry import EmbedderContext
    from ictc.store import Store
    from ictc.training.pictures import as_floats, square_of

    backbone = open_backbone(specs["vit"])
    Image.effect_noise((backbone.side, backbone.side), 90).convert("RGB").save(tmp_path / "x.png")
    item = read_source(str(tmp_path / "x.png")).items[0]
    [theirs] = embedder(specs["vit"].partition(":")[2], EmbedderContext(Store(None), MiniLM())).embed_images([item])
    pixels = torch.from_numpy(square_of(item, backbone.side))[None].permute(0, 3, 1, 2)
    with torch.inference_mode():
        ours = backbone.module.eval()(backbone.normalised(as_floats(pixels)))[0]
    torch.testing.assert_close(ours, torch.from_numpy(theirs), atol=1e-4, rtol=1e-3)


def test_random_or_published_weights(specs: dict[str, str]) -> None:
    def first(pretrained: bool) -> Any:
        return next(iter(open_backbone(specs["resnet"], pretrained=pretrained).module.parameters()))

    assert torch.equal(first(True), first(True)) and not torch.equal(first(True), first(False))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("", "no network"),
        ("offline", "no network"),
        ("lite0:big", "no network"),
        ("small:wide", "number"),
        ("small:0", "number"),
        ("torch:my_nets:nothing", "cannot be made"),
        ("torch:my_nets:wrong", "not [1, d]"),
        ("torch:nowhere:own", "cannot be made"),
        ("vision:/nowhere/at/all", "nowhere"),
        ("trained:/nowhere/at/all", "no trained.json"),
    ],
)
def test_what_is_none(specs: dict[str, str], spec: str, said: str) -> None:
    with pytest.raises(SpecError, match=said.replace("[", r"\[")):
        open_backbone(spec)


def test_a_folder_runs_no_code_unless_it_is_trusted(specs: dict[str, str]) -> None:
    made = dict(open_backbone("torch:my_nets:own").made)
    with pytest.raises(SpecError, match="torch:my_nets:own") as told:
        rebuild(made)
    assert "--trust-remote-code" in told.value.hint


def test_timm_needs_its_extra() -> None:
    pytest.importorskip("torch")
    if "timm" in sys.modules:
        pytest.skip("timm is there")
    with pytest.raises(MissingExtra, match="timm:resnet18"):
        open_backbone("timm:resnet18")


def test_weights_of_another_architecture() -> None:
    with pytest.raises(SpecError, match="another architecture"):
        load(open_backbone("small:4").module, open_backbone("small:8").module.state_dict(), "x")
