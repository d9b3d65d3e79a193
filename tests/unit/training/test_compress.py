"""Vectors made into fewer numbers: what is computed, what is trained on, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn import decomposition

from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.errors import InputError, RunError, SpecError, UsageError
from ictc.images.sources import read_source
from ictc.interfaces import JointEmbedder
from ictc.modeloptions import ModelOptions
from ictc.models.trained import read_trained
from ictc.store import Store
from ictc.training.compress import Asked, compressor, principal, train_compress
from ictc.training.loop import Device
from ictc.training.recipe import Recipe
from ictc.training.vectors import spread
from tests.vectored import WIDTH, results, stopping_after, write_beside, write_vectored

CPU = Device("cpu")
METHODS = ("classes", "autoencoder", "pca")
QUICK = Recipe(epochs=8, batch_size=4, lr=0.05)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return write_vectored(tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def calm(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What each method leaves when nothing comes in between."""
    out = tmp_path_factory.mktemp("calm")
    for method in METHODS:
        train_compress(asked(given, method), out / method, CPU)
    return {method: out / method for method in METHODS}


def asked(given: tuple[Path, str], method: str = "classes", dim: int = 3) -> Asked:
    return Asked(str(given[0]), "folder", given[1], method, dim, QUICK)


def opened(out: Path) -> CachedImages:
    return open_images(f"trained:{out}", Store(None), ModelOptions())


def test_the_losses_are_those_computed_by_hand() -> None:
    rows, classes = torch.tensor([[3.0, 1.0], [1.0, 1.0]]), torch.tensor([0, 1])
    mean, scale = np.array([2, 1], np.float32), np.array([1, 2], np.float32)  # standardised: (1, 0) and (-1, 0)
    weights = {
        "encoder.weight": torch.tensor([[2.0, 0.0]]),  # 2 and -2; after the ReLU 2 and 0
        "encoder.bias": torch.zeros(1),
        "head.weight": torch.tensor([[1.0], [0.0]]),
        "head.bias": torch.tensor([0.0, 1.0]),
    }
    deciding = compressor(mean, scale, 1, 2, supervised=True)
    deciding.load_state_dict(weights, strict=False)  # scores (2, 1) of class 0, and (0, 1) of class 1
    by_hand = np.mean([np.log(np.exp(2) + np.exp(1)) - 2, np.log(np.exp(0) + np.exp(1)) - 1])
    assert deciding(rows, classes).item() == pytest.approx(by_hand)
    copying = compressor(mean, scale, 1, 2, supervised=False)
    copying.load_state_dict(weights, strict=False)  # (2, 1) for (1, 0), and (0, 1) for (-1, 0)
    assert copying(rows, classes).item() == pytest.approx((1 + 1 + 1 + 1) / 4)


def test_a_number_that_never_changes_is_only_centred() -> None:
    mean, scale = spread(np.array([[5, 1], [5, 3]], np.float32))
    assert (mean.tolist(), scale.tolist()) == ([5, 2], [1, 1])


def test_pca_is_scikit_learns_up_to_sign() -> None:
    rows = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32) * np.arange(1, 8, dtype=np.float32)
    theirs = decomposition.PCA(3, svd_solver="full").fit(rows.astype(np.float64))
    middle, axes, shares = principal(rows, 3)
    np.testing.assert_allclose(middle, theirs.mean_, atol=1e-6)
    np.testing.assert_allclose(np.abs((axes * theirs.components_).sum(1)), 1, atol=1e-9)
    np.testing.assert_allclose(shares, theirs.explained_variance_ratio_, atol=1e-9)
    assert (axes[np.arange(3), np.abs(axes).argmax(1)] > 0).all(), "the sign is fixed"


