"""How models are asked, beyond which: what a person may set for all of them at once.

None of it changes an answer, except what says so; what does is part of the model's fingerprint.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """Limits are None where there is none.

    `concurrency`: requests in flight at most; by default half as many again as servers usually work on at once (64), so
    that some wait at its door while answers travel (one that refuses the excess lowers the number by itself).
    `rpm`, `tpm`: requests and tokens a minute. `timeout`: seconds a try.
    `retries`: further tries after a transient fault. `image_side`: pixels of a picture's longer side, to which larger
    ones are scaled down before they are sent (changes answers). `batch`: the provider's batch interface; with
    `leave`, submit and do not wait. `device`: `cpu`, `cuda`, `cuda:1`, ... or None for the best there is.
    `batch_size`: of models in this process; None adapts. `trust_remote_code`: run code that comes with a model.
    `retry_failed`: ask again what failed in a way that is kept (refused, malformed request, ...).
    """

    concurrency: int = 96
    rpm: int | None = None
    tpm: int | None = None
    timeout: float = 120.0
    retries: int = 5
    image_side: int = 1024
    batch: bool = False
    leave: bool = False
    device: str | None = None
    batch_size: int | None = None
    trust_remote_code: bool = False
    retry_failed: bool = False
