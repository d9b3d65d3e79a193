"""The map: ridge regression as it is defined, and a joint embedder that needs none of the folders it was made from."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import Ridge

from ictc.embedders.opening import open_images
from ictc.errors import InputError, SpecError, UsageError
from ictc.images.sources import read_source
from ictc.interfaces import JointEmbedder, Trained
from ictc.modeloptions import ModelOptions
from ictc.models.trained import read_trained
from ictc.reasoners.spherical import unit
from ictc.store import Store
from ictc.training.byol import train_byol
from ictc.training.loop import Device
from ictc.training.mapping import STRENGTHS, Asked, fit_ridge, train_map
from ictc.training.selfsupervised import RECIPE
from ictc.training.selfsupervised import Asked as Views
from ictc.training.simclr import train_simclr
from ictc.types import Failure
from tests.conftest import write_coloured
from tests.tiny.fixture import tiny  # noqa: F401

RECIPE = replace(RECIPE, epochs=3, batch_size=12, lr=0.003)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, tiny: Callable[[str], Path]) -> Path:  # noqa: F811
    """in/: 24 images in three colours; simclr/ trained on all of them; byol/ on two thirds, at another size; clip/."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(tiny("clip"), root / "clip")
    write_coloured(root / "in", each=8, size=16)
    views = Views(str(root / "in"), base="small:4", side=8, recipe=RECIPE)
    train_simclr(views, root / "simclr", Device("cpu"))
    train_byol(replace(views, base="small:2", side=12, share=0.67), root / "byol", Device("cpu"))
    return root


def test_ridge_is_scikit_learns_and_its_errors_are_those_of_leaving_out() -> None:
    draw = np.random.default_rng(0)
    features = draw.normal(3, 5, (14, 6))
    features[:, 4] = 7.0  # says nothing
    joint = features[:, :3] @ draw.normal(size=(3, 4)) / 5 + draw.normal(0, 2, (14, 4))
    fitted = fit_ridge(features, joint)
    standard = (features - features.mean(0)) / np.where(features.std(0) > 0, features.std(0), np.inf)
    theirs = Ridge(alpha=fitted.strength * 14).fit(standard, joint)
    found = (features - fitted.mean) / fitted.scale @ fitted.weight + fitted.bias
    assert found == pytest.approx(theirs.predict(standard), abs=1e-9)

    def missed(alpha: float) -> np.ndarray:
        keep = [np.delete(np.arange(14), i) for i in range(14)]
        return np.array(
            [Ridge(alpha=alpha).fit(standard[k], joint[k]).predict(standard[[i]])[0] for i, k in enumerate(keep)]
        )

    errors = [((missed(14 * s) - joint) ** 2).sum() for s in STRENGTHS]
    assert STRENGTHS[int(np.argmin(errors))] == pytest.approx(fitted.strength)
    assert 1e-6 < fitted.strength < 1e4, "the best is within what is tried"
    means = np.array([np.delete(joint, i, 0).mean(0) for i in range(14)])
    assert fitted.explained == pytest.approx(1 - min(errors) / ((means - joint) ** 2).sum())
    best = missed(14 * fitted.strength)
    assert fitted.cosine == pytest.approx((unit(best) * unit(joint)).sum(1).mean())


def to_clip(made: Path, *encoders: str, **more: Any) -> Asked:
    what = Asked(str(made / "in"), [f"trained:{made / e}" for e in encoders or ("simclr",)], f"clip:{made / 'clip'}")
    return replace(what, **more)


def opened(spec: str) -> Any:
    return open_images(spec, Store(None), ModelOptions())


def rows(spec: str, images: Path) -> np.ndarray:
    found = opened(spec).embed_images(read_source(str(images)).items)
    return np.array([f for f in found if not isinstance(f, Failure)])


def test_it_is_what_its_definition_says_and_needs_its_own_folder_alone(made: Path, tmp_path: Path) -> None:
    images, encoders = made / "in", [f"trained:{made / kind}" for kind in ("simclr", "byol")]
    features, joint = (
        np.hstack([rows(e, images) for e in encoders]).astype(float),
        rows(f"clip:{made / 'clip'}", images).astype(float),
    )
    fitted = fit_ridge(*(np.array(list({r.tobytes(): r for r in m}.values())) for m in (features, joint)))
    mapped = unit((features - fitted.mean) / fitted.scale @ fitted.weight + fitted.bias)
    for weight, wanted in ((1.0, mapped), (0.5, unit(unit(joint) + mapped))):
        told = train_map(to_clip(made, "simclr", "byol", weight=weight), tmp_path / f"{weight}")
        assert told["facts"]["width"] == 16 + 8 and told["facts"]["variance"] > 0.3
        for kind in ("simclr", "byol"):
            shutil.move(made / kind, made / "away")  # the map has the weights itself
            try:
                assert rows(f"trained:{tmp_path / str(weight)}", images) == pytest.approx(wanted, abs=1e-5)
            finally:
                shutil.move(made / "away", made / kind)


