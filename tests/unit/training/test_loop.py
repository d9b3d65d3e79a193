"""The loop: what it computes, and that it does not matter where it was interrupted."""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from ictc.errors import InputError, RunBusy, RunError, StepError, UsageError
from ictc.interfaces import Tick
from ictc.progress import unwatched
from ictc.training.curve import loss_csv, loss_png, of_epochs
from ictc.training.folder import TrainingFolder
from ictc.training.loop import Device, fit
from ictc.training.recipe import Recipe

ROWS = torch.randn(10, 4, generator=torch.Generator().manual_seed(0))
CPU = Device("cpu")


class Net(nn.Module):
    """With dropout and batch normalisation, which both keep something between steps."""

    def __init__(self, wide: int = 4) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(4, wide), nn.BatchNorm1d(wide), nn.Dropout(0.5), nn.Linear(wide, 1))
        self.shares: list[float] = []

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return (self.net(rows) - rows.sum(1, keepdim=True)).square().mean()

    def stepped(self, share: float) -> None:
        self.shares.append(share)


def noisy(numbers: Any, draw: np.random.Generator) -> tuple[torch.Tensor]:
    rows = ROWS[torch.from_numpy(numbers)]
    return (rows + torch.from_numpy(draw.normal(0, 0.1, rows.shape)).float(),)


def trained(
    path: Path, epochs: int = 3, watch: Any = unwatched, net: nn.Module | None = None, **more: Any
) -> nn.Module:
    net = net or Net()
    folder = TrainingFolder(path, "test", {"epochs": epochs})
    with folder.open():
        net.losses = fit(net, noisy, len(ROWS), Recipe(epochs, 4, 0.01), folder, CPU, watch, least=2, **more)  # type: ignore[assignment]
    return net


def ending_after(steps: int) -> Any:
    """A watch whose tick raises when so many steps are done."""

    @contextmanager
    def watch(stage: str, total: int) -> Iterator[Tick]:
        left = steps

        def tick(done: int) -> None:
            nonlocal left
            left -= done
            if left < 0 or (left == 0 and done):
                raise KeyboardInterrupt

        yield tick

    return watch


def weights(net: nn.Module) -> list[bytes]:
    return [one.numpy().tobytes() for one in net.state_dict().values()]


@pytest.mark.parametrize("steps", [1, 3, 4, 8])
def test_interrupted_anywhere_it_ends_with_the_same_bytes(tmp_path: Path, steps: int, monkeypatch: Any) -> None:
    monkeypatch.setattr("ictc.training.loop.EVERY", 0.0)  # a checkpoint after every step
    whole = trained(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "parts", watch=ending_after(steps))
    again = trained(tmp_path / "parts")
    assert weights(again) == weights(whole)
    assert again.losses == whole.losses and len(whole.losses) == 9  # type: ignore[arg-type]
    assert whole.shares[-1] == 1  # type: ignore[union-attr,index]


