"""Batch normalisation after a short training: its running averages still remember what the network was before.

Of a network that began at random they are taken anew over the training images with the final weights ("precise BN"; Wu
and Johnson 2021, arXiv:2105.07576). After a dozen steps that decides between chance and what the network has learned.
A published network has averages of a million images, which a few hundred of ours cannot replace, least of all small
ones enlarged: detectors of fine detail find next to nothing there, and taking that for the norm makes its noise as loud
as all else. They are left (`keep_averages`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ictc.training.loop import Device
from ictc.training.together import norms_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Module


@contextmanager
def placed(module: Module, device: Device) -> Iterator[None]:
    """On the device that it was trained on, as long as the block lasts; on the CPU afterwards."""
    from ictc.models.hf.loading import device_for

    module.to(device_for(device.name))
    yield
    module.to("cpu")


def place_of(module: Module) -> torch.device:
    """Where its weights are."""
    return next(module.parameters()).device


def keep_averages(module: Module) -> None:
    """From now until the next `train()`, batch normalisation goes by the averages that it has; its weights learn."""
    for norm in norms_of(module):
        norm.eval()


def settle(module: Module, batches: Iterable[Tensor]) -> None:
    """In place. `batches`: what the module is given when it is used, unaugmented. It is left in evaluation mode."""
    import torch

    norms = norms_of(module)
    module.eval()
    if not norms:
        return
    momenta = [m.momentum for m in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain average of all batches
        norm.train()
    with torch.no_grad():
        for batch in batches:
            if len(batch) > 1:
                module(batch.to(place_of(module)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()
