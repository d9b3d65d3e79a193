"""The Trainer of transformers around BLIP: what it is given, what it says, and how it goes on after a kill.

What step `s` sees is a function of (seed, s): the order of an epoch is drawn by its number, dropout by the step's. So
it does not matter when a checkpoint was made. The Trainer's own checkpoints hold weights, optimizer, schedule, scaler.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ictc.errors import RunError, StepError, UsageError
from ictc.modeloptions import ModelOptions
from ictc.models.hf.loading import device_for, errors_alone, part, quiet
from ictc.models.hf.memory import give_back, ran_out
from ictc.models.hf.spec import Source
from ictc.models.hf.whole import whole
from ictc.progress import Watch, unwatched
from ictc.stopping import stoppable
from ictc.training import loop
from ictc.training.captions import Captions, Together
from ictc.training.folder import TrainingFolder, first_process
from ictc.training.loop import BITS, Device
from ictc.training.recipe import PRECISIONS, Recipe

_STATE, _WEIGHTS = "trainer_state.json", "model.safetensors"
_WORKERS = 4
_AT_ONCE = 16


def placed(device: Device) -> tuple[str, str]:
    """Where it is trained, and in which precision: float16 on a GPU, unless another is asked for.

    Raises:
        SpecError: there is no such device. UsageError: it has no such precision, or there is none of the name; or it
            is not the first GPU, which the Trainer of transformers always takes.
    """
    name, precision = device_for(device.name), device.precision
    kind, _, number = name.partition(":")
    if int(number or 0):
        shown = dict(enumerate(os.environ.get("CUDA_VISIBLE_DEVICES", "").split(","))).get(int(number), number)
        raise UsageError(
            f"--device {name}: a captioner is trained on the first GPU that is visible.",
            f"Make that one the first: CUDA_VISIBLE_DEVICES={shown} ictc train captioner ... --device {kind}",
        )
    if precision not in PRECISIONS:
        raise UsageError(f"--precision {precision}: there is none.", f"Choose one of: {', '.join(PRECISIONS)}")
    card = name.startswith("cuda")
    if precision not in ("auto", "no") and not card:
        raise UsageError(f"--precision {precision} needs a GPU of NVIDIA or AMD.", "Leave it out.")
    return name, ("fp16" if card else "no") if precision == "auto" else precision


def load(source: Source, options: ModelOptions) -> tuple[Any, Any]:
    """Processor and model, in float32 on the CPU. Raises SpecError: it cannot be loaded, or lacks weights."""
    from transformers import AutoProcessor, BlipForConditionalGeneration

    quiet()
    processor = part(AutoProcessor, source, options)
    model = whole(BlipForConditionalGeneration, source, options, dtype="float32")
    model.accepts_loss_kwargs = False  # BLIP takes such arguments and ignores them: its loss is the mean of a batch
    return processor, model


class Tuning:
    """One model through one training."""

    def __init__(
        self,
        model: Any,
        processor: Any,
        recipe: Recipe,
        accumulate: int,
        folder: TrainingFolder,
        device: Device,
        watch: Watch,
    ) -> None:
        self._model, self._processor = model, processor
        self._recipe, self._accumulate = recipe, accumulate
        self._folder, self._device, self._watch = folder, device, watch
        text = model.config.text_config
        self._together = Together(processor, text.bos_token_id, int(text.max_position_embeddings))

    def run(self, examples: Captions) -> list[tuple[int, int, float]]:
        """Gives (epoch, step, loss) of every step; the model is tuned in place.

        Raises:
            StepError: the loss is not finite, or memory ran out. RunError: the checkpoint is of another architecture.
        """
        from transformers import PrinterCallback, Trainer

        last = self._last()
        stopped = threading.Event()

        def stop() -> int:
            stopped.set()
            return 1

        with ExitStack() as stack, stoppable(stop):
            watching = _callback(stack, self._watch if first_process() else unwatched, self._recipe, stopped)
            trainer = Trainer(
                self._model, self._arguments(), self._together, train_dataset=examples, callbacks=[watching]
            )
            trainer.remove_callback(PrinterCallback)
            stack.enter_context(errors_alone())
            try:
                trainer.train(resume_from_checkpoint=str(last) if last else None)
            except Exception as error:
                if not ran_out(error):
                    raise
                memory = True
            else:
                memory = False
            if memory:
                give_back()
                raise self._starved()
        if stopped.is_set() and trainer.state.global_step < trainer.state.max_steps:
            raise KeyboardInterrupt
        told = [entry for entry in trainer.state.log_history if "loss" in entry]
        return [(math.ceil(round(e["epoch"], 6)), int(e["step"]), float(e["loss"])) for e in told]

    def said(self, examples: Captions, watch: Watch) -> Iterator[bool]:
        """Of each image, in order, whether what is said of it is its text."""
        import torch

        tokenizer = self._processor.tokenizer
        device, text = self._model.device, self._model.config.text_config
        longest = max((len(tokenizer(t)["input_ids"]) for t in examples.texts.values()), default=0)
        self._model.eval()
        with watch("test", len(examples)) as tick:
            for start in range(0, len(examples), _AT_ONCE):
                some = [examples[i] for i in range(start, min(start + _AT_ONCE, len(examples)))]
                pixels = self._processor(images=[image for image, _ in some], return_tensors="pt")["pixel_values"]
                with torch.inference_mode():
                    most = min(longest + 4, int(text.max_position_embeddings) - 2)
                    made = self._model.generate(pixels.to(device), max_new_tokens=most, num_beams=1, do_sample=False)
                found = tokenizer.batch_decode(made, skip_special_tokens=True)
                wanted = tokenizer.batch_decode([tokenizer(t)["input_ids"] for _, t in some], skip_special_tokens=True)
                tick(len(some))
                yield from (a.strip() == b.strip() for a, b in zip(found, wanted, strict=True))

    def write(self, out: Path) -> None:
        """The model into `out`, as transformers keeps it; each file whole."""
        if not first_process():
            return
        made = self._folder.checkpoint / "result"
        shutil.rmtree(made, ignore_errors=True)
        self._model.to("cpu").eval().save_pretrained(made)
        self._processor.save_pretrained(made)
        for file in sorted(made.iterdir()):
            file.replace(out / file.name)

    def _arguments(self) -> Any:
        from transformers import TrainingArguments

        name, precision = placed(self._device)
        self._folder.note(precision=BITS[precision])
        card = name.startswith("cuda")
        made = TrainingArguments(
            output_dir=str(self._folder.checkpoint),
            per_device_train_batch_size=self._recipe.batch_size,
            gradient_accumulation_steps=self._accumulate,
            num_train_epochs=self._recipe.epochs,
            learning_rate=self._recipe.lr,
            weight_decay=self._recipe.weight_decay,
            lr_scheduler_type="linear",
            fp16=precision == "fp16",
            bf16=precision == "bf16",
            use_cpu=name.startswith("cpu"),
            seed=self._recipe.seed,
            data_seed=self._recipe.seed,
            save_strategy="epoch",
            save_total_limit=1,
            logging_strategy="steps",
            logging_steps=1,
            logging_nan_inf_filter=False,
            disable_tqdm=True,
            report_to="none",
            remove_unused_columns=False,
            dataloader_num_workers=_WORKERS if card and (os.cpu_count() or 1) > _WORKERS else 0,
            dataloader_pin_memory=card,
        )
        made._n_gpu = min(1, made.n_gpu)  # one card a process: no silent batches over all that are there
        return made

    def _last(self) -> Path | None:
        """The last whole checkpoint; what a kill left half written goes.

        Raises:
            RunError: it is of another architecture, or damaged.
        """
        folder = self._folder.checkpoint
        found = [p for p in folder.glob("checkpoint-*") if p.name.rpartition("-")[2].isdecimal()]
        for place in sorted(found, key=lambda p: int(p.name.rpartition("-")[2]), reverse=True):
            try:
                json.loads((place / _STATE).read_text("utf-8"))  # which is written last
            except (OSError, ValueError):
                if first_process():
                    shutil.rmtree(place, ignore_errors=True)
                continue
            self._check(place)
            return place
        return None

    def _check(self, place: Path) -> None:
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(place / _WEIGHTS, "pt") as file:
                there = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise RunError(f"{place / _WEIGHTS} is damaged: {error}", "To begin anew, add: --restart") from error
        own = {name: tuple(weight.shape) for name, weight in self._model.state_dict().items()}
        other = sorted(name for name in there if own.get(name) != there[name])
        missing = sorted(own.keys() - there.keys() - set(self._model.all_tied_weights_keys))
        if other or missing:
            name = (other + missing)[0]
            raise RunError(
                f"The checkpoint in {place} is of another architecture: {name} is {there.get(name, 'not there')}, and "
                f"in the model {own.get(name, 'not there')}.",
                "To begin anew, add: --restart; or choose another folder with -o.",
            )

    def _starved(self) -> StepError:
        size = self._recipe.batch_size
        less = f"--batch-size {size // 2} --accumulate {2 * self._accumulate} --restart" if size > 1 else "--device cpu"
        return StepError(
            f"Memory ran out with {size} examples at once.", f"Take fewer, for the same steps: {less}; or --device cpu."
        )


def _callback(stack: ExitStack, watch: Watch, recipe: Recipe, stopped: threading.Event) -> Any:
    """Tells how far it is, keeps checkpoints, draws each step's chance by its number, and ends what went astray."""
    import torch
    from transformers import TrainerCallback

    class Watching(TrainerCallback):  # type: ignore[misc]
        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.tick = stack.enter_context(watch("train", state.max_steps))
            self.tick(state.global_step)
            self.last = time.monotonic()

        def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            drawn = np.random.SeedSequence([recipe.seed, state.global_step, args.process_index])
            torch.manual_seed(int(drawn.generate_state(1)[0]))

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.tick(1)
            if stopped.is_set():
                control.should_save = control.should_training_stop = True
            elif time.monotonic() - self.last > loop.EVERY:
                control.should_save = True

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            loss = (logs or {}).get("loss")
            if loss is not None and not math.isfinite(loss):
                raise StepError(
                    f"The loss is {loss}: the training has gone astray.",
                    f"Try a smaller learning rate, into the same folder: --lr {recipe.lr / 10:g} --restart",
                )

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            self.last = time.monotonic()

    return Watching()
