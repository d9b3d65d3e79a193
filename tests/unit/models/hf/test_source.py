"""What a spec names, told without loading; what is refused, and what is to be typed then."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ictc.asking import ask
from ictc.errors import MissingExtra, SpecError
from ictc.modeloptions import ModelOptions
from ictc.models.hf import create, loading, read
from ictc.types import Reply, Request
from tests.tiny.captioners import ANSWERERS, CAPTIONERS
from tests.tiny.fixture import Tiny
from tests.tiny.vision import FAMILIES

CPU = ModelOptions(device="cpu")


def _edited(folder: Path, **config: object) -> Path:
    file = folder / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    return folder


@pytest.mark.parametrize(
    ("name", "family", "sees"),
    [("llama", "chat", False)]
    + [(n, "chat", True) for n in FAMILIES]
    + [(n, "caption", True) for n in CAPTIONERS]
    + [(n, "vqa", True) for n in ANSWERERS],
)
def test_the_configuration_tells_what_it_is(tiny: Tiny, name: str, family: str, sees: bool) -> None:
    source = read(str(tiny(name)))
    assert (source.family, source.sees) == (family, sees)


def test_nothing_heavy_is_imported_before_the_first_request(tiny: Tiny) -> None:
    code = (
        "import sys; from ictc.models.hf import create; from ictc.modeloptions import ModelOptions\n"
        f"m = create({str(tiny('llama'))!r}, ModelOptions()); print(m.fingerprint, list(m.generate([])))\n"
        "print([x for x in ('torch', 'transformers', 'huggingface_hub') if x in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_fingerprint_is_the_content_not_the_place(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llava"), tmp_path / "copy")
    fingerprint = create(str(tiny("llava")), CPU).fingerprint
    assert create(str(folder), CPU).fingerprint == fingerprint
    assert create(str(folder), ModelOptions(batch_size=3, device="cuda")).fingerprint == fingerprint
    others = [create(f"{folder},{bits}", CPU) for bits in ("4bit", "8bit")]
    others.append(create(str(folder), ModelOptions(image_side=7)))
    assert len({fingerprint, *(m.fingerprint for m in others)}) == 4
    (folder / "chat_template.jinja").write_text("changed")
    assert create(str(folder), CPU).fingerprint != fingerprint


@pytest.mark.parametrize("argument", ["", ",4bit", "model,3bit", "./nowhere", "/nowhere/at/all", "a/b/c"])
def test_a_spec_that_names_nothing_says_what_to_type(argument: str) -> None:
    with pytest.raises(SpecError) as error:
        create(argument, CPU)
    assert "hf:" in error.value.hint


def test_a_repository_that_cannot_be_fetched_gives_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(SpecError) as error:
        create("owner/some-model,4bit", CPU)
    assert "hf download owner/some-model" in error.value.hint


def test_pickles_are_never_opened(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llama"), tmp_path / "model")
    (folder / "model.safetensors").unlink()
    with pytest.raises(SpecError, match="no weights"):
        create(str(folder), CPU)
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    with pytest.raises(SpecError, match="pickle") as error:
        create(str(folder), CPU)
    assert "safetensors" in error.value.hint


def test_code_that_comes_with_a_model_is_refused_and_not_run(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llama"), tmp_path / "model")
    touched = tmp_path / "touched"
    (folder / "own.py").write_text(f"open({str(touched)!r}, 'w')\nclass Config: ...\nclass Model: ...\n")
    own = {"AutoConfig": "own.Config", "AutoModelForCausalLM": "own.Model"}
    _edited(folder, model_type="their_own", auto_map=own)
    with pytest.raises(SpecError) as error:
        list(create(str(folder), CPU).generate([Request("label", "cat")]))
    assert "--trust-remote-code" in error.value.hint
    assert not touched.exists()


def test_an_unknown_kind_of_model_says_so(tiny: Tiny, tmp_path: Path) -> None:
    folder = _edited(shutil.copytree(tiny("llama"), tmp_path / "model"), model_type="llama99")
    with pytest.raises(SpecError, match="llama99") as error:
        list(create(str(folder), CPU).generate([Request("label", "cat")]))
    assert "transformers" in error.value.hint


def test_damaged_weights_are_a_clear_error(tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("llama"), tmp_path / "model")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(SpecError, match="cannot be loaded"):
        list(create(str(folder), CPU).generate([Request("label", "cat")]))


@pytest.mark.parametrize("bits", ["4bit", "8bit"])
def test_quantized_on_the_cpu(tiny: Tiny, bits: str) -> None:
    pytest.importorskip("bitsandbytes")
    request = Request("label", "What is the mood?", max_tokens=6)
    [reply] = ask(create(f"{tiny('llama')},{bits}", CPU), [request])
    assert isinstance(reply, Reply) and reply.output_tokens > 0


def test_without_bitsandbytes_the_extra_is_named(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as error:
        list(create(f"{tiny('llama')},4bit", CPU).generate([Request("label", "cat")]))
    assert "ictc[quantized]" in error.value.hint


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed here")
def test_a_processor_that_cannot_do_without_torchvision_says_so_and_no_other_takes_its_place(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny("llava"), tmp_path / "model")
    for name in ("processor_config.json", "preprocessor_config.json"):
        file = folder / name
        file.write_text(json.dumps({**json.loads(file.read_text()), "processor_class": "PixtralProcessor"}))
    with pytest.raises(SpecError) as error:
        list(create(str(folder), CPU).generate([Request("label", "cat")]))
    assert "pip install torchvision" in error.value.hint


def test_a_model_that_has_no_words_says_so(tiny: Tiny, tmp_path: Path) -> None:
    folder = _edited(shutil.copytree(tiny("llava"), tmp_path / "model"), model_type="clip", architectures=["CLIPModel"])
    with pytest.raises(SpecError) as error:
        list(create(str(folder), CPU).generate([Request("label", "cat")]))
    assert "answers in words" in error.value.hint and len(str(error.value)) < 900


@pytest.mark.parametrize(("device", "said"), [("magic", "knows no such device"), ("mps", "finds none")])
def test_a_device_that_is_not_there_is_told(device: str, said: str) -> None:
    import torch

    if device == "mps" and torch.backends.mps.is_available():
        pytest.skip("This machine has it.")
    with pytest.raises(SpecError, match=said):
        loading.device_for(device)