def test_the_first_step_is_adams(tmp_path: Path) -> None:
    """Adam's first step is lr times the sign of the gradient (Kingma and Ba 2015, algorithm 1)."""

    class Line(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.w = nn.Parameter(torch.tensor([1.0, -2.0]))

        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return (rows[:, :2] @ self.w).square().mean()

    line, folder = Line(), TrainingFolder(tmp_path / "out", "test", {})
    before = line.w.detach().clone()
    with folder.open():
        losses = fit(line, lambda n, _: (ROWS[torch.from_numpy(n)],), 10, Recipe(1, 10, 0.05), folder, CPU, unwatched)
    gradient = torch.autograd.functional.jacobian(lambda w: (ROWS[:, :2] @ w).square().mean(), before)
    torch.testing.assert_close(line.w.detach(), before - 0.05 * gradient.sign(), atol=1e-5, rtol=0)
    assert losses == [(1, 1, pytest.approx(float((ROWS[:, :2] @ before).square().mean())))]


def test_the_next_batches_are_made_while_the_network_works(tmp_path: Path) -> None:
    """Two of them and no more; what goes wrong in one ends the training when its step comes."""
    calls, second = list[int](), threading.Event()
    folder = TrainingFolder(tmp_path / "out", "test", {})

    def batch(numbers: Any, draw: np.random.Generator) -> tuple[torch.Tensor]:
        calls.append(len(numbers))
        if len(calls) == 2:
            second.set()
        if len(calls) == 4:
            raise InputError("It cannot be read any more.", "")
        return noisy(numbers, draw)

    class Slow(Net):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            assert second.wait(10)
            assert len(calls) <= len(self.shares) + 3
            return super().forward(rows)

    net = Slow()
    with folder.open(), pytest.raises(InputError, match="any more"):
        fit(net, batch, len(ROWS), Recipe(2, 4, 0.01), folder, CPU, unwatched, least=2)
    assert len(net.shares) == 3


def test_whatever_another_training_left_in_the_process(tmp_path: Path) -> None:
    """transformers' Trainer shares accelerate's state, and may end while it accumulates: no step would be made."""
    from accelerate import Accelerator

    before = weights(trained(tmp_path / "before"))
    Accelerator(cpu=True, gradient_accumulation_steps=2).gradient_state._set_sync_gradients(False)
    assert weights(trained(tmp_path / "after")) == before


@pytest.mark.parametrize("wrong", [{"done": None}, {"losses": 5}, {"module": [1]}, {"optimizer": []}])
def test_a_checkpoint_with_something_else_in_it_is_damaged(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        trained(path, watch=ending_after(5))
    state = torch.load(path / "checkpoint" / "state.pt", weights_only=True)
    torch.save(state | wrong, path / "checkpoint" / "state.pt")
    with pytest.raises(RunError, match="or damaged") as told:
        trained(path)
    assert "--restart" in told.value.hint


def test_rates() -> None:
    recipe = Recipe(1, 1, 0.4, schedule="cosine", warmup=0.2)
    assert [recipe.rate(s, 10) for s in (0, 1, 2)] == [0.2, 0.4, 0.4]
    assert recipe.rate(6, 10) == pytest.approx(0.2) and recipe.rate(9, 10) < 0.02
    assert Recipe(1, 1, 0.4).rate(9, 10) == 0.4


@pytest.mark.parametrize(
    "recipe",
    [Recipe(0, 1, 1), Recipe(1, 0, 1), Recipe(1, 1, 0), Recipe(1, 1, 1e9), Recipe(1, 1, math.nan),
     Recipe(1, 1, 1, weight_decay=-1), Recipe(1, 1, 1, weight_decay=1e308), Recipe(1, 1, 1, weight_decay=math.nan),
     Recipe(1, 1, 1, schedule="linear"), Recipe(1, 1, 1, seed=-1)],
)  # fmt: skip
def test_numbers_that_cannot_be(recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="--"):
        recipe.check()


def test_a_loss_that_is_no_number_ends_it_and_keeps_what_was(tmp_path: Path) -> None:
    class Astray(Net):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return super().forward(rows) * (math.inf if len(self.shares) == 4 else 1)

    with pytest.raises(StepError, match="inf") as told:
        trained(tmp_path / "out", net=Astray())
    assert "--lr 0.001 --restart" in told.value.hint
    assert len(trained(tmp_path / "out").losses) == 9, "the checkpoint before it is whole"  # type: ignore[arg-type]


def test_out_of_memory_names_a_smaller_batch(tmp_path: Path) -> None:
    class Huge(Net):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            return torch.empty(2**48)  # what no machine has

    with pytest.raises(StepError, match="Memory ran out with 4") as told:
        trained(tmp_path / "out", net=Huge())
    assert "--batch-size 2 --restart" in told.value.hint


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited as on Linux")
def test_when_memory_runs_out_from_outside_the_same_command_goes_on_later(tmp_path: Path, monkeypatch: Any) -> None:
    """The process may have no more than it has, from the fifth step on: as where others took what there was."""
    import resource

    monkeypatch.setattr("ictc.training.loop.EVERY", 0.0)
    before = resource.getrlimit(resource.RLIMIT_AS)

    class Wide(Net):
        def forward(self, rows: torch.Tensor) -> torch.Tensor:
            if len(self.shares) == 4 and limited:
                used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, before[1]))
            room = torch.empty(2**27)  # half a GiB, never written to: address space and no memory
            return super().forward(rows) + 0 * room[:1].nan_to_num().sum()

    limited = False
    whole = trained(tmp_path / "whole", net=Wide())
    limited = True
    try:
        with pytest.raises(StepError, match="Memory ran out with 4 examples") as told:
            trained(tmp_path / "out", net=Wide())
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert "--batch-size 2 --restart" in told.value.hint and "the same command goes on" in told.value.hint
    limited = False
    again = trained(tmp_path / "out", net=Wide())
    assert again.losses == whole.losses and weights(again) == weights(whole)


