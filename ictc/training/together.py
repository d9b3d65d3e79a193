"""Processes that train together (`accelerate launch`, one a GPU) do what one would with all their images.

What compares images within a batch (batch normalisation, SimCLR's loss) has to see those of all processes. Gradients
are then right: each process's is of all that its rows bore on, wherever, and DDP takes the mean over the processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module


def processes() -> int:
    import torch.distributed as dist

    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def norms_of(module: Module) -> list[Any]:
    """Its batch normalisations that have averages."""
    from torch.nn.modules.batchnorm import _BatchNorm

    return [m for m in module.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]


def gathered(rows: Tensor) -> Tensor:
    """The rows of all processes, [p n, d] of [n, d], those of the first one first. Each has to give as many."""
    import torch.distributed as dist

    if processes() == 1:
        return rows
    place = rows.new_zeros(processes(), *rows.shape)
    place[dist.get_rank()] = rows
    every: Tensor = _summed()(place)
    return every.flatten(0, 1)


@contextmanager
def as_one(module: Module) -> Iterator[None]:
    """While the block lasts, batch normalisation goes by the batches of all processes together. Those of libraries that
    do more than normalise (timm's) go by their own, as they were."""
    from torch.nn import BatchNorm1d, BatchNorm2d, BatchNorm3d

    plain = (BatchNorm1d, BatchNorm2d, BatchNorm3d)
    norms = [m for m in norms_of(module) if type(m) in plain] if processes() > 1 else []
    for norm in norms:
        norm.forward = partial(_normalised, norm)
    try:
        yield
    finally:
        for norm in norms:
            del norm.forward


def _normalised(norm: Any, values: Tensor) -> Tensor:
    """As the module's own `forward`, in float32. torch's SyncBatchNorm is for GPUs alone."""
    import torch

    if not norm.training:
        own: Tensor = type(norm).forward(norm, values)
        return own
    wide, summed = values.float(), _summed()
    others = [0, *range(2, wide.dim())]
    shape = (1, -1, *[1] * (wide.dim() - 2))
    count = processes() * wide.numel() // wide.shape[1]
    mean = summed(wide.sum(others)) / count
    centred = wide - mean.view(shape)
    variance = summed(centred.square().sum(others)) / count
    with torch.no_grad():
        norm.num_batches_tracked += 1
        weight = norm.momentum if norm.momentum is not None else 1 / float(norm.num_batches_tracked)
        norm.running_mean.lerp_(mean, weight)
        norm.running_var.lerp_(variance * count / max(1, count - 1), weight)
    out = centred * (variance + norm.eps).rsqrt().view(shape)
    if norm.affine:
        out = out * norm.weight.view(shape) + norm.bias.view(shape)
    back: Tensor = out.to(values.dtype)
    return back


@cache
def _summed() -> Any:
    """A function of a tensor: the sum of all processes' tensors, its gradient the sum of theirs."""
    import torch
    import torch.distributed as dist

    class Summed(torch.autograd.Function):
        @staticmethod
        def forward(_ctx: Any, one: Tensor) -> Tensor:
            every = one.clone()
            dist.all_reduce(every)
            return every

        @staticmethod
        def backward(_ctx: Any, gradient: Tensor) -> Tensor:
            every = gradient.contiguous().clone()
            dist.all_reduce(every)
            return every

    return Summed.apply
