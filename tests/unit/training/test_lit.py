"""Locked-image tuning: the loss, what is tuned and what is not, and texts that cannot be."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from ictc.embed.images import CachedImages
from ictc.embedders.opening import open_images
from ictc.errors import InputError, RunError, SpecError, UsageError
from ictc.images.sources import read_source
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import model_folder
from ictc.models.weights import folder_digest
from ictc.store import Store
from ictc.training import compress
from ictc.training.lit import RECIPE, Asked, _batches, _network, contrastive, train_lit
from ictc.training.loop import Device
from ictc.training.pairs import filled
from ictc.training.texttowers import DualTower, open_tower
from tests.conftest import COLOURS
from tests.tiny.fixture import Tiny
from tests.vectored import results, stopping_after, write_vectored

CPU = Device("cpu")
QUICK = replace(RECIPE, epochs=5, batch_size=6, lr=0.003)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    return write_vectored(tmp_path_factory.mktemp("given"))


@pytest.fixture(scope="module")
def calm(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("calm") / "lit"
    train_lit(asked(given), out, CPU)
    return out


@pytest.fixture(scope="module")
def dual(given: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory, tiny: Tiny) -> Path:
    out = tmp_path_factory.mktemp("dual") / "lit"
    train_lit(clip(given, tiny), out, CPU)
    return out


def asked(given: tuple[Path, str]) -> Asked:
    templates = ("a photo of a {class} disc", "{class}")
    return Asked(str(given[0]), "folder", embedder=given[1], templates=templates, layers=1, recipe=QUICK)


def clip(given: tuple[Path, str], tiny: Tiny) -> Asked:
    return replace(asked(given), embedder=f"clip:{tiny('clip')}", recipe=replace(QUICK, epochs=4))


def opened(out: Path) -> CachedImages:
    return open_images(f"trained:{out}", Store(None), ModelOptions())


def nearest(embedder: CachedImages, images: Path) -> float:
    """How many images lie nearest to their colour's text."""
    items, names = read_source(str(images)).items, sorted(COLOURS)
    rows = np.stack(embedder.embed_images(items))  # type: ignore[arg-type]
    found = (rows @ embedder.embed_texts([f"a photo of a {name} disc" for name in names]).T).argmax(1)
    return float(np.mean([i.name.startswith(names[f]) for i, f in zip(items, found, strict=True)]))


def test_the_loss_is_that_computed_by_hand() -> None:
    images = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    texts = torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    # cosines: image 1 with the texts .6 and 0, image 2 .8 and 1; twice as much with scale 2
    one = [np.log(np.exp(1.2) + np.exp(0)) - 1.2, np.log(np.exp(1.6) + np.exp(2)) - 2]
    other = [np.log(np.exp(1.2) + np.exp(1.6)) - 1.2, np.log(np.exp(0) + np.exp(2)) - 2]
    both = torch.tensor([0, 1])
    found = contrastive(images, texts, both, both, torch.tensor(2.0))
    assert found.item() == pytest.approx((np.mean(one) + np.mean(other)) / 2, rel=1e-6)


def test_images_of_one_text_are_no_negatives_of_each_other() -> None:
    images = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    texts = torch.eye(2)
    alone = torch.arange(3)
    found = contrastive(images, texts, torch.tensor([0, 0, 1]), alone, torch.tensor(1.0))
    # rows of cosines with the texts of images 1, 2, 3: (1, 1, 0), (.6, .6, .8), (0, 0, 1); 1 and 2 are wanted alike
    logits = np.array([[1, 1, 0], [0.6, 0.6, 0.8], [0, 0, 1]])
    wanted = np.array([[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 1]])

    def entropy(scores: np.ndarray) -> float:
        return float(-(wanted * (scores - np.log(np.exp(scores).sum(1, keepdims=True)))).sum(1).mean())

    assert found.item() == pytest.approx((entropy(logits) + entropy(logits.T)) / 2, rel=1e-6)


def test_images_of_one_class_are_no_negatives_whatever_template_each_drew() -> None:
    images, texts = torch.eye(3)[:2], torch.tensor([[0.6, 0.8, 0.0], [0.0, 1.0, 0.0]])
    found = contrastive(images, texts, torch.tensor([0, 1]), torch.tensor([0, 0]), torch.tensor(2.0))
    logits = 2 * images @ texts.T
    both = [(torch.logsumexp(rows, 1) - rows.mean(1)).mean() for rows in (logits, logits.T)]  # each is wanted by half
    assert found.item() == pytest.approx(float(sum(both)) / 2, rel=1e-6)


