"""Locked-image tuning: texts learn to lie where the images are that they belong to (Zhai et al., CVPR 2022).

The image tower is frozen: its vectors are made once and stored. The text tower is tuned on (image, text) pairs by the
symmetric contrastive loss of CLIP with its learned temperature (Radford et al., ICML 2021). Images of one class, or
of one text where texts are no classes, are no negatives of each other in a batch: each of them is wanted alike (Yang et
al., "UniCL", CVPR 2022, after Khosla et al., NeurIPS 2020). Without equal ones that is CLIP's loss.

Of a dual encoder (`clip:FOLDER`) its own text tower is tuned. Any other embedder of images gets the embedded MiniLM and
a linear map into the space of its vectors, there standardised by the training images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ictc.errors import InputError, UsageError
from ictc.interfaces import Vectors
from ictc.models.minilm import MiniLM
from ictc.models.weights import folder_digest
from ictc.progress import Watch, unwatched
from ictc.reasoners.spherical import unit
from ictc.training.folder import DUAL, TrainingFolder, first_process
from ictc.training.labelled import Given, given
from ictc.training.loop import Device, Index, fit, meet
from ictc.training.pairs import LABELS, TEMPLATE, check_templates, digest_of, filled, texts_of
from ictc.training.recipe import Recipe
from ictc.training.split import LEFT
from ictc.training.vectors import CRITERION, Embedded, embedded, opened, placed, spread

if TYPE_CHECKING:
    from torch import Tensor

    from ictc.training.texttowers import DualTower, SentenceTower

KIND = "lit"
RECIPE = Recipe(epochs=20, batch_size=64, lr=3e-4, schedule="cosine", warmup=0.1)
LAYERS = 2
_TEMPERATURE, _COLDEST = 0.07, 100.0  # CLIP's: where it begins, and the most that cosines are multiplied by


@dataclass(frozen=True)
class Asked:
    """`texts`: `labels` or FILE[:COLUMN]. `layers`: how many of the text tower's last ones are tuned. `run`: a run
    whose store has the images' vectors, or gets them."""

    images: str
    truth: str | None
    texts: str = LABELS
    templates: tuple[str, ...] = (TEMPLATE,)
    embedder: str = "lite0"
    layers: int = LAYERS
    recipe: Recipe = RECIPE
    share: float = 0.7
    per_class: int | None = None
    run: Path | None = None


def train_lit(
    asked: Asked,
    out: Path,
    device: Device = Device(),  # noqa: B008 (frozen)
    watch: Watch = unwatched,
    *,
    restart: bool = False,
) -> dict[str, Any]:
    """Gives what trained.json says. `facts.accuracy`: how many of the images held apart lie nearest to the text of
    their class (mean of the templates), where classes are given.

    Raises:
        InputError: images, truth, texts or split. UsageError: what was asked cannot be, or `out` holds something else.
        SpecError, MissingExtra: the embedder. StepError: memory, or a loss that is not finite.
    """
    from ictc.training.texttowers import DualTower, check_layers, open_tower

    asked.recipe.check()
    check_templates(asked.templates)
    check_layers(asked.embedder, asked.layers)
    source = given(
        asked.images,
        asked.truth,
        asked.recipe.seed,
        share=asked.share,
        per_class=asked.per_class,
        needs="Training on labels" if asked.texts == LABELS else "",
    )
    texts = texts_of(source, asked.texts, asked.templates)
    source, lacking = _paired(source, texts)
    base = placed(asked.embedder)
    with opened(asked.embedder, asked.run, out, device.name) as embedder:
        wanted = {
            "base": base,
            "vectors": embedder.fingerprint,
            "texts": digest_of(texts, source),
            "layers": asked.layers,
            **asked.recipe.to_json(),
            **source.asked,
        }
        folder = TrainingFolder(out, KIND, wanted, restart=restart)
        with folder.open(partial(meet, device)):
            if (done := folder.finished()) is not None:
                return done
            known = embedded(source, embedder, watch)
            tower = open_tower(asked.embedder, known.dim, asked.layers, asked.recipe.seed)
            as_is = (np.zeros(known.dim, np.float32), np.ones(known.dim, np.float32))
            place = as_is if isinstance(tower, DualTower) else spread(known.rows)
            network = _network(tower)
            classes = known.source.classes if asked.texts == LABELS else None
            kinds = [classes[i.name] for i in known.trained] if classes else None
            if kinds and len(set(kinds)) < 2:
                raise UsageError(
                    "Fewer than two classes are left to train on.", "Look at the images that cannot be read."
                )
            batch, count = _batches(
                tower, unit(_standardised(known.rows, place)), [texts[i.name] for i in known.trained], kinds
            )
            losses = fit(network, batch, len(known.trained), asked.recipe, folder, device, watch, least=2)
            scale = network.multiplied().item()
            facts = {
                "images": len(known.trained),
                "without_text": lacking,
                "texts": count,
                "loss": losses[-1][2],
                "temperature": round(1 / scale, 6),
                **_tested(tower, known, place, asked.templates),
            }
            made = {
                "base": base,
                "fingerprint": embedder.fingerprint,
                "criterion": CRITERION,
                "layers": asked.layers,
            }
            if isinstance(tower, DualTower):
                made |= _written(tower, folder.path / DUAL, scale)
                weights: Mapping[str, Tensor] | None = None
            else:
                made |= {"text": MiniLM().fingerprint, "width": known.dim}
                weights = {**tower.tuned(), **_tensors(mean=place[0], scale=place[1])}
            parts = known.source.rows
            failures = [*source.failures, *known.failures]
            return folder.finish(
                made=made,
                facts=facts,
                losses=losses,
                seen=known.seen,
                parts=parts,
                weights=weights,
                failures=failures,
            )


