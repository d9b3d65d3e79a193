"""From a spec to a network that can be trained, and from what a training left to the network it trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ictc.errors import MissingExtra, SpecError
from ictc.models.backbones.backbone import IMAGENET, Backbone
from ictc.models.backbones.lite0 import lite0
from ictc.models.backbones.published import PUBLISHED, of_config, published
from ictc.models.backbones.small import small
from ictc.models.trained import read_trained

if TYPE_CHECKING:
    from torch.nn import Module

FORMS = (
    "lite0, small, resnet, efficientnet, dinov2, vision:FOLDER, timm:NAME, torch:package.module:function, "
    "trained:FOLDER"
)
ENCODER = "encoder."
"""How the names of a backbone's weights begin in what a training leaves."""
_SIDE = 224


def open_backbone(spec: str, side: int | None = None, *, pretrained: bool = True) -> Backbone:
    """The network that `spec` names, with the weights it was published with, or (`pretrained` false) random ones, as
    torch's generator draws them. `side`: of the pixels it is given; None for its own.

    torch:package.module:function is a function without arguments that gives a module from [n, 3, side, side] to [n, d].

    Raises:
        SpecError: it names nothing that can be loaded. MissingExtra: it needs a package that is not installed.
    """
    kind, _, argument = spec.partition(":")
    if kind == "trained" and argument:
        return open_trained(Path(argument), side, pretrained=pretrained)
    if kind == "small":
        return small(argument, side)
    if kind == "lite0" and not argument:
        return lite0(side, pretrained=pretrained)
    if kind in PUBLISHED and (argument or PUBLISHED[kind]):
        return published(kind, argument, side, pretrained=pretrained)
    if kind == "timm" and argument:
        return _timm(argument, side, pretrained=pretrained)
    if kind == "torch" and ":" in argument:
        return _imported(argument, side)
    raise SpecError(f"'{spec}' is no network that can be trained.", f"Those there are: {FORMS}.")


def open_trained(folder: Path, side: int | None = None, *, pretrained: bool = True, trust: bool = False) -> Backbone:
    """The encoder of images in `folder`. `trust`: see `rebuild`.

    Raises:
        SpecError: there is none, it needs code that is not trusted, or its weights are of another architecture.
    """
    found = read_trained(folder)
    made = found.made.get("encoder")
    if not made:
        raise SpecError(
            f"{found.spec} ({found.kind}) has no network of images of its own.",
            "Give one of: ictc train classifier, simclr, byol.",
        )
    backbone = rebuild({**made, "side": side or made["side"]}, trust=trust)
    if pretrained:
        backbone = replace(backbone, weights=found.digest, seen=found.seen)
        own = {n.removeprefix(ENCODER): w for n, w in found.weights().items() if n.startswith(ENCODER)}
        load(backbone.module, own, str(found.spec))
    return backbone


def rebuild(made: Mapping[str, Any], *, trust: bool = False) -> Backbone:
    """The network that a training's `made` describes, of random weights. `trust`: also where that is a function of
    somebody's module, which is run.

    Raises:
        SpecError: it needs code that is not trusted, or is of a family that is not known here.
    """
    try:
        return _rebuilt(made, trust)
    except (KeyError, TypeError, ValueError) as error:
        raise SpecError(
            f"What trained.json says of the network cannot be: {type(error).__name__}: {error}",
            "Copy the folder again, or train anew.",
        ) from error


def _rebuilt(made: Mapping[str, Any], trust: bool) -> Backbone:
    family, side = made.get("family"), made["side"]
    if family == "small":
        return small(str(made["width"]), side)
    if family == "lite0":
        return lite0(side, pretrained=False)
    if family == "transformers":
        return of_config(made)
    if family == "timm":
        return _timm(made["name"], side, pretrained=False)
    if family == "torch" and not trust:
        raise SpecError(
            f"The network is the function torch:{made.get('path')}, which is not run unless asked for.",
            "Look at that code; if you trust it, add: --trust-remote-code",
        )
    if family == "torch":
        return _imported(made["path"], side)
    raise SpecError(f"A network of the family '{family}' is not known to this version of ictc.", "Update ictc.")


def load(module: Module, weights: Mapping[str, Any], what: str) -> None:
    """Put `weights` into `module`.

    Raises:
        SpecError: they are of another architecture; names the first differences.
    """
    own = module.state_dict()
    other = sorted({n for n in own if n not in weights} | {n for n in weights if n not in own})
    other += sorted(n for n in own if n in weights and own[n].shape != weights[n].shape)
    if other:
        more = f" and {len(other) - 3} more" if len(other) > 3 else ""
        raise SpecError(
            f"The weights of {what} are of another architecture: {', '.join(other[:3])}{more} do not fit.",
            "Train anew into another folder (-o), or put the files back that belong together.",
        )
    module.load_state_dict(weights)


def _timm(name: str, side: int | None, *, pretrained: bool) -> Backbone:
    if any(find_spec(module) is None for module in ("timm", "torchvision")):
        raise MissingExtra(f"timm:{name}", "timm")
    import timm

    try:
        module = timm.create_model(name, pretrained=pretrained, num_classes=0)
        settings = timm.data.resolve_model_data_config(module)
    except Exception as error:  # it has no error class of its own
        raise SpecError(f"timm:{name} cannot be made: {str(error)[:400]}", "See: timm.list_models()") from error
    side = side or max(settings["input_size"][1:])
    made = {"family": "timm", "name": name, "side": side}
    mean, std = tuple(settings["mean"]), tuple(settings["std"])
    return Backbone(module, module.num_features, side, mean, std, made, f"timm:{name}" if pretrained else "")


def _imported(path: str, side: int | None) -> Backbone:
    import torch

    module_name, _, name = path.partition(":")
    side = side or _SIDE
    try:
        module = getattr(import_module(module_name), name)()
        with torch.inference_mode():
            shape = module.eval()(torch.zeros(1, 3, side, side)).shape
    except Exception as error:  # whatever another's code raises
        raise SpecError(
            f"torch:{path} cannot be made: {type(error).__name__}: {error}",
            "It is a function without arguments that gives a torch module: torch:package.module:function",
        ) from error
    if len(shape) != 2:
        raise SpecError(f"torch:{path} gives {tuple(shape)} of one image, not [1, d].", "Let it pool and flatten.")
    return Backbone(module.train(), shape[1], side, *IMAGENET, {"family": "torch", "path": path, "side": side})
