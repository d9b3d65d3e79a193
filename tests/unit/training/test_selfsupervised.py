"""SimCLR and BYOL: what they compute, that they learn, that an interruption changes nothing."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from torch.nn.functional import cosine_similarity, normalize

from ictc.errors import InputError, RunError, UsageError
from ictc.images.sources import read_source
from ictc.interfaces import Tick
from ictc.models.backbones.backbone import Backbone
from ictc.models.backbones.opening import open_backbone, open_trained
from ictc.progress import unwatched
from ictc.training.augment import View, augmented, drawn
from ictc.training.byol import byol, kept, train_byol
from ictc.training.loop import Device
from ictc.training.losses import nt_xent
from ictc.training.pictures import Pictures
from ictc.training.selfsupervised import RECIPE, Asked, spread
from ictc.training.settling import settle
from ictc.training.simclr import simclr, train_simclr
from tests.training import write_digits

CPU = Device("cpu")
TRAINERS: dict[str, Callable[..., dict[str, Any]]] = {"simclr": train_simclr, "byol": train_byol}
MILD = View(crop=0.5)
QUICK = replace(RECIPE, epochs=2, batch_size=8, lr=0.003)


def asked(images: Path, recipe: Any = QUICK, base: str = "small:2", side: int = 8, **more: Any) -> Asked:
    return Asked(str(images), base=base, side=side, recipe=recipe, crop=0.5, **more)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 images."""
    return write_digits(tmp_path_factory.mktemp("few") / "in", each=5, classes=4, side=8)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_digits(tmp_path_factory.mktemp("many") / "in", each=40, classes=5, side=8)


def grouped(backbone: Backbone, images: Path) -> float:
    """ARI of k-means on the unit features."""
    pictures = Pictures(read_source(str(images)).items, backbone.side, unwatched)
    with torch.inference_mode():
        rows = torch.cat([backbone.module.eval()(backbone.normalised(b)) for b in pictures.batches(64)])
    true = [i.name.split("/")[0] for i in pictures.items]
    seen = normalize(rows, dim=1).numpy()
    found = [KMeans(len(set(true)), n_init=5, random_state=s).fit_predict(seen) for s in range(3)]
    return float(np.mean([adjusted_rand_score(true, groups) for groups in found]))


@pytest.mark.parametrize("kind", TRAINERS)
def test_it_learns_and_beats_the_same_network_of_random_weights(kind: str, many: Path, tmp_path: Path) -> None:
    epochs, more = (10, {}) if kind == "simclr" else (20, {"solarise": 0.0})
    recipe = replace(RECIPE, epochs=epochs, batch_size=50, lr=0.003)
    told = TRAINERS[kind](asked(many, recipe, "small:8"), tmp_path / "out", CPU, **more)
    losses = [float(row["loss"]) for row in csv.DictReader((tmp_path / "out" / "loss.csv").open())]
    assert np.mean(losses[-4:]) < np.mean(losses[:4]) - 0.4
    assert told["facts"]["images"] == 200 and "warning" not in told["facts"]
    torch.manual_seed(RECIPE.seed)
    random = open_backbone("small:8", 8)
    settle(random.module, map(random.normalised, Pictures(read_source(str(many)).items, 8, unwatched).batches(64)))
    before, after = grouped(random, many), grouped(open_trained(tmp_path / "out"), many)
    print(kind, before, after)
    assert after > before + 0.1


def test_the_result_is_the_encoder_alone(few: Path, tmp_path: Path) -> None:
    for kind, train in TRAINERS.items():
        told = train(asked(few), tmp_path / kind, CPU)
        weights = load_file(tmp_path / kind / "model.safetensors")
        assert {name.partition(".")[0] for name in weights} == {"encoder"}
        assert told["made"]["dim"] == 8 and told["recipe"]["weights"] == "random"
        assert len((tmp_path / kind / "seen.txt").read_text().split()) == 20


@contextmanager
def _interrupted(stage: str, total: int) -> Iterator[Tick]:
    left = [4]

    def tick(done: int) -> None:
        left[0] -= done if stage == "train" else 0
        if left[0] < 0:
            raise KeyboardInterrupt

    yield tick


