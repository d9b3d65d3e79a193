"""The embedded vision model: the same numbers as the package's own network, alone or in company."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from ictc.models.efficientnet import CLASSES, DIM, EfficientNetLite0, batch_for, side_for, weights_path

RANDOM = np.random.default_rng(0)


def pixels(n: int, side: int = 128) -> np.ndarray:
    return RANDOM.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def net() -> EfficientNetLite0:
    return EfficientNetLite0()


def test_folded_network_gives_the_scores_of_the_packages_own() -> None:
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    original = EfficientNet.from_name("efficientnet-lite0")
    original.load_state_dict(torch.load(weights_path(), weights_only=True))
    batch = pixels(2, 224)
    with torch.inference_mode():
        wanted = original.eval()((torch.from_numpy(batch).permute(0, 3, 1, 2).float() - 127) / 128).numpy()
    exact = EfficientNetLite0(bf16=False)
    np.testing.assert_allclose(exact.head().logits(exact.features(batch)), wanted, atol=2e-3)


@pytest.mark.parametrize("side", [128, 224])
def test_features_do_not_depend_on_the_company(net: EfficientNetLite0, side: int) -> None:
    n = batch_for(side) + 1  # one more than a pass takes
    batch = pixels(n, side)
    together = net.features(batch)
    assert together.shape == (n, DIM)
    assert together.dtype == np.float32
    np.testing.assert_array_equal(net.features(batch[3:4])[0], together[3])
    np.testing.assert_array_equal(net.features(batch[-1:])[0], together[-1])
    np.testing.assert_array_equal(net.features(batch[::-1].copy())[::-1], together)
    assert not np.array_equal(together[0], together[1])


def test_bfloat16_and_float32_see_the_same() -> None:
    batch = pixels(4)
    exact, fast = (EfficientNetLite0(bf16=b).features(batch) for b in (False, True))
    cosine = (exact * fast).sum(1) / np.linalg.norm(exact, axis=1) / np.linalg.norm(fast, axis=1)
    assert cosine.min() > 0.97


def test_the_fingerprint_tells_the_precision_apart() -> None:
    assert EfficientNetLite0(bf16=True).fingerprint != EfficientNetLite0(bf16=False).fingerprint


def test_head_has_a_column_per_class(net: EfficientNetLite0) -> None:
    assert net.head().weight.shape == (DIM, CLASSES)
    assert net.head().bias.shape == (CLASSES,)


@pytest.mark.parametrize(("size", "side"), [((32, 32), 128), ((63, 20), 128), ((64, 64), 224), ((4000, 30), 224)])
def test_tiny_images_are_not_blown_up_to_224(size: tuple[int, int], side: int) -> None:
    assert side_for(*size) == side


def test_the_module_does_not_import_torch() -> None:
    code = (
        "import sys, ictc.models.efficientnet as m; m.EfficientNetLite0().fingerprint; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