def test_texts_find_the_same_images_as_before_far_above_chance(made: Path, tmp_path: Path) -> None:
    """With the embedded joint space, whose texts mean something."""
    train_map(Asked(str(made / "in"), [f"trained:{made / 'simclr'}"]), tmp_path / "map")
    embedder = opened(f"trained:{tmp_path / 'map'}")
    assert embedder.joint
    assert isinstance(embedder._embedder, JointEmbedder) and isinstance(embedder._embedder, Trained)
    own = opened("offline")
    texts = ["strawberry", "ladybug", "traffic light", "leaf", "cucumber", "blue sky", "balloon", "plate", "lens"]
    meant = embedder.embed_texts(texts)
    assert (meant == own.embed_texts(texts)).all(), "texts stay where they were"
    items = read_source(str(made / "in")).items
    before, after = (np.array(e.embed_images(items)) @ meant.T for e in (own, embedder))
    ranks = (after.argsort(1).argsort(1)[np.arange(len(items)), before.argmax(1)]).mean()
    assert ranks > 6, "by chance each image's own text stands at rank 4 of 0 to 8"


def test_it_has_seen_what_its_encoders_saw(made: Path, tmp_path: Path) -> None:
    parts = tmp_path / "in"
    write_coloured(parts, each=2, size=16)
    told = train_map(to_clip(made, "simclr", "byol", images=str(parts)), tmp_path / "map")
    seen = read_trained(tmp_path / "map").seen
    assert read_trained(made / "simclr").seen <= seen and {i.sha256 for i in read_source(str(parts)).items} <= seen
    assert opened(f"trained:{tmp_path / 'map'}").seen == seen and told["facts"]["images"] == 6


def test_what_an_encoder_saw_is_not_held_apart(made: Path, tmp_path: Path) -> None:
    train_map(to_clip(made, share=0.5), tmp_path / "map")
    parts = [line.rpartition(",")[2] for line in (tmp_path / "map" / "split.csv").read_text().splitlines()[1:]]
    assert parts.count("train") == 12 and parts.count("left") == 12


def test_into_a_dual_encoder_and_only_while_it_is_the_same(
    made: Path,
    tmp_path: Path,
    tiny: Callable[[str], Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copytree(tiny("clip"), tmp_path / "clip")
    monkeypatch.chdir(tmp_path)
    told = train_map(Asked(str(made / "in"), [f"trained:{made / 'simclr'}"], to="clip:clip"), tmp_path / "map")
    assert told["made"]["base"] == f"clip:{tmp_path / 'clip'}", "the same from any folder"
    monkeypatch.chdir(made)
    assert rows(f"trained:{tmp_path / 'map'}", made / "in").shape == (24, 16)
    config = json.loads((tmp_path / "clip" / "config.json").read_text())
    (tmp_path / "clip" / "config.json").write_text(json.dumps({**config, "was": "changed"}))
    with pytest.raises(SpecError, match="as it was then") as refused:
        opened(f"trained:{tmp_path / 'map'}")
    assert "--to clip:" in refused.value.hint


def test_images_that_fail_are_failures_in_their_places(made: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(made / "in", tmp_path / "in"))
    (images / "a.png").write_bytes(b"\x89PNG broken")
    told = train_map(to_clip(made, images=str(images), weight=0.5), tmp_path / "map")
    assert (told["facts"]["images"], told["facts"]["failed"]) == (24, 1)
    found = opened(f"trained:{tmp_path / 'map'}").embed_images(read_source(str(images)).items)
    assert isinstance(found[0], Failure) and not any(isinstance(f, Failure) for f in found[1:])


def test_images_that_are_all_alike_warn_and_one_is_too_few(made: Path, tmp_path: Path) -> None:
    for count in (1, 3):
        folder = tmp_path / str(count)
        folder.mkdir()
        for i in range(count):
            Image.new("RGB", (8, 8), (90, 90, 90)).save(folder / f"{i}.png", compress_level=i + 1)
    what = to_clip(made, images=str(tmp_path / "3"))
    told = train_map(what, tmp_path / "map")
    assert "no better than the mean" in told["facts"]["warning"]
    assert np.isfinite(rows(f"trained:{tmp_path / 'map'}", tmp_path / "3")).all()
    with pytest.raises(InputError, match="1 of 1 images"):
        train_map(replace(what, images=str(tmp_path / "1")), tmp_path / "one")


def test_a_finished_one_is_told_and_another_refused(made: Path, tmp_path: Path) -> None:
    what = to_clip(made)
    told = train_map(what, tmp_path / "map")
    assert train_map(what, tmp_path / "map") == told
    with pytest.raises(UsageError, match=r"weight was 1\.0, now 0\.5"):
        train_map(replace(what, weight=0.5), tmp_path / "map")
    again = train_map(replace(what, weight=0.5), tmp_path / "map", restart=True)
    assert again["made"]["weight"] == 0.5 and not list(tmp_path.glob(".map*"))


def test_what_cannot_be_mapped_is_told(made: Path, tmp_path: Path) -> None:
    what = to_clip(made)
    train_map(what, tmp_path / "map")
    for wrong, said in (
        (replace(what, encoders=["lite0"]), "not trained here"),
        (replace(what, encoders=[f"trained:{tmp_path / 'map'}"]), "no network of images"),
        (replace(what, encoders=[f"trained:{tmp_path / 'none'}"]), "no trained.json"),
        (replace(what, to="lite0"), "images alone"),
        (replace(what, weight=0.0), "--weight is 0"),
        (replace(what, encoders=[]), "no encoder"),
    ):
        with pytest.raises(UsageError, match=said):
            train_map(wrong, tmp_path / "out")
    assert not (tmp_path / "out").exists()