@pytest.mark.parametrize("kind", TRAINERS)
def test_interrupted_it_ends_with_the_same_bytes(
    kind: str, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ictc.training.loop.EVERY", 0.0)  # a checkpoint after every step
    train, what = TRAINERS[kind], asked(few)
    train(what, tmp_path / "whole", CPU)
    with pytest.raises(KeyboardInterrupt):
        train(what, tmp_path / "parts", CPU, _interrupted)
    assert (tmp_path / "parts" / "checkpoint").is_dir() and not (tmp_path / "parts" / "trained.json").exists()
    train(what, tmp_path / "parts", CPU)
    for name in ("model.safetensors", "loss.csv", "trained.json", "split.csv", "seen.txt"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


def test_a_checkpoint_of_another_architecture_is_refused(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ictc.training.loop.EVERY", 0.0)
    for base, out in (("small:2", "a"), ("small:3", "b")):
        with pytest.raises(KeyboardInterrupt):
            train_byol(asked(few, base=base), tmp_path / out, CPU, _interrupted)
    shutil.copytree(tmp_path / "a" / "checkpoint", tmp_path / "b" / "checkpoint", dirs_exist_ok=True)
    with pytest.raises(RunError, match="another architecture") as told:
        train_byol(asked(few, base="small:3"), tmp_path / "b", CPU)
    assert "--restart" in told.value.hint


def _batch(count: int = 4) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = np.random.default_rng(5)
    pixels = torch.from_numpy(draw.integers(0, 256, (count, 3, 8, 8), dtype=np.uint8))
    one, other = (torch.from_numpy(drawn(count, 8, MILD, draw)) for _ in range(2))
    return pixels, one, other


def test_simclr_compares_the_two_views_through_encoder_and_head() -> None:
    torch.manual_seed(1)
    backbone = open_backbone("small:2", 8)
    network: Any = simclr(backbone, 0.3).eval()
    pixels, one, other = _batch()
    a, b = (network.head(backbone.module(backbone.normalised(augmented(pixels, rows)))) for rows in (one, other))
    assert network(pixels, one, other).item() == pytest.approx(nt_xent(a, b, 0.3).item(), rel=1e-5)


def test_byol_predicts_both_ways_and_its_target_learns_by_following_alone() -> None:
    torch.manual_seed(1)
    backbone = open_backbone("small:2", 8)
    network: Any = byol(backbone, 0.9).eval()
    pixels, one, other = _batch()
    with torch.no_grad():
        for slow in network.target.parameters():
            slow.mul_(1.1)  # so that it is not the online network
    views = [backbone.normalised(augmented(pixels, rows)) for rows in (one, other)]
    p = [network.predictor(network.projector(network.encoder(v))) for v in views]
    z = [network.target(v) for v in views]
    wanted = (4 - 2 * cosine_similarity(p[0], z[1]) - 2 * cosine_similarity(p[1], z[0])).mean()
    loss = network(pixels, one, other)
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    loss.backward()
    assert all(x.grad is None and not x.requires_grad for x in network.target.parameters())
    assert all(x.grad is not None for n, x in network.named_parameters() if not n.startswith("target."))


def test_the_target_follows_as_it_is_published() -> None:
    """slow = tau slow + (1 - tau) fast, with tau = 1 - (1 - .9) (cos(pi share) + 1) / 2: .9, .95 and 1."""
    assert [kept(0.9, share) for share in (0, 0.5, 1)] == pytest.approx([0.9, 0.95, 1])
    network: Any = byol(open_backbone("small:2", 8), 0.9)
    slow, fast = next(network.target.parameters()), next(network.encoder.parameters())
    with torch.no_grad():
        slow.fill_(2.0)
        fast.fill_(1.0)
    last, own = list(network.target.parameters())[-1], list(network.projector.parameters())[-1]
    with torch.no_grad():
        last.fill_(0.0)
        own.fill_(10.0)
    network.stepped(0.5)
    assert float(slow.mean()) == pytest.approx(0.95 * 2 + 0.05) and float(last.mean()) == pytest.approx(0.5)
    network.stepped(1.0)
    assert float(slow.mean()) == pytest.approx(1.95) and fast.mean().item() == 1


def test_spread_by_hand() -> None:
    """(1, 0), (-1, 0), (0, 1), (0, -1): each number's deviation is the root of 1/2; times the root of 2 is 1."""
    assert spread(torch.tensor([[3.0, 0], [-1, 0], [0, 1], [0, -9]])) == pytest.approx(1)
    assert spread(torch.tensor([[1.0, 2], [2, 4]])) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", TRAINERS)
def test_images_that_are_all_alike_train_and_warn(kind: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(4):
        Image.new("RGB", (8, 8), (90, 90, 90)).save(tmp_path / "in" / f"{i}.png", compress_level=i + 1)
    told = TRAINERS[kind](asked(tmp_path / "in"), tmp_path / "out", CPU)
    assert told["facts"]["spread"] < 0.001 and "all alike" in told["facts"]["warning"]


def test_one_image_cannot_be_told_from_others(few: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(few / "n0" / "000.png", tmp_path / "in")
    (tmp_path / "in" / "bad.png").write_bytes(b"no image")
    with pytest.raises(InputError, match="one image to train on"):
        train_simclr(asked(tmp_path / "in"), tmp_path / "out", CPU)


def test_unreadable_images_are_left_out(few: Path, tmp_path: Path) -> None:
    images = Path(shutil.copytree(few, tmp_path / "in"))
    (images / "bad.png").write_bytes(b"\x89PNG broken")
    told = train_simclr(asked(images), tmp_path / "out", CPU)
    assert (told["facts"]["images"], told["facts"]["failed"]) == (20, 1)
    assert len((tmp_path / "out" / "seen.txt").read_text().split()) == 20


def test_a_rate_that_leads_nowhere_is_refused_before_anything_is_made(few: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--lr is 1e") as told:
        train_simclr(asked(few, replace(QUICK, lr=1e30, epochs=4, warmup=0)), tmp_path / "out", CPU)
    assert "up to 1, such as 0.001" in told.value.hint and not (tmp_path / "out").exists()


def test_a_last_batch_of_one_is_left_out(few: Path, tmp_path: Path) -> None:
    train_byol(asked(few, replace(QUICK, batch_size=19, epochs=3)), tmp_path / "out", CPU)
    assert len((tmp_path / "out" / "loss.csv").read_text().splitlines()) == 1 + 3


def test_a_share_is_held_apart_and_never_seen(few: Path, tmp_path: Path) -> None:
    what = asked(few, truth="folder", share=0.6)
    train_simclr(what, tmp_path / "out", CPU)
    rows = list(csv.DictReader((tmp_path / "out" / "split.csv").open()))
    apart = [r for r in rows if r["part"] == "test"]
    assert sorted(r["image"].split("/")[0] for r in apart) == ["n0", "n0", "n1", "n1", "n2", "n2", "n3", "n3"]
    assert not {r["sha256"] for r in apart} & set((tmp_path / "out" / "seen.txt").read_text().split())


def test_numbers_that_cannot_be(few: Path, tmp_path: Path) -> None:
    for train, more in ((train_simclr, {"temperature": 0.0}), (train_byol, {"tau": 1.5})):
        with pytest.raises(UsageError, match=next(iter(more))):
            train(asked(few), tmp_path / "out", CPU, **more)
    assert not (tmp_path / "out").exists()


def test_what_was_asked_is_kept(few: Path, tmp_path: Path) -> None:
    train_byol(asked(few), tmp_path / "out", CPU)
    recipe = json.loads((tmp_path / "out" / "trained.json").read_text())["recipe"]
    assert recipe["tau"] == 0.9 and [v["solarise"] for v in recipe["views"]] == [0, 0.2]
    with pytest.raises(UsageError, match=r"tau was 0\.9, now 0\.8"):
        train_byol(asked(few), tmp_path / "out", CPU, tau=0.8)