def test_a_checkpoint_of_another_architecture_or_a_damaged_one(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "out", watch=ending_after(4))
    with pytest.raises(RunError, match="another architecture") as told:
        trained(tmp_path / "out", net=Net(wide=5))
    assert "--restart" in told.value.hint
    state = tmp_path / "out" / "checkpoint" / "state.pt"
    kept = torch.load(state, weights_only=True)
    torch.save({**kept, "precisions": ["bfloat16"]}, state)
    folder = TrainingFolder(tmp_path / "out", "test", {"epochs": 3})
    with folder.open():
        losses = fit(Net(), noisy, len(ROWS), Recipe(3, 4, 0.01), folder, CPU, unwatched, least=2)
        state.parent.rename(tmp_path / "kept")
        told_ = folder.finish(made={}, facts={}, losses=losses, seen=[], parts=[], weights=None)
    assert told_["facts"]["precision"] == "bfloat16, then float32"
    (tmp_path / "out" / "trained.json").unlink()
    (tmp_path / "kept").rename(state.parent)
    torch.save({**kept, "processes": 2}, state)
    with pytest.raises(RunError, match="began with 2 processes"):
        trained(tmp_path / "out")
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(RunError, match="damaged"):
        trained(tmp_path / "out")


def test_too_few_examples(tmp_path: Path) -> None:
    folder = TrainingFolder(tmp_path / "out", "test", {})
    with folder.open(), pytest.raises(StepError, match="1 examples make no batch"):
        fit(Net(), noisy, 1, Recipe(1, 4, 0.01), folder, CPU, unwatched, least=2)


def test_one_training_a_folder(tmp_path: Path) -> None:
    asked = {"epochs": 3, "lr": 0.1}
    out = tmp_path / "out"
    with TrainingFolder(out, "a", asked).open(), pytest.raises(RunBusy), TrainingFolder(out, "a", asked).open():
        pass
    other = {**asked, "lr": 0.2}
    with pytest.raises(UsageError, match=r"lr was 0\.1, now 0\.2") as told, TrainingFolder(out, "a", other).open():
        pass
    assert "--restart" in told.value.hint
    with TrainingFolder(out, "a", other, restart=True).open():
        pass
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.png").touch()
    photos = TrainingFolder(tmp_path / "photos", "a", asked, restart=True)
    with pytest.raises(UsageError, match=r"something else: 1\.png"), photos.open():
        pass
    assert [p.name for p in (tmp_path / "photos").iterdir()] == ["1.png"], "nothing is left there"


def test_the_curve() -> None:
    losses = [(1, 1, 2.0), (1, 2, 1.0), (2, 3, 0.5)]
    assert of_epochs(losses) == [(1, 1.5), (2, 0.5)]
    assert loss_csv(losses).splitlines() == ["epoch,step,loss", "1,1,2", "1,2,1", "2,3,0.5"]
    assert loss_png(losses, "x")[:4] == b"\x89PNG"