def test_kinds_are_classes_of_labels_and_texts_of_a_file() -> None:
    tower = open_tower("lite0", 4, 0, 0)
    texts = [["a red disc", "red"]] * 8 + [["a blue disc", "blue"]] * 8
    rows, numbers = np.zeros((16, 4), np.float32), np.arange(16)
    for kinds in (["red"] * 8 + ["blue"] * 8, None):
        batch, count = _batches(tower, rows, texts, kinds)
        *_, which, alike = batch(numbers, np.random.default_rng(0))
        assert count == 4 and len(set(which.tolist())) == 4, "each template is drawn by some"
        assert alike.tolist() == ([0] * 8 + [1] * 8 if kinds else which.tolist())


def test_a_scale_at_its_limit_can_come_down_and_goes_no_higher(tiny: Tiny) -> None:
    """As published CLIPs have it: 4.6052, of which exp is more than 100."""
    tower = open_tower(f"clip:{tiny('clip')}", 0, 1, 0)
    tower.scale = float(torch.tensor(4.6052).exp())
    network = _network(tower)
    assert network.multiplied().item() == pytest.approx(100)
    ids, mask = tower.inputs(["red", "blue"])
    images = torch.nn.functional.normalize(torch.randn(2, tower(ids, mask).shape[1]), dim=1)
    network(images, ids, mask, torch.tensor([1, 0]), torch.tensor([1, 0])).backward()
    assert network.logit_scale.grad.item() != 0
    network.logit_scale.data.fill_(5)
    network.stepped(0.5)
    assert network.multiplied().item() == pytest.approx(100)
    network.logit_scale.data.fill_(4)
    network.stepped(1)
    assert network.logit_scale.item() == 4


def test_texts_come_to_lie_with_their_images(given: tuple[Path, str], calm: Path) -> None:
    facts = json.loads((calm / "trained.json").read_text())["facts"]
    assert (facts["images"], facts["tested"], facts["texts"], facts["without_text"]) == (18, 6, 6, 0)
    assert facts["accuracy"] == 1 and facts["temperature"] != 0.07, "it is learned"
    embedder = opened(calm)
    assert embedder.joint and nearest(embedder, given[0]) == 1
    rows = embedder.embed_texts(["a red disc", " ", "x"])
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), [1, 0, 1], atol=1e-6)
    losses = [float(r["loss"]) for r in csv.DictReader((calm / "loss.csv").open())]
    assert np.mean(losses[-3:]) < losses[0] and len(losses) == 15 and (calm / "loss.png").exists()
    assert embedder.seen == set((calm / "seen.txt").read_text().split()) and len(embedder.seen) == 18


def test_only_the_last_layers_are_tuned(calm: Path) -> None:
    weights, published = load_file(calm / "model.safetensors"), load_file(model_folder() / "model.safetensors")
    tuned = {name for name in weights if name.startswith("text.")}
    assert tuned and all(name.startswith("text.encoder.layer.5.") for name in tuned)
    assert all(
        (weights[name] != published[name.removeprefix("text.")]).any() for name in tuned if "key.bias" not in name
    )


def test_the_image_tower_is_as_it_was(given: tuple[Path, str], dual: Path, tiny: Tiny) -> None:
    before, after = (load_file(f / "model.safetensors") for f in (tiny("clip"), dual / "clip"))
    assert before.keys() == after.keys()
    changed = {n for n in before if before[n].tobytes() != after[n].tobytes()}
    assert changed and not any(name.startswith("vision") or name.startswith("visual") for name in changed)
    assert "text_projection.weight" in changed and "logit_scale" in changed
    assert not any("embedding" in n or "layers.0." in n for n in changed), "of two layers the last one is tuned"
    items = read_source(str(given[0])).items[::6]
    tuned, same, first = (
        opened(dual),
        *(open_images(f"clip:{f}", Store(None), ModelOptions()) for f in (dual / "clip", tiny("clip"))),
    )
    for one in (tuned, same):
        np.testing.assert_array_equal(np.stack(one.embed_images(items)), np.stack(first.embed_images(items)))  # type: ignore[arg-type]
    texts = ["a photo of a red disc"]
    np.testing.assert_array_equal(tuned.embed_texts(texts), same.embed_texts(texts))
    assert (tuned.embed_texts(texts) != first.embed_texts(texts)).any() and len(tuned.seen) == 18