def test_the_classes_are_kept(given: tuple[Path, str], calm: dict[str, Path]) -> None:
    out = calm["classes"]
    done = train_compress(asked(given), out, CPU)  # it says what there is
    facts = done["facts"]
    assert (facts["images"], facts["tested"], facts["accuracy"], done["kind"]) == (18, 6, 1.0, "compress")
    items = read_source(str(given[0])).items
    embedder = opened(out)
    rows = np.stack([v for v in embedder.embed_images(items) if isinstance(v, np.ndarray)])
    base = np.load(given[1].removeprefix("vectors:"))
    base /= np.linalg.norm(base, axis=1, keepdims=True)  # as `vectors:` reads them
    w = {name: one.numpy() for name, one in read_trained(out).weights().items()}
    trained = [i for i, item in enumerate(items) if item.sha256 in embedder.seen]
    assert len(trained) == 18
    np.testing.assert_allclose(w["mean"], base[trained].mean(0), rtol=1e-5)
    np.testing.assert_allclose(w["scale"], base[trained].std(0), rtol=1e-4)
    by_hand = np.maximum((base - w["mean"]) / w["scale"] @ w["encoder.weight"].T + w["encoder.bias"], 0)
    np.testing.assert_allclose(rows, by_hand, atol=1e-5)
    assert rows.shape == (24, 3) and not isinstance(embedder._embedder, JointEmbedder)


@pytest.mark.parametrize("method", ["pca", "autoencoder"])
def test_without_classes(given: tuple[Path, str], calm: dict[str, Path], method: str) -> None:
    done = json.loads((calm[method] / "trained.json").read_text())
    assert done["kind"] == method and (calm[method] / "loss.png").exists() == (method == "autoencoder")
    rows = np.stack(opened(calm[method]).embed_images(read_source(str(given[0])).items))  # type: ignore[arg-type]
    if method == "pca":
        explained = done["facts"]["explained"]
        assert explained["total"] == pytest.approx(sum(explained["each"]), abs=1e-5) and 0.9 < explained["total"] <= 1
        assert rows.min() < 0, "no ReLU"
    else:
        assert 0 < done["facts"]["error"] < 0.7 and rows.min() == 0


def test_pca_needs_no_truth(given: tuple[Path, str], tmp_path: Path) -> None:
    assert train_compress(replace(asked(given, "pca"), truth=None), tmp_path / "out", CPU)["facts"]["images"] == 17


@pytest.mark.parametrize("method", METHODS)
def test_interrupted_it_ends_with_the_same_bytes(
    given: tuple[Path, str], calm: dict[str, Path], tmp_path: Path, method: str
) -> None:
    if method != "pca":
        with pytest.raises(KeyboardInterrupt):
            train_compress(asked(given, method), tmp_path / "stopped", CPU, stopping_after(23))
        assert (tmp_path / "stopped" / "checkpoint" / "state.pt").exists()
        with pytest.raises(SpecError, match="not finished"):
            opened(tmp_path / "stopped")
    train_compress(asked(given, method), tmp_path / "stopped", CPU)
    assert results(tmp_path / "stopped") == results(calm[method])
    assert [p.name for p in tmp_path.iterdir()] == ["stopped"], "nor are vectors left beside it"


def test_a_base_that_changed_or_is_gone_is_told(tmp_path: Path) -> None:
    given = write_vectored(tmp_path)
    train_compress(asked(given, "pca"), tmp_path / "out", CPU)
    file = Path(given[1].removeprefix("vectors:"))
    write_beside(given[0], file, seed=1)
    with pytest.raises(SpecError, match="as it was then; now it gives others") as changed:
        opened(tmp_path / "out")
    assert "ictc train compress --method pca ..." in changed.value.hint
    file.unlink()
    with pytest.raises(SpecError, match="which cannot be used"):
        opened(tmp_path / "out")
    write_beside(given[0], file)
    assert isinstance(opened(tmp_path / "out").embed_images(read_source(str(given[0])).items)[0], np.ndarray)


def test_weights_of_another_architecture_are_told(
    given: tuple[Path, str], calm: dict[str, Path], tmp_path: Path
) -> None:
    two, mixed = tmp_path / "two", tmp_path / "mixed"
    with pytest.raises(KeyboardInterrupt):
        train_compress(asked(given, dim=2), two, CPU, stopping_after(6))
    with pytest.raises(KeyboardInterrupt):
        train_compress(asked(given), mixed, CPU, stopping_after(6))
    shutil.copy(two / "checkpoint" / "state.pt", mixed / "checkpoint" / "state.pt")
    with pytest.raises(RunError, match="another architecture"):
        train_compress(asked(given), mixed, CPU)
    assert train_compress(asked(given), mixed, CPU, restart=True)["made"]["dim"] == 3
    train_compress(asked(given, dim=2), two, CPU)
    shutil.copy(two / "model.safetensors", mixed / "model.safetensors")
    with pytest.raises(SpecError, match="another architecture"):
        opened(mixed).embed_images(read_source(str(given[0])).items)


