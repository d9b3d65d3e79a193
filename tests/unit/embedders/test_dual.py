"""Dual encoders: the same vectors as the library's own way, batches that fit, and what cannot be loaded."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ictc.embed.images import CHUNK
from ictc.embedders.dual import DualEncoder, clip, hf
from ictc.embedders.encoder import _ON_CARD, _ON_CPU, Pixels
from ictc.errors import SpecError, Told
from ictc.interfaces import Vectors
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import EmbedderContext
from ictc.store import Store
from ictc.types import Failure, Item
from tests.tiny.fixture import Tiny

Breaking = Callable[[Path], None]
CONTEXT = EmbedderContext(Store(None), MiniLM(), ModelOptions(device="cpu"))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    rng = np.random.default_rng(1)
    files = [tmp_path / f"{i}.png" for i in range(7)]
    for file in files:
        Image.fromarray(rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)).save(file)
    return [Item(f.name, f, hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]


@pytest.mark.parametrize("name", ["clip", "siglip"])
def test_vectors_are_those_of_the_library_itself(name: str, tiny: Tiny, items: list[Item]) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    folder = tiny(name)
    made = hf(str(folder), CONTEXT)
    model = AutoModel.from_pretrained(folder).eval()
    pixels = AutoImageProcessor.from_pretrained(folder)(
        [Image.open(i.path) for i in items if i.path], return_tensors="pt"
    )
    tokenizer, texts = AutoTokenizer.from_pretrained(folder), ["a cat", "the red sofa near the window"]
    padding: dict[str, Any] = {"padding": "max_length", "max_length": 64} if name == "siglip" else {"padding": True}
    words = tokenizer(texts, return_tensors="pt", padding_side="right", **padding)
    mask = {} if name == "siglip" else {"attention_mask": words["attention_mask"]}
    with torch.inference_mode():
        seen = torch.nn.functional.normalize(model.get_image_features(**pixels).pooler_output, dim=1).numpy()
        said = model.get_text_features(input_ids=words["input_ids"], **mask).pooler_output
        read = torch.nn.functional.normalize(said, dim=1).numpy()
    np.testing.assert_allclose(np.stack(list(made.embed_images(items))), seen, atol=1e-5)
    np.testing.assert_allclose(made.embed_texts(texts), read, atol=1e-5)


@pytest.mark.parametrize(("name", "alike"), [("siglip", True), ("siglip2", True), ("clip", False)])
def test_only_siglip_reads_texts_in_lower_case(name: str, alike: bool, tiny: Tiny) -> None:
    made = hf(str(tiny(name)), CONTEXT)
    loud, quiet = made.embed_texts(["A CAT on a SOFA", "a cat on a sofa"])
    assert np.array_equal(loud, quiet) == alike


def test_a_text_that_is_cut_is_told_once(tiny: Tiny) -> None:
    made = clip(str(tiny("clip")), CONTEXT)
    with pytest.warns(Told, match=r"reads 24 tokens of a text, and not the end of: a cat a cat") as told:
        rows = made.embed_texts(["a dog", *(f"{'a cat ' * n}" for n in (40, 41))])
        made.embed_texts(["a truck " * 50])
    assert len(told) == 1
    np.testing.assert_array_equal(rows[1], rows[2])


def test_no_batch_of_a_chunk_is_a_stub() -> None:
    assert CHUNK % _ON_CPU == 0 and CHUNK % _ON_CARD == 0


class Cramped:
    """A device on which at most `most` images fit."""

    device, dim, hint = "cpu", 2, None

    def __init__(self, most: int) -> None:
        self.most = most
        self.batches: list[int] = []

    def pixels(self, image: Image.Image) -> Pixels:
        return {"mean": np.asarray(image, dtype=np.float32).mean((0, 1))[None]}

    def images(self, batch: Sequence[Pixels]) -> Vectors:
        self.batches.append(len(batch))
        if len(batch) > self.most:
            raise MemoryError
        rows = np.stack([p["mean"][0, :2] for p in batch])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def texts(self, texts: Sequence[str]) -> Vectors:
        return np.zeros((len(texts), 2), np.float32)


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_batches_are_halved_until_they_fit_and_nothing_is_lost(most: int, items: list[Item]) -> None:
    device = Cramped(most)
    whole = Cramped(100)
    found = DualEncoder(lambda: "x", ModelOptions(batch_size=5), lambda: device).embed_images(items)
    expected = DualEncoder(lambda: "x", ModelOptions(batch_size=5), lambda: whole).embed_images(items)
    np.testing.assert_array_equal(np.stack(found), np.stack(expected))
    assert device.batches[-1] <= most


def test_an_image_that_never_fits_is_a_failure(items: list[Item]) -> None:
    found = DualEncoder(lambda: "x", ModelOptions(batch_size=4), lambda: Cramped(0)).embed_images(items)
    assert [f.code for f in found if isinstance(f, Failure)] == ["out-of-memory"] * len(items)


def test_a_language_model_is_no_dual_encoder(tiny: Tiny) -> None:
    with pytest.raises(SpecError, match=r"clip:.*no dual encoder"):
        clip(str(tiny("llama")), CONTEXT).embed_texts(["a"])


def without(name: str) -> Breaking:
    return lambda folder: (folder / name).unlink()


def written(name: str, content: str) -> Breaking:
    return lambda folder: void((folder / name).write_text(content))


def void(_: object) -> None:
    pass


def cut_in_half(folder: Path) -> None:
    data = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(data[: len(data) // 2])


def lacking(part: str) -> Breaking:
    """Weights are missing from a file that is whole: transformers alone would fill them with random numbers."""

    def breaking(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        kept = {k: v for k, v in load_file(folder / "model.safetensors").items() if part not in k}
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})

    return breaking


def in_parts(folder: Path) -> None:
    """The second of two files of weights was not copied."""
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    files = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))


def without_index(folder: Path) -> None:
    in_parts(folder)
    (folder / "model.safetensors.index.json").unlink()


def sized(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "projection_dim": 8}))


def of_kind(kind: str) -> Breaking:
    def breaking(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, "model_type": kind}))

    return breaking


@pytest.mark.parametrize(
    ("breaking", "said", "hint"),
    [
        (without("model.safetensors"), "no weights", "Copy the weight files"),
        (cut_in_half, r"model\.safetensors is damaged, or was not copied whole", "Copy it again"),
        (written("model.safetensors", ""), r"damaged.*0 bytes", "Copy it again"),
        (lacking("vision"), r"lacks weights.*vision_model.*more", "Copy or save the folder again"),
        (lacking("visual_projection"), r"lacks weights.*: visual_projection\.weight\.", "Copy or save"),
        (in_parts, "no model-00002-of-00002.safetensors", "Copy it into the folder"),
        (without_index, "or model.safetensors.index.json", "Copy it into the folder"),
        (sized, "other sizes than its config.json", "Copy or save"),
        (without("config.json"), r"config\.json cannot be read", "as transformers saves it"),
        (written("config.json", "{"), r"config\.json cannot be read", "as transformers saves it"),
        (of_kind("bert"), "'bert'.*no dual encoder", "Choose a CLIP"),
        (of_kind("clip_vision_model"), "no dual encoder", "Choose a CLIP"),
        (of_kind("unheard-of"), "does not know", "upgrade transformers"),
        (lambda f: void((f / "model.safetensors").rename(f / "pytorch_model.bin")), "pickle", "safetensors"),
        (without("preprocessor_config.json"), "no preprocessor_config.json", "Copy it into the folder"),
        (written("preprocessor_config.json", "{"), "preprocessor_config.json' is not a valid JSON", "Copy or save"),
        (without("tokenizer.json"), "no tokenizer", "tokenizer.json"),
        (written("tokenizer.json", "{}"), r"cannot be loaded \(Tokenizer\)", "Copy or save"),
    ],
)
def test_a_folder_that_is_incomplete_is_told_about(
    tiny: Tiny, tmp_path: Path, breaking: Breaking, said: str, hint: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny("clip"), folder)
    breaking(folder)
    with pytest.raises(SpecError, match=said) as told:
        clip(str(folder), CONTEXT).embed_texts(["a"])
    assert hint in told.value.hint and str(folder) in told.value.message


def test_a_whole_folder_in_parts_gives_the_same_vectors(tiny: Tiny, tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    folder = tmp_path / "copy"
    shutil.copytree(tiny("clip"), folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(sorted(weights))}
    for file in set(files.values()):
        save_file({k: weights[k] for k, f in files.items() if f == file}, folder / file, metadata={"format": "pt"})
    index = {"metadata": {}, "weight_map": files}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    found, whole = (clip(str(f), CONTEXT).embed_texts(["a cat"]) for f in (folder, tiny("clip")))
    np.testing.assert_allclose(found, whole, atol=1e-6)


def test_code_that_comes_with_a_model_is_not_run_even_where_models_may(tiny: Tiny, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(tiny("clip"), folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {"model_type": "unheard-of", "auto_map": {"AutoModel": "code.Model", "AutoConfig": "code.Config"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "code.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(SpecError, match="runs code") as told:
        clip(str(folder), replace(CONTEXT, options=ModelOptions(trust_remote_code=True))).embed_texts(["a"])
    assert not (tmp_path / "ran").exists()
    assert "--trust" not in told.value.hint and "vectors:" in told.value.hint


def test_bits_are_for_language_models(tiny: Tiny) -> None:
    with pytest.raises(SpecError, match="4 bits"):
        clip(f"{tiny('clip')},4bit", CONTEXT)
