"""`sbert:` folders, and `openclip:` on a stand-in with open_clip's functions."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ictc.embedders.openclip import create as openclip
from ictc.embedders.sbert import create as sbert
from ictc.errors import MissingExtra, SpecError
from ictc.interfaces import JointEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM, model_folder
from ictc.registry import EmbedderContext
from ictc.store import Store
from ictc.types import Item

CONTEXT = EmbedderContext(Store(None), MiniLM(), ModelOptions(device="cpu"))
TEXTS = ["a cat on a sofa", "a truck", "", "a much longer sentence about a cat that sleeps on a red sofa"]


def test_a_sentence_transformers_folder_gives_the_vectors_of_the_embedded_model_that_lies_in_one() -> None:
    made = sbert(str(model_folder()), CONTEXT)
    np.testing.assert_allclose(made.embed_texts(TEXTS), MiniLM().embed_texts(TEXTS), atol=1e-5)
    assert sbert("", CONTEXT) is CONTEXT.text


@pytest.mark.parametrize("mode", ["cls_token", "max_tokens", "lasttoken"])
def test_pooling_is_as_the_folder_says(tmp_path: Path, mode: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder(), folder)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({f"pooling_mode_{mode}": True}))
    made, mean = sbert(str(folder), CONTEXT), sbert(str(model_folder()), CONTEXT)
    assert made.fingerprint != mean.fingerprint
    rows = made.embed_texts(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1], atol=1e-5)
    assert np.abs(rows - mean.embed_texts(TEXTS)).max() > 1e-3
    np.testing.assert_allclose(made.embed_texts(TEXTS[:1])[0], rows[0], atol=1e-5)  # padding is not pooled


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("modules.json", [{"path": "", "type": "x.Transformer"}, {"path": "d", "type": "x.Dense"}], "module Dense"),
        ("1_Pooling/config.json", {"pooling_mode_weightedmean_tokens": True}, "pooling"),
        ("1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_max_tokens": True}, "cls.max"),
    ],
)
def test_what_is_not_known_is_refused_at_once(tmp_path: Path, file: str, content: object, said: str) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder(), folder)
    (folder / file).write_text(json.dumps(content))
    with pytest.raises(SpecError, match=said):
        sbert(str(folder), CONTEXT)


def test_a_folder_without_all_weights_is_refused_and_what_is_not_used_may_be_missing(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "copy"
    shutil.copytree(model_folder(), folder)
    weights = load_file(folder / "model.safetensors")
    kept = {k: v for k, v in weights.items() if "pooler" not in k}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    np.testing.assert_allclose(sbert(str(folder), CONTEXT).embed_texts(TEXTS), MiniLM().embed_texts(TEXTS), atol=1e-5)
    save_file({k: v for k, v in kept.items() if "layer.5" not in k}, folder / "model.safetensors")
    with pytest.raises(SpecError, match=r"lacks weights.*layer\.5") as told:
        sbert(str(folder), CONTEXT).embed_texts(TEXTS)
    assert "Copy" in told.value.hint


STAND_IN = """
import numpy as np
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = torch.nn.Linear(3, 4)

    def encode_image(self, pixels):
        return self.seen(pixels.mean((2, 3)))

    def encode_text(self, tokens):
        return self.seen(tokens[:, :3].float())


def create_model_and_transforms(name, pretrained=None, device="cpu", precision="fp32"):
    if name != "ViT-B-32":
        raise RuntimeError(f"Model config for {name} not found.")
    torch.manual_seed(0)
    return Model().to(device), None, lambda image: torch.from_numpy(np.asarray(image).transpose(2, 0, 1) / 255).float()


def get_tokenizer(name):
    return lambda texts: torch.tensor([[len(t), t.count("a"), t.count("c"), 9] for t in texts])
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "open_clip.py").write_text(STAND_IN)
    (tmp_path / "torchvision.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "open_clip", raising=False)


@pytest.mark.usefixtures("installed")
def test_openclip_embeds_images_and_texts_into_one_space(tmp_path: Path) -> None:
    made = openclip("ViT-B-32/openai", CONTEXT)
    assert isinstance(made, JointEmbedder)
    items = []
    for colour in ("red", "green", "blue"):
        Image.new("RGB", (8, 8), colour).save(file := tmp_path / f"{colour}.png")
        items.append(Item(file.name, file, colour))
    rows = np.stack(list(made.embed_images(items)))
    texts = made.embed_texts(TEXTS)
    assert rows.shape == (3, 4) and texts.shape == (4, 4)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=1), [1, 1, 0, 1], atol=1e-5)
    assert made.fingerprint != openclip("ViT-B-32/laion400m_e32", CONTEXT).fingerprint


@pytest.mark.usefixtures("installed")
def test_openclip_says_which_names_there_are() -> None:
    for spec in ("", "ViT-B-32", "/openai"):
        with pytest.raises(SpecError, match="no trained model"):
            openclip(spec, CONTEXT)
    with pytest.raises(SpecError, match=r"cannot be loaded: Model config.*\n.*list_pretrained"):
        openclip("ViT-Z-1/openai", CONTEXT).embed_texts(["a"])


def test_openclip_without_its_packages_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import ictc.embedders.openclip as module

    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torchvision" else object())
    with pytest.raises(MissingExtra) as told:
        openclip("ViT-B-32/openai", CONTEXT)
    assert "ictc[openclip]" in told.value.hint
