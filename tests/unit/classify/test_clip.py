"""Zero-shot by a real CLIP architecture (tiny, random weights): the same answers as transformers' own `CLIPModel`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import invoke, write_coloured
from tests.tiny.fixture import Tiny


@pytest.mark.filterwarnings("ignore:clip")
def test_the_answers_are_those_of_the_library_itself(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    monkeypatch.chdir(tmp_path)
    folder, classes = tiny("clip"), ("cat", "red sofa", "window")
    old, new = write_coloured(tmp_path / "old"), write_coloured(tmp_path / "new", each=2, size=40)
    (tmp_path / "p.toml").write_text(f"classes = {json.dumps(classes)}\n")
    words = ("--embedder", f"clip:{folder}", "--prompts", "p.toml", "-o", "run", "--no-report")
    assert invoke("cluster", old, *words).exit_code == 0
    assert invoke("classify", "run", "--save", "saved").exit_code == 0
    done = invoke("classify", "saved", new, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["predictions"]
    model = AutoModel.from_pretrained(folder).eval()
    pixels = AutoImageProcessor.from_pretrained(folder)(
        [Image.open(new / p["image"]) for p in found], return_tensors="pt"
    )
    texts = AutoTokenizer.from_pretrained(folder)(
        [f"This is a {c}" for c in classes], return_tensors="pt", padding=True, padding_side="right"
    )
    with torch.inference_mode():
        logits = model(**texts, **pixels).logits_per_image
    assert [p["class"] for p in found] == [classes[j] for j in logits.argmax(1)]
    for row, p in zip(logits.argsort(1, descending=True).tolist(), found, strict=True):
        in_order = [p["probabilities"][classes[j]] for j in row]
        assert in_order == sorted(in_order, reverse=True)
        assert in_order[0] > in_order[-1]
