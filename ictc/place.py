"""What a person says of where things are computed. None of it is part of a result's identity."""

from __future__ import annotations

from dataclasses import dataclass

from ictc.errors import UsageError

_KINDS = "local, ray, ray:HOST:PORT"
_CPUS = 0.5  # a worker has one thread; whole CPUs would leave none for what feeds it, and none would ever start


@dataclass(frozen=True, slots=True)
class Place:
    """`engine`: `local`, `ray` (on this machine) or `ray:ADDRESS` (a cluster that runs). Of the latter two:
    `ray_cpus` and `ray_gpus` are what one worker takes up, fractions too; `ray_workers` how many there are, None for as
    many as fit (see `ictc.remote.connecting`)."""

    engine: str = "local"
    ray_cpus: float = _CPUS
    ray_gpus: float = 0.0
    ray_workers: int | None = None

    def __post_init__(self) -> None:
        kind, colon, address = self.engine.partition(":")
        if kind not in ("local", "ray") or (colon and (kind == "local" or not address)):
            raise UsageError(f"--engine is {self.engine!r}.", f"Choose one of: {_KINDS}")
        if "://" in address:
            raise UsageError(
                f"--engine {self.engine} is an address of Ray's client server, which starts no workers.",
                "Run the command on a machine of the cluster, with: --engine ray:auto, or --engine ray:HOST:PORT",
            )
        if not self.ray_cpus > 0 or self.ray_gpus < 0:
            raise UsageError(
                f"--ray-cpus is {self.ray_cpus:g}, --ray-gpus {self.ray_gpus:g}.",
                "A worker takes more than no CPU, and from no GPU on.",
            )
        if self.ray_workers is not None and self.ray_workers < 1:
            raise UsageError(f"--ray-workers is {self.ray_workers}.", "Give a number from 1.")
        if self.local and (self.ray_cpus, self.ray_gpus, self.ray_workers) != (_CPUS, 0.0, None):
            raise UsageError("--ray-cpus, --ray-gpus and --ray-workers are of --engine ray.", "Add --engine ray")

    @property
    def local(self) -> bool:
        return self.engine == "local"

    @property
    def address(self) -> str:
        """Of the cluster; "" for one on this machine that is started for the purpose."""
        return self.engine.partition(":")[2]
