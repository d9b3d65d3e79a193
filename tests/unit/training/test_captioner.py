"""BLIP tuned on template captions: it learns, is used by its folder, and goes on after a kill to the same bytes."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ictc.errors import IctcError, InputError, RunError, SpecError, StepError, UsageError
from ictc.images.sources import read_source
from ictc.interfaces import Tick, Trained
from ictc.modeloptions import ModelOptions
from ictc.models.minilm import MiniLM
from ictc.registry import DescriberContext, EmbedderContext, describer, embedder
from ictc.stopping import stop_soon
from ictc.store import Store
from ictc.training.blip import placed
from ictc.training.captioner import Asked, caption, train_captioner
from ictc.training.loop import Device
from ictc.training.recipe import Recipe
from ictc.types import Description
from tests.conftest import invoke
from tests.tiny.fixture import Tiny
from tests.training import write_digits

NAMES = {"n0": "acoustic_guitar", "n1": "cat", "n2": "red_truck"}
CPU = Device("cpu")
SHORT = Recipe(epochs=2, batch_size=2, lr=1e-3)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real digits under the names of other things: what is learned can be in no weights before."""
    folder = write_digits(tmp_path_factory.mktemp("digits"), each=8, classes=3, side=28)
    for old, new in NAMES.items():
        (folder / old).rename(folder / new)
    return folder


