"""BLIP tuned to say the classes: captions made of a template and the class, the loss of the next word.

BLIP is Li et al., ICML 2022; that sentence embeddings of such captions cluster images is what the published
comparison found. It goes through the Trainer of transformers: AdamW, the rate falling to 0 in a line, gradients clipped
at 1 (its defaults). The result is a transformers folder, so that it describes (`hf:OUT`) and embeds (`trained:OUT`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictc.errors import InputError, SpecError, UsageError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.spec import Source, read
from ictc.models.trained import seen_in
from ictc.progress import Watch, unwatched
from ictc.training.folder import TrainingFolder
from ictc.training.labelled import Given, given, none_readable
from ictc.training.loop import Device
from ictc.training.recipe import Recipe
from ictc.training.split import TEST
from ictc.types import Failure

KIND = "captioner"
BASE = "Salesforce/blip-image-captioning-base"
TEMPLATE = "This is an image of {class}"
PLACE = "{class}"
RECIPE = Recipe(epochs=5, batch_size=4, lr=5e-5)
ACCUMULATE = 2


@dataclass(frozen=True)
class Asked:
    """`template`: of captions, with `{class}` where the class goes. `base`: a folder or a repository of BLIP.
    `accumulate`: so many batches make a step. Of `recipe` the schedule is the Trainer's."""

    images: str
    truth: str | None
    base: str = BASE
    template: str = TEMPLATE
    recipe: Recipe = RECIPE
    accumulate: int = ACCUMULATE
    share: float = 0.7
    per_class: int | None = None


def train_captioner(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    restart: bool = False,
) -> dict[str, Any]:
    """Gives what trained.json says; `facts` has the share of the images held apart whose caption is that of their
    class, null where there are none.

    Raises:
        InputError: images, truth or split. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError: the base. StepError: memory, or a loss that is not finite. RunError: the checkpoint.
    """
    from ictc.training.blip import Tuning, load, placed
    from ictc.training.captions import Captions

    _check(asked)
    placed(device)
    source = given(
        asked.images, asked.truth, asked.recipe.seed, share=asked.share, per_class=asked.per_class, needs="A captioner"
    )
    assert source.classes is not None
    texts = {name: caption(asked.template, name) for name in sorted(set(source.classes.values()))}
    _check_texts(texts, str.casefold)
    base = _base(asked.base)
    before = seen_in(base.place)
    source = source.untested(before)
    assert source.classes is not None
    recipe = asked.recipe
    wanted = {
        "base": asked.base,
        "weights": base.digest,
        "template": asked.template,
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "accumulate": asked.accumulate,
        "lr": recipe.lr,
        "schedule": "linear",
        "weight_decay": recipe.weight_decay,
        "seed": recipe.seed,
        **source.asked,
    }
    folder = TrainingFolder(out, KIND, wanted, restart=restart, inputs=(f"hf:{base.place}",))
    with folder.open():
        if (done := folder.finished()) is not None:
            return done
        processor, model = load(base, ModelOptions(device="cpu"))
        _check_texts(texts, lambda text: tuple(processor.tokenizer(text)["input_ids"]))
        training = Captions(source.training, {i.name: texts[source.classes[i.name]] for i in source.training}, watch)
        if not training.items:
            raise none_readable(training.failures)
        tuning = Tuning(model, processor, asked.recipe, asked.accumulate, folder, device, watch)
        losses = tuning.run(training)
        tested, failed = _tested(tuning, source, texts, watch)
        facts = {
            "images": len(training.items),
            "loss": losses[-1][2],
            "classes": list(texts),
            **tested,
        }
        tuning.write(out)
        made = {"base": asked.base, "template": asked.template, "classes": list(texts)}
        seen = before | {i.sha256 for i in training.items}
        return folder.finish(
            made=made,
            facts=facts,
            losses=losses,
            seen=seen,
            parts=source.rows,
            weights=None,
            failures=[*source.failures, *training.failures, *failed],
        )


def caption(template: str, name: str) -> str:
    """What is said of an image of a class: `This is an image of acoustic guitar`, of the class `acoustic_guitar`."""
    return template.replace(PLACE, " ".join(name.replace("_", " ").split()))


def _check(asked: Asked) -> None:
    asked.recipe.check()
    if asked.accumulate < 1:
        raise UsageError(f"--accumulate is {asked.accumulate}.", "Give a number 1 or more.")
    if PLACE not in asked.template:
        raise UsageError(
            f"The template '{asked.template}' has no {PLACE}, so all captions would be the same.",
            f"Write {PLACE} where the class goes: --template '{TEMPLATE}'",
        )


def _base(spec: str) -> Source:
    """Raises SpecError: it is no captioner of the kind that is tuned here."""
    source = read(spec.removeprefix("hf:"))
    if source.model_type != "blip" or source.family != "caption" or source.bits:
        what = f"in {source.bits} bits" if source.bits else f"of the kind '{source.model_type}' ({source.architecture})"
        raise SpecError(
            f"{spec} is {what}; what is tuned here is a BLIP that captions (BlipForConditionalGeneration).",
            f"Leave --base out, which takes {BASE}, or give a folder of one.",
        )
    return source


def _check_texts(texts: Mapping[str, str], read: Callable[[str], Hashable]) -> None:
    """Raises InputError: two classes that the model cannot tell apart, as it reads them."""
    known: dict[Hashable, str] = {}
    for name, text in texts.items():
        other = known.setdefault(read(text), name)
        if other != name:
            raise InputError(
                f"The classes '{other}' and '{name}' have one caption in the model's words: '{text}'.",
                "Name one of them otherwise, with words that the model knows.",
            )


def _tested(tuning: Any, source: Given, texts: Mapping[str, str], watch: Watch) -> tuple[dict[str, Any], list[Failure]]:
    """How many of the images held apart get the caption of their class, word for word."""
    from ictc.training.captions import Captions

    apart = source.of(TEST)
    if not apart:
        return {"tested": 0, "accuracy": None}, []
    assert source.classes is not None
    there = Captions(apart, {i.name: texts[source.classes[i.name]] for i in apart}, watch)
    right = sum(tuning.said(there, watch))
    n = len(there.items)
    return {"tested": n, "accuracy": round(right / n, 4) if n else None}, there.failures