def contrastive(images: Tensor, texts: Tensor, which: Tensor, kinds: Tensor, scale: Tensor) -> Tensor:
    """The loss, in nats. Unit rows `images` [n, d] and `texts` [m, d]; `which` [n]: the text of each image. Images of
    one kind (`kinds` [n]), or with one text, belong with each other's texts. Cosines are multiplied by `scale`. Half
    from images to texts, half from texts to images."""
    from torch.nn.functional import cross_entropy

    logits = scale * images @ texts.index_select(0, which).T
    same = ((which[:, None] == which) | (kinds[:, None] == kinds)).float()
    wanted = same / same.sum(1, keepdim=True)
    return (cross_entropy(logits, wanted) + cross_entropy(logits.T, wanted)) / 2


def _standardised(rows: Vectors, place: tuple[Vectors, Vectors]) -> Vectors:
    return (rows - place[0]) / place[1]


def _paired(source: Given, texts: Mapping[str, Sequence[str]]) -> tuple[Given, int]:
    """The images to train on that have a text, and how many have none.

    Raises:
        InputError: all texts are the same, or there is none.
    """
    lacking = [i.name for i in source.training if not texts.get(i.name)]
    source = replace(source, parts=source.parts | dict.fromkeys(lacking, LEFT))
    different = {t for i in source.training for t in texts[i.name]}
    if len({tuple(texts[i.name]) for i in source.training}) < 2:
        said = f"'{next(iter(different))[:60]}' is the only one" if different else "there is none"
        raise InputError(
            f"Images to train on need at least two different texts: {said}.",
            "Give texts of more images: --texts FILE, or --texts labels with --truth",
        )
    return source, len(lacking)


def _network(tower: SentenceTower | DualTower) -> Any:
    import torch
    from torch import nn

    from ictc.training.texttowers import keep_tuned

    class Locked(nn.Module):
        """From the images' vectors, texts and which belong together to the loss. Implements `loop.Stepped`."""

        def __init__(self) -> None:
            super().__init__()
            self.tower = tower
            begin = min(getattr(tower, "scale", None) or 1 / _TEMPERATURE, _COLDEST)
            self.logit_scale = nn.Parameter(torch.tensor(math.log(begin)))

        def multiplied(self) -> Tensor:
            return self.logit_scale.exp()

        def stepped(self, share: float) -> None:
            """The limit is kept here, as OpenAI did: clamped on the way to the loss, a scale that has reached it (such
            as published CLIPs') would have no gradient, and never come down again."""
            with torch.no_grad():
                self.logit_scale.clamp_(max=math.log(_COLDEST))

        def forward(self, images: Tensor, ids: Tensor, mask: Tensor, which: Tensor, kinds: Tensor) -> Tensor:
            return contrastive(images, self.tower(ids, mask), which, kinds, self.multiplied())

    network = Locked()
    keep_tuned(network)
    return network


def _batches(
    tower: Any, images: Vectors, texts: Sequence[Sequence[str]], kinds: Sequence[str] | None
) -> tuple[Any, int]:
    """What a step is given, and how many texts there are. Of several texts of an image one is drawn each time; each
    different text goes through the tower once a step. `kinds`: the images' classes, where texts come from them."""
    import torch

    number = {kind: place for place, kind in enumerate(dict.fromkeys(kinds or ()))}

    def batch(numbers: Index, draw: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        drawn = [texts[int(i)][int(draw.integers(len(texts[int(i)])))] for i in numbers]
        distinct = {text: place for place, text in enumerate(dict.fromkeys(drawn))}
        which = torch.tensor([distinct[text] for text in drawn])
        alike = torch.tensor([number[kinds[int(i)]] for i in numbers]) if kinds else which
        return torch.from_numpy(images[numbers]), *tower.inputs(list(distinct)), which, alike

    return batch, len({text for several in texts for text in several})


def _tested(tower: Any, known: Embedded, place: tuple[Vectors, Vectors], templates: Sequence[str]) -> dict[str, Any]:
    """Zero-shot, on the images held apart."""
    import torch

    true = known.source.classes
    if true is None or not len(known.apart):
        return {"tested": 0, "accuracy": None}
    classes = sorted({true[i.name] for i in (*known.trained, *known.apart)})
    with torch.inference_mode():
        rows = [tower(*tower.inputs(filled(templates, name))).mean(0).numpy() for name in classes]
    middle = unit(np.stack(rows))
    nearest = (unit(_standardised(known.apart_rows, place)) @ middle.T).argmax(axis=1)
    right = sum(classes[n] == true[i.name] for n, i in zip(nearest, known.apart, strict=True))
    return {"tested": len(known.apart), "accuracy": round(right / len(known.apart), 4)}


def _written(tower: DualTower, folder: Path, scale: float) -> dict[str, Any]:
    from ictc.embedders.trained.lit import weights_sha256

    if first_process():
        tower.write(folder, scale)
    return {"folder": folder.name, "weights": folder_digest(str(folder)), "sha256": weights_sha256(folder)}


def _tensors(**arrays: Vectors) -> dict[str, Tensor]:
    import torch

    return {name: torch.from_numpy(one) for name, one in arrays.items()}
