"""The loop of every training here: through accelerate, resumable with the same result.

What step `s` of epoch `e` sees (order, augmentation, dropout) is a function of (seed, e, s) and of nothing before it.
So it does not matter when a checkpoint was made: who goes on from one ends with the same numbers.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ictc.errors import RunError, StepError, UsageError
from ictc.models.hf.memory import give_back, ran_out
from ictc.progress import Watch, unwatched
from ictc.stopping import stoppable
from ictc.training.ahead import ahead
from ictc.training.folder import TrainingFolder
from ictc.training.recipe import PRECISIONS, Recipe
from ictc.training.together import as_one

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

Index = NDArray[np.int64]
Batch = Callable[[Index, np.random.Generator], "tuple[Tensor, ...]"]
"""The tensors of the examples with these numbers, on the CPU; what is random in them comes from the generator.
Called in a thread of its own, one call at a time."""

BITS = {"no": "float32", "fp16": "float16", "bf16": "bfloat16"}
EVERY = 60.0
"""Seconds between checkpoints within an epoch; the end of each has one, too."""


@dataclass(frozen=True)
class Device:
    """Where it is trained. `name` None: the best there is. `precision`: auto takes bfloat16 on a GPU that has it,
    float16 on one that has not, and float32 on a CPU.

    Raises:
        UsageError: there is no such precision, or not there. SpecError: there is no such device.
    """

    name: str | None = None
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.precision not in PRECISIONS:
            raise UsageError(f"--precision {self.precision}: there is none.", f"Choose one of: {', '.join(PRECISIONS)}")
        if self.precision in ("fp16", "bf16"):
            from ictc.models.hf.loading import device_for

            if device_for(self.name).startswith("cpu"):  # also where there is no other
                raise UsageError(f"--precision {self.precision} needs a GPU.", "Leave it out, or: --precision no")


@runtime_checkable
class Stepped(Protocol):
    """A module that changes besides what the optimizer does: called after each step with the share that is done."""

    def stepped(self, share: float) -> None: ...


def fit(
    module: Module,
    batch: Batch,
    examples: int,
    recipe: Recipe,
    folder: TrainingFolder,
    device: Device,
    watch: Watch,
    *,
    least: int = 1,
) -> list[tuple[int, int, float]]:
    """Train `module`, whose forward takes the tensors of a batch and gives the loss, by Adam, in place; afterwards it
    is on the CPU. Gives (epoch, step, loss) of every step. A last batch of fewer than `least` examples is left out.

    Raises:
        StepError: the loss is not finite, or memory ran out. RunError: the checkpoint is of another architecture.
    """
    import torch

    accelerator = _accelerator(device)
    share = recipe.batch_size * accelerator.num_processes
    starts = [s for s in range(0, examples, share) if min(share, examples - s) >= least * accelerator.num_processes]
    if share < least * accelerator.num_processes:
        raise UsageError(
            f"--batch-size {recipe.batch_size} is too small: one example cannot be told from others.",
            f"Give {least} or more.",
        )
    if not starts:
        raise StepError(f"{examples} examples make no batch: {least} are the least.", "Give more images.")
    steps = len(starts) * recipe.epochs
    parameters = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=recipe.lr, weight_decay=recipe.weight_decay)
    done, losses = 0, list[tuple[int, int, float]]()
    precisions = [BITS[accelerator.mixed_precision]]
    if state := folder.saved():
        done, losses = _resumed(state, module, optimizer, accelerator.num_processes)
        precisions = list(dict.fromkeys([*state.get("precisions", ()), *precisions]))
    folder.note(precision=", then ".join(precisions))
    model, optimizer = accelerator.prepare(module, optimizer)
    if state and accelerator.scaler is not None and "scaler" in state:
        accelerator.scaler.load_state_dict(state["scaler"])
    stopped, last = threading.Event(), time.monotonic()

    def drawn(step: int) -> list[int]:
        """What everything random in this process's part of a step comes from."""
        return [recipe.seed, *divmod(step, len(starts)), accelerator.process_index]

    def made(step: int) -> tuple[Tensor, ...]:
        epoch, at = divmod(step, len(starts))
        order = np.random.default_rng([recipe.seed, epoch]).permutation(examples)
        numbers = order[starts[at] : starts[at] + share]
        several = accelerator.num_processes  # each has as many examples: a few of an epoch's last batch are left out
        numbers = numbers[: len(numbers) // several * several][accelerator.process_index :: several]
        return batch(numbers, np.random.default_rng(drawn(step)))

    def keep() -> None:
        if accelerator.is_main_process:
            told = _state(accelerator.unwrap_model(model), optimizer, done, losses, accelerator.scaler)
            folder.save({**told, "processes": accelerator.num_processes, "precisions": precisions})

    def stop() -> int:
        stopped.set()
        return 1

    shown = watch if accelerator.is_main_process else unwatched
    with (
        shown("train", steps) as tick,
        stoppable(stop),
        as_one(module),
        closing(ahead(made, range(done, steps))) as batches,
    ):
        tick(done)
        while done < steps:
            epoch, at = divmod(done, len(starts))
            torch.manual_seed(int(np.random.SeedSequence(drawn(done)).generate_state(1)[0]))
            model.train()
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(done, steps)
            loss, ending = _step(accelerator, model, optimizer, batches, recipe, least, stopped.is_set())
            done += 1
            losses.append((epoch + 1, done, loss))
            if isinstance(module, Stepped):
                module.stepped(done / steps)
            tick(1)
            if ending:
                keep()
                raise KeyboardInterrupt
            if at + 1 == len(starts) or time.monotonic() - last > EVERY:
                keep()
                last = time.monotonic()
    accelerator.wait_for_everyone()
    accelerator.unwrap_model(model, keep_fp32_wrapper=False)
    module.to("cpu").eval()
    return losses


def meet(device: Device) -> None:
    """Where several processes train together, all of them wait here for the last one."""
    if int(os.environ.get("WORLD_SIZE") or 1) > 1:
        _accelerator(device).wait_for_everyone()


def _accelerator(device: Device) -> Any:
    import torch
    from accelerate import Accelerator, DistributedDataParallelKwargs
    from accelerate.state import AcceleratorState, GradientState

    from ictc.models.hf.loading import device_for

    name = device_for(device.name)
    precision = device.precision
    if precision == "auto":
        precision = (
            "no"
            if name == "cpu"
            else "bf16"
            if torch.cuda.is_available() and torch.cuda.is_bf16_supported()
            else "fp16"
        )
    GradientState._reset_state()  # a Trainer in this process may have left it in the midst of accumulating
    AcceleratorState._reset_state(reset_partial_state=True)  # it is one for the whole process, whatever was asked since
    if ":" in name:
        torch.cuda.set_device(name)
    some_unused = DistributedDataParallelKwargs(find_unused_parameters=True)  # such as the token of masked pixels
    return Accelerator(mixed_precision=precision, cpu=name == "cpu", kwargs_handlers=[some_unused])


def _step(
    accelerator: Any,
    model: Module,
    optimizer: Any,
    batches: Iterator[tuple[Tensor, ...]],
    recipe: Recipe,
    least: int,
    stopping: bool,
) -> tuple[float, bool]:
    """One step of the optimizer; the loss before it, and whether any process is to stop after it, which all do then."""
    import torch

    try:
        tensors = [t.to(accelerator.device) for t in next(batches)]
        with accelerator.autocast():
            loss = model(*tensors)
        found = loss.detach().float()
        value, ending = accelerator.reduce(torch.stack([found, torch.full_like(found, stopping)]), "mean").tolist()
        if not math.isfinite(value):
            raise StepError(
                f"The loss is {value}: the training has gone astray.",
                f"Try a smaller learning rate, into the same folder: --lr {recipe.lr / 10:g} --restart",
            )
        optimizer.zero_grad(set_to_none=True)
        accelerator.backward(loss)
        optimizer.step()
        return value, ending > 0
    except Exception as error:
        if not ran_out(error):
            raise
    give_back()
    smaller = recipe.batch_size // 2
    fewer = f"Take fewer: --batch-size {smaller} --restart; or s" if smaller >= least else "Take s"
    raise StepError(
        f"Memory ran out with {recipe.batch_size} examples at once.",
        f"{fewer}maller pictures, or --device cpu. Where there is more memory the same command goes on.",
    )


def _state(
    module: Module, optimizer: Any, done: int, losses: list[tuple[int, int, float]], scaler: Any
) -> dict[str, Any]:
    told = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "done": done, "losses": list(losses)}
    return {**told, "scaler": scaler.state_dict()} if scaler is not None else told


def _resumed(
    state: dict[str, Any], module: Module, optimizer: Any, processes: int
) -> tuple[int, list[tuple[int, int, float]]]:
    if state.get("processes", processes) != processes:  # a step was of other images
        raise RunError(
            f"The training began with {state['processes']} processes and cannot go on with {processes}.",
            f"Start {state['processes']} again; or to begin anew, add: --restart",
        )
    try:
        module.load_state_dict(state["module"])
        optimizer.load_state_dict(state["optimizer"])
        return int(state["done"]), [(int(e), int(s), float(x)) for e, s, x in state["losses"]]
    except (RuntimeError, LookupError, ValueError, TypeError, AttributeError) as error:
        reason = str(error).strip().splitlines()
        raise RunError(
            f"The checkpoint is of another architecture, or damaged: {' '.join(reason[:2])[:200]}",
            "To begin anew, add: --restart; or choose another folder with -o.",
        ) from error
