"""NT-Xent and BYOL's regression against arithmetic on a few small vectors, and against another library's NT-Xent."""

from __future__ import annotations

from math import exp, log, sqrt

import pytest
import torch

from ictc.training.losses import nt_xent, regression


def test_nt_xent_by_hand() -> None:
    """Two images in the plane. Unit views: a = (1, 0), (0, 1); b = (.6, .8), (0, -1). Each line below is one view's
    cosines with the three others, its own image's first."""
    a, b = torch.tensor([[2.0, 0.0], [0.0, 5.0]]), torch.tensor([[3.0, 4.0], [0.0, -1.0]])
    cosines = [
        (0.6, 0.0, 0.0),  # a1: b1 | a2, b2
        (-1.0, 0.0, 0.8),  # a2: b2 | a1, b1
        (0.6, 0.8, -0.8),  # b1: a1 | a2, b2
        (-1.0, 0.0, -0.8),  # b2: a2 | a1, b1
    ]
    for t in (0.5, 0.1, 1.0):
        wanted = sum(-log(exp(own / t) / sum(exp(c / t) for c in (own, *rest))) for own, *rest in cosines) / 4
        assert float(nt_xent(a, b, t)) == pytest.approx(wanted, rel=1e-5)


def test_nt_xent_where_nothing_can_be_told_is_the_logarithm_of_the_others() -> None:
    alike = torch.ones(5, 3)
    assert float(nt_xent(alike, alike, 0.5)) == pytest.approx(log(9), rel=1e-6)


@pytest.mark.parametrize("temperature", [0.07, 0.5])
def test_nt_xent_is_that_of_pytorch_metric_learning(temperature: float) -> None:
    losses = pytest.importorskip("pytorch_metric_learning.losses")
    draw = torch.Generator().manual_seed(1)
    a, b = torch.randn(7, 5, generator=draw), torch.randn(7, 5, generator=draw)
    theirs = losses.SelfSupervisedLoss(losses.NTXentLoss(temperature))(a, b)
    assert float(nt_xent(a, b, temperature)) == pytest.approx(float(theirs), rel=1e-5)


def test_regression_by_hand() -> None:
    """(3, 4) to (4, 3): cos = 24/25. (1, 0) to (-2, 0): -1. (1, 1) to (0, 3): 1 / sqrt 2."""
    predicted = torch.tensor([[3.0, 4.0], [1.0, 0.0], [1.0, 1.0]])
    target = torch.tensor([[4.0, 3.0], [-2.0, 0.0], [0.0, 3.0]])
    wanted = ((2 - 2 * 24 / 25) + 4 + (2 - 2 / sqrt(2))) / 3
    assert float(regression(predicted, target)) == pytest.approx(wanted, rel=1e-6)
    unit = [torch.nn.functional.normalize(x, dim=1) for x in (predicted, target)]
    assert wanted == pytest.approx(float((unit[0] - unit[1]).square().sum(1).mean()), rel=1e-6)  # as it is published


def test_only_the_prediction_gets_a_gradient() -> None:
    predicted, target = (torch.tensor([[1.0, 2.0]], requires_grad=True) for _ in range(2))
    regression(predicted, target * 3 + 1).backward()
    assert predicted.grad is not None and target.grad is None


@pytest.mark.parametrize("rows", [torch.ones(4, 3), torch.zeros(4, 3)])
def test_gradients_are_finite_where_all_rows_are_alike(rows: torch.Tensor) -> None:
    for loss in (lambda x: nt_xent(x, x * 1, 0.5), lambda x: regression(x, rows)):
        x = rows.clone().requires_grad_()
        value = loss(x)
        value.backward()
        assert torch.isfinite(value) and x.grad is not None and torch.isfinite(x.grad).all()


def test_half_precision_is_counted_in_full() -> None:
    a, b = torch.randn(4, 8).half(), torch.randn(4, 8).half()
    assert nt_xent(a, b, 0.1).dtype == regression(a, b).dtype == torch.float32