@pytest.fixture(scope="module")
def tuned(tiny: Tiny, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("out") / "tuned"
    asked = Asked(str(pictures), "folder", str(tiny("blip-learner")), recipe=Recipe(20, 4, 1e-2))
    return out, train_captioner(asked, out, CPU)


@pytest.fixture
def short(tiny: Tiny, pictures: Path) -> Asked:
    """12 images, 2 a batch, 2 batches a step: 3 steps an epoch."""
    return Asked(str(pictures), "folder", str(tiny("blip-learner")), recipe=SHORT, per_class=4)


def test_it_learns_to_say_the_classes(tuned: tuple[Path, dict[str, Any]], pictures: Path) -> None:
    out, done = tuned
    losses = [float(line.split(",")[2]) for line in (out / "loss.csv").read_text().splitlines()[1:]]
    assert len(losses) == 20 * 3 and losses[-1] < 0.1 * losses[0]
    assert (out / "loss.png").read_bytes().startswith(b"\x89PNG") and not (out / "checkpoint").exists()
    facts = done["facts"]
    assert (facts["images"], facts["tested"]) == (18, 6) and facts["accuracy"] >= 0.8, "others of the same class"
    parts = [line.rsplit(",", 1) for line in (out / "split.csv").read_text().splitlines()[1:]]
    seen = {line.split(",")[1] for line, part in parts if part == "train"}
    assert seen == set((out / "seen.txt").read_text().split()) and len(seen) == 18
    items = [i for i in read_source(str(pictures)).items if i.sha256 in seen]
    made = describer(f"hf:{out}", DescriberContext(Store(None), MiniLM(), options=ModelOptions(device="cpu")))
    said = made.describe(items, "their mood")  # it says what it was taught, whatever is asked
    texts = [s.text if isinstance(s, Description) else s.code for s in said]
    wanted = [caption("this is an image of {class}", i.name.split("/")[0]) for i in items]
    assert sum(a == b for a, b in zip(texts, wanted, strict=True)) >= 17


def test_it_embeds_by_its_captions_and_knows_what_it_saw(tuned: tuple[Path, dict[str, Any]], pictures: Path) -> None:
    out, _ = tuned
    items = read_source(str(pictures)).items
    context = EmbedderContext(Store(None), MiniLM(), ModelOptions(device="cpu"))
    made: Any = embedder(f"trained:{out}", context)
    assert isinstance(made, Trained) and made.seen == set((out / "seen.txt").read_text().split())
    rows = np.stack(made.embed_images(items))
    other: Any = embedder(f"described:hf:{out}", context)
    assert other.seen == made.seen and other.fingerprint == made.fingerprint
    classes = [i.name.split("/")[0] for i in items]
    means = {c: rows[[x == c for x in classes]].mean(0) for c in set(classes)}
    assert np.mean([max(means, key=lambda m: row @ means[m]) == c for row, c in zip(rows, classes, strict=True)]) > 0.9


def test_what_its_base_was_trained_on_counts(tuned: tuple[Path, dict[str, Any]], short: Asked, tmp_path: Path) -> None:
    base, out = tuned[0], tmp_path / "out"
    asked = replace(short, base=f"hf:{base}", per_class=None, share=0.1, recipe=replace(SHORT, epochs=1))
    facts = train_captioner(asked, out, CPU)["facts"]
    rows = [line.rsplit(",", 2)[1:] for line in (out / "split.csv").read_text().splitlines()[1:]]
    before, seen = (set((folder / "seen.txt").read_text().split()) for folder in (base, out))
    assert seen == before | {sha for sha, part in rows if part == "train"}
    assert {sha for sha, part in rows if part == "left"} and not before & {s for s, part in rows if part == "test"}
    assert facts["tested"] == sum(part == "test" for _, part in rows) <= 6
    context = EmbedderContext(Store(None), MiniLM())
    for spec in (f"hf:{out}", f"hf:{out},4bit", f"vlm:hf:{out},8bit"):
        assert getattr(embedder(f"described:{spec}", context), "seen", None) == seen, spec


def test_a_run_remarks_that_its_describer_was_trained_on_its_images(
    tuned: tuple[Path, dict[str, Any]], pictures: Path, tmp_path: Path
) -> None:
    words = ("-c", "thing", "-k", 3, "--describer", f"hf:{tuned[0]}", "--device", "cpu", "-o", tmp_path / "run")
    done = invoke("run", pictures, *words)
    said = " ".join(done.stderr.split())
    assert "describer was trained on 18 of these 24 images" in said and "described:SPEC" in said, done.output


def test_another_gpu_than_the_first_is_named_as_the_trainer_takes_it(
    short: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    for visible, number in (("", "1"), ("4,6", "6")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        with pytest.raises(UsageError, match="first GPU") as caught:
            train_captioner(short, tmp_path / "out", Device("cuda:1"))
        assert f"CUDA_VISIBLE_DEVICES={number} ictc train captioner ... --device cuda" in caught.value.hint
    assert not (tmp_path / "out").exists() and placed(Device("cuda:0")) == ("cuda:0", "fp16")


def test_finished_is_finished_and_another_training_is_refused(
    tuned: tuple[Path, dict[str, Any]], tiny: Tiny, pictures: Path
) -> None:
    out, done = tuned
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    asked = Asked(str(pictures), "folder", str(tiny("blip-learner")), recipe=Recipe(20, 4, 1e-2))
    assert train_captioner(asked, out, CPU) == json.loads(json.dumps(done))
    with pytest.raises(UsageError, match=r"template was .* now A \{class\}") as caught:
        train_captioner(replace(asked, template="A {class}"), out, CPU)
    assert "--restart" in caught.value.hint
    assert {file: file.stat().st_mtime_ns for file in out.iterdir()} == before


def test_batches_that_are_accumulated_are_as_one(short: Asked, tmp_path: Path) -> None:
    """BLIP's forward takes the Trainer's count of items and ignores it: the sum would be twice the mean."""
    losses, weights = [], []
    for batch, accumulate in ((4, 1), (2, 2)):
        out = tmp_path / f"{batch}"
        recipe = Recipe(1, batch, 1e-3)
        asked = replace(short, recipe=recipe, accumulate=accumulate, template="{class}", truth=str(_same_length(short)))
        train_captioner(asked, out, CPU)
        losses.append([float(line.split(",")[2]) for line in (out / "loss.csv").read_text().splitlines()[1:]])
        weights.append(_weights(out))
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-3)
    for name, weight in weights[0].items():
        np.testing.assert_allclose(weight, weights[1][name], atol=2e-4, err_msg=name)


def _same_length(asked: Asked) -> Path:
    """Classes of as many tokens each, so that means of means are means."""
    truth = Path(asked.base).parent / "same.csv"
    names = [i.name for i in read_source(asked.images).items]
    rows = [f"{name},{('cat', 'dog', 'car')[list(NAMES.values()).index(name.split('/')[0])]}\n" for name in names]
    truth.write_text("image,class\n" + "".join(rows))
    return truth


def _weights(folder: Path) -> dict[str, np.ndarray[Any, Any]]:
    from safetensors.numpy import load_file

    return {name: np.asarray(weight) for name, weight in load_file(folder / "model.safetensors").items()}


def interrupting(at: int, act: Callable[[], object]) -> Any:
    """A watch that does something when step `at` is done."""

    @contextmanager
    def watch(stage: str, total: int) -> Iterator[Tick]:
        done = 0

        def tick(more: int) -> None:
            nonlocal done
            done += more
            if stage == "train" and done == at:
                act()

        yield tick

    return watch


RESULT = ("model.safetensors", "loss.csv", "loss.png", "trained.json", "split.csv", "seen.txt", "config.json")
KILLED = """
import sys, time
from pathlib import Path
from ictc.training import loop
from ictc.training.captioner import Asked, train_captioner
from tests.unit.training.test_captioner import CPU, SHORT, interrupting
loop.EVERY = 0.0  # a checkpoint a step
images, base, out = sys.argv[1:]
def wait():
    print("there", flush=True)
    time.sleep(60)
train_captioner(Asked(images, "folder", base, recipe=SHORT, per_class=4), Path(out), CPU, interrupting(5, wait))
"""


def test_killed_or_interrupted_it_ends_with_the_same_bytes(short: Asked, tmp_path: Path) -> None:
    whole, killed, stopped, base = (tmp_path / name for name in ("whole", "killed", "stopped", "base"))
    shutil.copytree(short.base, base)
    config = json.loads((base / "config.json").read_text())
    config["text_config"]["hidden_dropout_prob"] = 0.2  # chance that has to be the same again
    (base / "config.json").write_text(json.dumps(config))
    short = replace(short, base=str(base))
    train_captioner(short, whole, CPU)
    command = [sys.executable, "-c", KILLED, short.images, short.base, str(killed)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as process:
        assert process.stdout and process.stdout.readline() == "there\n"
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL and not (killed / "trained.json").exists()
    [checkpoint] = (killed / "checkpoint").iterdir()
    assert checkpoint.name == "checkpoint-4", "in the midst of the second epoch"
    half = checkpoint.with_name("checkpoint-5")  # as a kill in the midst of writing one leaves it
    half.mkdir()
    (half / "model.safetensors").write_bytes(b"half")
    with pytest.raises(SpecError, match="not finished"):
        embedder(f"trained:{killed}", EmbedderContext(Store(None), MiniLM()))
    ticks: list[int] = []
    train_captioner(short, killed, CPU, interrupting(4, lambda: ticks.append(4)))
    assert ticks == [4], "it goes on from step 4 and does not begin anew"
    with pytest.raises(KeyboardInterrupt):
        train_captioner(short, stopped, CPU, interrupting(2, stop_soon))
    assert (stopped / "checkpoint" / "checkpoint-2" / "trainer_state.json").is_file()
    train_captioner(short, stopped, CPU)
    for other in (killed, stopped):
        for name in RESULT:
            assert (other / name).read_bytes() == (whole / name).read_bytes(), f"{other.name} {name}"


def test_a_checkpoint_of_another_architecture_is_refused(short: Asked, tiny: Tiny, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        train_captioner(short, out, CPU, interrupting(1, stop_soon))
    weights = out / "checkpoint" / "checkpoint-1" / "model.safetensors"
    shutil.copy(tiny("blip-vqa") / "model.safetensors", weights)
    with pytest.raises(RunError, match="another architecture") as caught:
        train_captioner(short, out, CPU)
    assert "--restart" in caught.value.hint
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(RunError, match="damaged"):
        train_captioner(short, out, CPU)
    assert train_captioner(short, out, CPU, restart=True)["facts"]["images"] == 12


def test_a_loss_that_is_none_and_memory_that_is_not_there(
    short: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import BlipForConditionalGeneration

    weights = shutil.copytree(short.base, tmp_path / "base") / "model.safetensors"
    save_file({name: one * torch.nan for name, one in load_file(weights).items()}, weights, {"format": "pt"})
    with pytest.raises(StepError, match=r"loss is nan") as caught:
        train_captioner(replace(short, base=str(weights.parent)), tmp_path / "astray", CPU)
    assert "--lr 0.0001 --restart" in caught.value.hint

    def starved(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(BlipForConditionalGeneration, "forward", starved)
    with pytest.raises(StepError, match="Memory ran out with 2 examples") as caught:
        train_captioner(short, tmp_path / "starved", CPU)
    assert "--batch-size 1 --accumulate 4" in caught.value.hint


@pytest.mark.parametrize(
    ("change", "kind", "said", "hint"),
    [
        ({"template": "an image"}, UsageError, "has no {class}", "{class}"),
        ({"truth": None}, InputError, "needs the true classes", "--truth"),
        ({"per_class": 9}, InputError, "fewer different images", "--per-class 8"),
        ({"share": 0.0}, UsageError, "--train-share is 0", "above 0"),
        ({"accumulate": 0}, UsageError, "--accumulate is 0", "1 or more"),
        ({"base": "/no/such/folder"}, SpecError, "no folder", "hf:"),
        ({"images": "/no/such/folder"}, InputError, "/no/such/folder", ""),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(
    change: dict[str, Any], kind: type[IctcError], said: str, hint: str, short: Asked, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said) as caught:
        train_captioner(replace(short, **change), tmp_path / "out", CPU)
    assert hint in caught.value.hint and not (tmp_path / "out").exists()


def test_other_models_classes_and_devices_are_refused(short: Asked, tiny: Tiny, tmp_path: Path) -> None:
    for name in ("blip-vqa", "vilt", "clip"):
        with pytest.raises(SpecError, match="BLIP that captions"):
            train_captioner(replace(short, base=str(tiny(name))), tmp_path / "out", CPU)
    one = Path(short.images) / "cat"
    with pytest.raises(InputError, match="one class"):
        truth = tmp_path / "one.csv"
        truth.write_text("image,class\n" + "".join(f"{file.name},cat\n" for file in one.iterdir()))
        train_captioner(replace(short, images=str(one), truth=str(truth)), tmp_path / "out", CPU)
    same = tmp_path / "same"
    shutil.copytree(Path(short.images), same)
    (same / "cat").rename(same / "Red  Truck")
    with pytest.raises(InputError, match="have one caption"):
        train_captioner(replace(short, images=str(same)), tmp_path / "two", CPU)
    with pytest.raises(UsageError, match="needs a GPU"):
        train_captioner(short, tmp_path / "three", Device("cpu", "fp16"))
    assert not any((tmp_path / name).exists() for name in ("out", "two", "three"))


@pytest.mark.parametrize(
    ("template", "name", "said"),
    [
        ("This is an image of {class}", "acoustic_guitar", "This is an image of acoustic guitar"),
        ("{class}: a {class}!", "_a__b ", "a b: a a b!"),
        ("{x} {class} {}", "{class}", "{x} {class} {}"),
    ],
)
def test_captions_of_classes(template: str, name: str, said: str) -> None:
    assert caption(template, name) == said
