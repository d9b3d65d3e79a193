"""To the cluster, or to one that is started on this machine; and how many workers it takes."""

from __future__ import annotations

import logging
import os
import socket
from typing import Any

from ictc.errors import StepError
from ictc.place import Place

_REACH = 5.0  # seconds until a machine that does not answer counts as not there
_AUTO = "auto"
_HELLO = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
"""How HTTP/2 begins (RFC 9113, 3.4), which Ray speaks: given another server's port, Ray waits for minutes."""
_SETTINGS = 4  # the kind of frame that is the answer


def connected(place: Place) -> Any:
    """The module `ray`, connected. A connection that this process has already is used as it is.

    Raises:
        StepError: there is no cluster at the address, or it cannot be used from here.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    if ray.is_initialized():
        return ray
    if place.address not in ("", _AUTO):
        check_there(place)
    try:
        ray.init(
            address=place.address or "local",
            include_dashboard=None if place.address else False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except Exception as error:
        raise _unusable(place, str(error).strip().split("\n")[0].rstrip(".")) from error
    return ray


def check_there(place: Place) -> None:
    """Raises StepError, within seconds: nothing answers at the address, or something that is not Ray."""
    host, _, port = place.address.rpartition(":")
    if not host or not port.isdigit():
        raise _unusable(place, "an address is HOST:PORT")
    try:
        with socket.create_connection((host, int(port)), _REACH) as line:
            line.settimeout(_REACH)
            line.sendall(_HELLO)
            answer = line.recv(9)
    except (OSError, OverflowError) as error:
        raise _unusable(place, str(error) or type(error).__name__) from error
    if len(answer) < 4 or answer[3] != _SETTINGS:
        raise _unusable(place, "what answers there is not Ray")


def _unusable(place: Place, why: str) -> StepError:
    return StepError(
        f"The cluster of --engine {place.engine} cannot be used: {why}.",
        "See that it runs (ray status) and that this machine is part of it (ray start --address=HOST:PORT), or leave "
        "--engine out. What was computed is kept.",
    )


def workers_of(ray: Any, place: Place, served: bool = False) -> int:
    """How many workers there are to be: as many as asked for; else one a machine for a model that a server runs
    (`served`), one for each share of the GPUs where they use one, and one a CPU otherwise.

    Raises:
        StepError: no machine of the cluster has what one worker takes.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    fitting = [n for n in nodes if n.get("CPU", 0) >= place.ray_cpus and n.get("GPU", 0) >= place.ray_gpus]
    if not fitting:
        most = {kind: max((n.get(kind, 0) for n in nodes), default=0) for kind in ("CPU", "GPU")}
        raise StepError(
            f"A worker takes {place.ray_cpus:g} CPUs and {place.ray_gpus:g} GPUs; the largest of {len(nodes)} machines "
            f"has {most['CPU']:g} and {most['GPU']:g}.",
            "Ask for less with --ray-cpus and --ray-gpus.",
        )
    if place.ray_workers:
        return place.ray_workers
    if served:
        return len(fitting)
    if place.ray_gpus:
        return sum(int(n["GPU"] / place.ray_gpus + 1e-6) for n in fitting)
    return max(1, sum(int(n["CPU"] / max(1.0, place.ray_cpus)) for n in fitting))
