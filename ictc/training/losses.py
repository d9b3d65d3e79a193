"""The losses of self-supervised training, in float32 whatever the precision of the network."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def nt_xent(a: Tensor, b: Tensor, temperature: float) -> Tensor:
    """SimCLR's loss (Chen et al., ICML 2020): of 2n views [n, d] and [n, d], each has to be told, by cosine, which of
    the 2n - 1 others is of its own image; the mean over all 2n, in nats. ln(2n - 1) where nothing can be told."""
    import torch
    from torch.nn.functional import cross_entropy, normalize

    rows = normalize(torch.cat([a, b]).float(), dim=1)
    alike = (rows @ rows.T / temperature).masked_fill(
        torch.eye(len(rows), dtype=torch.bool, device=rows.device), -torch.inf
    )
    other = torch.arange(len(rows), device=rows.device).roll(len(a))
    return cross_entropy(alike, other)


def regression(predicted: Tensor, target: Tensor) -> Tensor:
    """BYOL's loss (Grill et al., NeurIPS 2020) of [n, d] and [n, d]: the squared distance of the unit vectors,
    2 - 2 cos, as a mean. The target gets no gradient. The whole loss is this for both views' predictions, summed."""
    from torch.nn.functional import cosine_similarity

    return (2 - 2 * cosine_similarity(predicted.float(), target.detach().float(), dim=1)).mean()