def test_a_finished_one_is_begun_anew_when_asked(given: tuple[Path, str], tmp_path: Path) -> None:
    train_compress(asked(given), tmp_path / "out", CPU)
    with pytest.raises(UsageError, match="dim was 3, now 2"):
        train_compress(asked(given, "classes", 2), tmp_path / "out", CPU)
    train_compress(asked(given, "pca"), tmp_path / "out", CPU, restart=True)
    names = {".lock", "model.safetensors", "seen.txt", "split.csv", "trained.json", "training.json"}
    assert {p.name for p in (tmp_path / "out").iterdir()} == names, "nothing of the one before"


def test_what_the_base_has_seen_is_seen_and_never_tested_on(
    given: tuple[Path, str], calm: dict[str, Path], tmp_path: Path
) -> None:
    spec = f"trained:{calm['classes']}"
    other = replace(asked(given, "pca", dim=2), embedder=spec, recipe=replace(QUICK, seed=1))
    train_compress(other, tmp_path / "second", CPU)
    first, second = (set((f / "seen.txt").read_text().split()) for f in (calm["classes"], tmp_path / "second"))
    split = [line.split(",") for line in (tmp_path / "second" / "split.csv").read_text().splitlines()[1:]]
    tested = {sha for _, sha, part in split if part == "test"}
    assert first < second and tested and not tested & second and len(second | tested) == 24
    assert opened(tmp_path / "second").seen == second


def test_images_without_a_vector_are_left(given: tuple[Path, str], tmp_path: Path) -> None:
    images = shutil.copytree(given[0], tmp_path / "images")
    write_beside(given[0], tmp_path / "v.npy")
    shutil.copytree(images / "red", images / "grey")
    for i, file in enumerate(sorted((images / "grey").iterdir())):
        file.write_bytes(file.read_bytes() + bytes([i]))  # other contents, which the file of vectors does not have
    one = Asked(str(images), "folder", f"vectors:{tmp_path / 'v.npy'}", dim=2, recipe=replace(QUICK, epochs=1))
    done = train_compress(one, tmp_path / "out", CPU)
    assert (done["facts"]["images"], done["facts"]["failed"], done["made"]["classes"]) == (
        18,
        8,
        ["blue", "green", "red"],
    )
    assert (tmp_path / "out" / "split.csv").read_text().count(",failed\n") == 8


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"truth": None}, InputError, "needs the true classes"),
        ({"dim": WIDTH + 1}, UsageError, f"have {WIDTH} numbers"),
        ({"dim": 0}, UsageError, "--dim is 0"),
        ({"method": "magic"}, UsageError, "there is none"),
        ({"method": "pca", "per_class": 1}, UsageError, "3 different vectors lie in 2 directions"),
        ({"embedder": "sbert:"}, SpecError, "texts, not images"),
        ({"embedder": "vectors:none.npy"}, UsageError, "none.npy"),
        ({"share": 0.0}, UsageError, "--train-share"),
        ({"per_class": 9}, InputError, "fewer different images"),
    ],
)
def test_what_cannot_be_is_told(
    given: tuple[Path, str], tmp_path: Path, change: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train_compress(replace(asked(given), **change), tmp_path / "out", CPU)  # type: ignore[arg-type]
    assert not list(tmp_path.glob("*.sqlite")) and not (tmp_path / "out" / "trained.json").exists()


def test_one_class_is_nothing_to_tell_apart(given: tuple[Path, str], tmp_path: Path) -> None:
    shutil.copytree(given[0] / "red", tmp_path / "one" / "red")
    with pytest.raises(InputError, match="All images are of one class"):
        train_compress(replace(asked(given), images=str(tmp_path / "one")), tmp_path / "out", CPU)


def test_a_runs_store_is_used_and_filled(given: tuple[Path, str], tmp_path: Path) -> None:
    train_compress(replace(asked(given, "pca"), run=tmp_path / "run"), tmp_path / "out", CPU)
    before = open_images(given[1], store := Store(tmp_path / "run" / "store.sqlite"), ModelOptions())
    assert before.missing(read_source(str(given[0])).items) == []
    store.close()
