"""`vllm:REPO_OR_DIR`: vLLM in this process. Answers are held to their schema, and shared beginnings are computed once.

Requests go to the engine in windows, within which vLLM batches by itself; a window is what a kill can cost. The engine
runs in this process, not in one of its own: its scheduling is then the same every time, and Ctrl-C reaches it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from itertools import chain, islice
from pathlib import Path
from typing import Any, TypeAlias

from ictc.errors import MissingExtra, ModelGone, SpecError
from ictc.images.upload import VERSION, picture
from ictc.modeloptions import ModelOptions
from ictc.models.weights import cached_commit, fetched, folder_digest
from ictc.types import Failure, Reply, Request

Message: TypeAlias = dict[str, Any]
Conversation: TypeAlias = list[Message]

_WINDOW = 1024  # requests handed over at once
_PICTURES = 128  # with pictures: at 1024 x 1024 pixels they take 3 MB each while they wait
DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd", "/dev/dxg", "/dev/accel")  # CUDA, ROCm, WSL, TPU and others
_ENVIRONMENT = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine in this process: see above
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",  # standard output is for results
    "VLLM_NO_USAGE_STATS": "1",  # nothing is sent anywhere
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB; of the CPU build only
}
"""What vLLM reads while it is imported; what a person has set comes first."""
_COMPACT = {"backend": "xgrammar", "disable_any_whitespace": True}
"""JSON allows white space anywhere between tokens, and an unsure model goes on with it until it is cut off."""
_ELSEWHERE = (
    "Serve it on a machine that has one, `vllm serve {0} --port 8000`, and use openai:{0}@http://HOST:8000/v1, "
    "or run it with transformers: hf:{0}"
)


def create(argument: str, options: ModelOptions) -> VllmModel:
    """The model that the spec `vllm:ARGUMENT` names; its weights are loaded with the first request.

    Raises:
        SpecError: nothing is named, or it cannot run here. MissingExtra: vLLM is not installed.
    """
    if not argument:
        raise SpecError("vllm: names no model.", "Type vllm:REPO or vllm:FOLDER, such as vllm:Qwen/Qwen3-8B")
    if (fault := obstacle(argument)) is not None:
        raise fault
    if options.device not in (None, "cpu" if on_cpu() else "cuda"):
        raise SpecError(
            f"vLLM chooses its device itself; --device {options.device} is not for it.",
            "Leave --device out, and choose cards with the variable CUDA_VISIBLE_DEVICES.",
        )
    if not Path(argument).is_dir():
        fetched(argument, "vllm")
    return VllmModel(argument, options)


def obstacle(source: str = "MODEL") -> SpecError | MissingExtra | None:
    """What keeps vLLM from working here, told without importing it."""
    if not on_cpu() and not any(Path(device).exists() for device in DEVICES):
        return SpecError("vLLM needs a GPU, and there is none here.", _ELSEWHERE.format(source))
    return MissingExtra("vLLM", "vllm") if find_spec("vllm") is None else None


def on_cpu() -> bool:
    """Whether the vLLM that is installed was built for the CPU."""
    try:
        return "cpu" in version("vllm")
    except PackageNotFoundError:
        return False


class VllmModel:
    """Implements `Model`. Greedy at temperature 0, else seeded per request; thinking is turned off where it can be."""

    def __init__(self, source: str, options: ModelOptions) -> None:
        self._source = source
        self._options = options
        self._engine: Any = None
        self._takes_system = True
        self._revision = "" if Path(source).is_dir() else cached_commit(source)
        self._digest = folder_digest(source, self._revision)

    @property
    def fingerprint(self) -> str:
        return f"{self.text_fingerprint},{VERSION},{self._options.image_side}"

    @property
    def text_fingerprint(self) -> str:
        return f"vllm/1,{self._digest}"

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply | Failure]]:
        """Window by window, in order.

        Raises:
            ModelGone: the model cannot be loaded, or its engine broke.
        """
        numbered = enumerate(requests)
        for number, first in numbered:
            size = self._options.batch_size or (_PICTURES if first.image else _WINDOW)
            window = list(chain([(number, first)], islice(numbered, size - 1)))
            answers = self._window([request for _, request in window])
            yield from zip((n for n, _ in window), answers, strict=True)

    def _window(self, requests: list[Request]) -> list[Reply | Failure]:
        engine = self._loaded()
        asked = [self._conversation(request) for request in requests]
        talks = [(c, r) for c, r in zip(asked, requests, strict=True) if not isinstance(c, Failure)]
        answers = iter(self._answers(engine, talks))
        return [c if isinstance(c, Failure) else next(answers) for c in asked]

    def _answers(self, engine: Any, talks: list[tuple[Conversation, Request]]) -> list[Reply | Failure]:
        """vLLM refuses a batch for the sake of one request; halves find it, and the others are answered."""
        if not talks:
            return []
        try:
            outputs = _chat(engine, talks)
        except _refusals() as error:
            if len(talks) == 1:
                return [_refused(error, talks[0][1])]
            half = len(talks) // 2
            return [*self._answers(engine, talks[:half]), *self._answers(engine, talks[half:])]
        except Exception as error:
            raise self._broken(error) from error
        if len(outputs) != len(talks):
            raise self._broken(RuntimeError(f"{len(outputs)} answers to {len(talks)} requests"))
        return [_answer(output, request) for output, (_, request) in zip(outputs, talks, strict=True)]

    def _conversation(self, request: Request) -> Conversation | Failure:
        system, user = (_sendable(text) for text in (request.system, request.user))
        if system and not self._takes_system:
            system, user = "", f"{system}\n\n{user}"
        messages: Conversation = [{"role": "system", "content": system}] if system else []
        if request.image is None:
            return [*messages, {"role": "user", "content": user}]
        image = picture(request.image, self._options.image_side)
        if isinstance(image, Failure):
            return replace(image, image="")
        content = [{"type": "image_pil", "image_pil": image}, {"type": "text", "text": user}]
        return [*messages, {"role": "user", "content": content}]

    def _loaded(self) -> Any:
        if self._engine is None:
            for name, value in _ENVIRONMENT.items():
                os.environ.setdefault(name, value)
            try:
                engine = self._load()
                self._takes_system = _takes_system(engine)
            except Exception as error:
                raise self._broken(error) from error
            self._engine = engine
        return self._engine

    def _load(self) -> Any:
        from vllm import LLM

        return LLM(
            self._source,
            revision=self._revision or None,
            trust_remote_code=self._options.trust_remote_code,
            load_format="safetensors",
            max_model_len=-1,  # as long as the model's own, or as fits in memory
            limit_mm_per_prompt={"image": 1, "video": 0, "audio": 0},  # models without pictures take no notice
            enforce_eager=on_cpu(),  # compiling takes minutes there, and a compiler
            enable_prefix_caching=True,
            structured_outputs_config=_COMPACT,
            seed=0,
        )

    def _broken(self, error: Exception) -> ModelGone:
        reason = f"{type(error).__name__}: {error}"
        if "trust_remote_code" in reason and not self._options.trust_remote_code:
            hint = "It brings code of its own. If you trust its makers, add --trust-remote-code"
        elif "memory" in reason.lower():
            hint = "Choose a smaller or quantized model, or free the GPU (nvidia-smi shows who uses it)."
        else:
            hint = f"Try hf:{self._source}, or serve it elsewhere and use openai:{self._source}@http://HOST:8000/v1"
        return ModelGone(f"vLLM cannot run {self._source}: {reason}", hint)


def _sendable(text: str) -> str:
    """Without lone surrogates (of undecodable file names, for one), for which the whole request would be refused."""
    return text.encode("utf-8", "replace").decode()


def _chat(engine: Any, talks: list[tuple[Conversation, Request]]) -> list[Any]:
    outputs: list[Any] = engine.chat(
        [conversation for conversation, _ in talks],
        [_parameters(request) for _, request in talks],
        use_tqdm=False,
        chat_template_kwargs={"enable_thinking": False},
    )
    return outputs


def _takes_system(engine: Any) -> bool:
    """Whether the chat template has a place for a system message (Gemma 2's refuses one).

    Raises what vLLM raises where there is no usable chat template at all.
    """
    request = Request("describe", "Hello", max_tokens=1)
    user = {"role": "user", "content": "Hello"}
    try:
        _chat(engine, [([{"role": "system", "content": "Be brief."}, user], request)])
    except _refusals():
        _chat(engine, [([user], request)])
        return False
    return True


def _refusals() -> tuple[type[Exception], ...]:
    """What vLLM raises because of a request, before it is worked on."""
    from jinja2 import TemplateError
    from vllm.exceptions import VLLMClientError

    return ValueError, TypeError, NotImplementedError, TemplateError, VLLMClientError


def _parameters(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    schema = StructuredOutputsParams(json=dict(request.schema)) if request.schema else None
    return SamplingParams(
        temperature=request.temperature,
        max_tokens=request.max_tokens,
        seed=0 if request.temperature else None,
        structured_outputs=schema,
    )


def _answer(output: Any, request: Request) -> Reply | Failure:
    (first,) = output.outputs
    if first.finish_reason in ("abort", "error"):
        return Failure("", request.stage, "server-error", f"vLLM gave up: {first.finish_reason}.", retryable=True)
    return Reply(
        first.text,
        "length" if first.finish_reason == "length" else "stop",
        len(output.prompt_token_ids or ()),
        len(first.token_ids),
    )


def _refused(error: Exception, request: Request) -> Failure:
    reason = str(error)
    too_long = "longer than the maximum" in reason or "max_model_len" in reason or "context length" in reason
    return Failure("", request.stage, "context-overflow" if too_long else "bad-request", reason)