@pytest.mark.parametrize("family", ["siglip", "align"])
def test_other_dual_encoders(given: tuple[Path, str], tmp_path: Path, tiny: Tiny, family: str) -> None:
    kind = "hf" if family == "align" else family
    one = replace(asked(given), embedder=f"{kind}:{tiny(family)}", recipe=replace(QUICK, epochs=1))
    train_lit(one, tmp_path / "out", CPU)
    before, after = (load_file(f / "model.safetensors") for f in (tiny(family), tmp_path / "out" / "clip"))
    changed = {n for n in before if before[n].tobytes() != after[n].tobytes()}
    assert changed and not any(n.startswith(("vision", "visual")) or "embedding" in n for n in changed)
    module = open_tower(one.embedder, 0, 1, 0)
    tuned = {n.removeprefix("model.") for n, weight in module.named_parameters() if weight.requires_grad}
    assert tuned <= changed | {n for n in tuned if "k_proj.bias" in n or "key.bias" in n}, (
        "nothing waits for a gradient"
    )
    assert opened(tmp_path / "out").embed_texts(["a red disc"]).any()


def test_a_tuned_dual_encoder_that_was_touched_is_told(dual: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(dual, tmp_path / "copied")
    assert opened(copied).fingerprint == opened(dual).fingerprint
    (copied / "clip" / "config.json").write_text((copied / "clip" / "config.json").read_text() + " ")
    with pytest.raises(SpecError, match="not what the training left"):
        opened(copied)


def test_two_tunings_that_differ_between_the_ends_of_the_file_are_two(
    tmp_path: Path, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ictc.models.weights._SAMPLE", 64)  # else all of a tiny model is read
    tower = open_tower(f"clip:{tiny('clip')}", 0, 1, 0)
    assert isinstance(tower, DualTower)
    found = []
    for name in "ab":
        tower.write(tmp_path / name, 50.0)
        config = json.loads((tmp_path / name / "config.json").read_text())
        whole = hashlib.sha256((tmp_path / name / "model.safetensors").read_bytes()).hexdigest()
        assert config["ictc_weights_sha256"] == whole
        found.append(open_images(f"clip:{tmp_path / name}", Store(None), ModelOptions()).fingerprint)
        dict(tower.named_parameters())["model.text_projection.weight"].data.mul_(-1)
    assert found[0] != found[1]


def test_weights_touched_between_the_ends_are_told(dual: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = json.loads((dual / "trained.json").read_text())["made"]
    assert made["sha256"] == hashlib.sha256((dual / "clip" / "model.safetensors").read_bytes()).hexdigest()
    assert made["sha256"] in opened(dual).fingerprint
    monkeypatch.setattr("ictc.models.weights._SAMPLE", 64)
    copied = shutil.copytree(dual, tmp_path / "copied")
    told = json.loads((copied / "trained.json").read_text())
    told["made"]["weights"] = folder_digest(str(copied / "clip"))
    (copied / "trained.json").write_text(json.dumps(told))
    assert opened(copied).embed_texts(["x"]).any()
    file = copied / "clip" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-2000] ^= 1
    file.write_bytes(content)
    with pytest.raises(SpecError, match="not what the training left"):
        opened(copied).embed_texts(["x"])


@pytest.mark.parametrize("tower", ["minilm", "clip"])
def test_interrupted_it_ends_with_the_same_bytes(
    given: tuple[Path, str], calm: Path, dual: Path, tmp_path: Path, tiny: Tiny, tower: str
) -> None:
    one = asked(given) if tower == "minilm" else clip(given, tiny)
    with pytest.raises(KeyboardInterrupt):
        train_lit(one, tmp_path / "out", CPU, stopping_after(8))
    kept = torch.load(tmp_path / "out" / "checkpoint" / "state.pt", weights_only=True)
    assert not any("embedding" in name for name in kept["module"]), "what is not tuned is not in a checkpoint"
    train_lit(one, tmp_path / "out", CPU)
    assert results(tmp_path / "out") == results(calm if tower == "minilm" else dual)


def test_a_checkpoint_of_another_architecture_is_told(given: tuple[Path, str], tmp_path: Path) -> None:
    for name, layers in (("none", 0), ("one", 1)):
        with pytest.raises(KeyboardInterrupt):
            train_lit(replace(asked(given), layers=layers), tmp_path / name, CPU, stopping_after(4))
    shutil.copy(tmp_path / "none" / "checkpoint" / "state.pt", tmp_path / "one" / "checkpoint" / "state.pt")
    with pytest.raises(RunError, match="another architecture"):
        train_lit(asked(given), tmp_path / "one", CPU)


def test_a_class_is_said_as_one_reads_it() -> None:
    assert filled(["a photo of a {class}", "{class}"], "sports_car") == ["a photo of a sports car", "sports car"]


def test_texts_of_a_file(given: tuple[Path, str], tmp_path: Path) -> None:
    """Half of the images have a text, under names of somebody else's."""
    file = tmp_path / "step1_result.jsonl"
    images = [i.name for i in read_source(str(given[0])).items]
    rows = [{"image_file": f"/data/x/{n}", "text": f"A {n.split('/')[0]} disc.", "model": "m"} for n in images[::2]]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    one = replace(asked(given), truth=None, texts=str(file), share=1.0, recipe=replace(QUICK, epochs=1))
    facts = train_lit(one, tmp_path / "out", CPU)["facts"]
    assert (facts["images"], facts["without_text"], facts["texts"], facts["accuracy"]) == (12, 12, 3, None)
    assert (tmp_path / "out" / "split.csv").read_text().count(",left\n") == 12
    table = tmp_path / "texts.csv"
    table.write_text("image,caption\n" + "".join(f"{r['image_file'][8:]},{r['text']}\n" for r in rows))
    again = train_lit(replace(one, texts=f"{table}:caption"), tmp_path / "out", CPU)
    assert again["facts"] == facts, "the same texts: it is done"
    table.write_text(table.read_text().replace("A red disc.", "Red."))
    with pytest.raises(UsageError, match="texts was"):
        train_lit(replace(one, texts=f"{table}:caption"), tmp_path / "out", CPU)


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"truth": None}, InputError, "needs the true classes"),
        ({"templates": ("a photo",)}, UsageError, "'a photo' has no {class}"),
        ({"templates": ()}, UsageError, "no template"),
        ({"texts": "none.jsonl"}, InputError, "no such file"),
        ({"layers": 7}, UsageError, "the text tower has 6"),
        ({"layers": -1}, UsageError, "from 0 to 6"),
        ({"embedder": "sbert:"}, SpecError, "texts, not images"),
        ({"embedder": "clip:none/of/this"}, SpecError, "no folder"),
    ],
)
def test_what_cannot_be_is_told(
    given: tuple[Path, str], tmp_path: Path, change: dict[str, object], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train_lit(replace(asked(given), **change), tmp_path / "out", CPU)  # type: ignore[arg-type]
    assert not (tmp_path / "out" / "trained.json").exists()


@pytest.mark.parametrize("tower", ["minilm", "clip"])
def test_more_layers_than_there_are_is_told_before_anything_is_done(
    given: tuple[Path, str], tmp_path: Path, tiny: Tiny, tower: str
) -> None:
    one = asked(given) if tower == "minilm" else clip(given, tiny)
    with pytest.raises(UsageError, match=r"--layers 999: the text tower has [26]"):
        train_lit(replace(one, layers=999), tmp_path / "out", CPU)
    assert not any(tmp_path.iterdir()), "no folder, and no store of vectors"


def test_to_begin_anew_leaves_no_tuned_encoder_behind(dual: Path, given: tuple[Path, str], tmp_path: Path) -> None:
    copied = shutil.copytree(dual, tmp_path / "copied")
    one = compress.Asked(str(given[0]), None, given[1], method="pca", dim=2)
    compress.train_compress(one, copied, CPU, restart=True)
    assert (copied / "model.safetensors").is_file() and not (copied / "clip").exists()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ('{"image": "elsewhere.png", "text": "A dog."}', "names none of the run's images"),
        ('{"image": "red/red-0.png", "text": "A dog."}\n{"image": "red/red-1.png", "text": "A dog."}', "the only one"),
        ('{"image": "red/red-0.png", "caption": "A dog."}', "has no column 'text'"),
    ],
)
def test_texts_that_teach_nothing_are_told(given: tuple[Path, str], tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "texts.jsonl").write_text(rows + "\n")
    with pytest.raises(InputError, match=said) as told:
        train_lit(replace(asked(given), texts=str(tmp_path / "texts.jsonl"), share=1.0), tmp_path / "out", CPU)
    assert "--texts" in told.value.hint and "--truth filename" not in told.value.hint


def test_another_text_model_or_weights_are_told(calm: Path, given: tuple[Path, str], tmp_path: Path) -> None:
    copied = shutil.copytree(calm, tmp_path / "copied")
    told = json.loads((copied / "trained.json").read_text())
    (copied / "trained.json").write_text(json.dumps({**told, "made": {**told["made"], "width": 7}}))
    with pytest.raises(SpecError, match="another architecture"):
        opened(copied).embed_texts(["x"])
    (copied / "trained.json").write_text(json.dumps({**told, "made": {**told["made"], "text": "other==1,mean"}}))
    with pytest.raises(SpecError, match="trained with the text model other==1"):
        opened(copied)
