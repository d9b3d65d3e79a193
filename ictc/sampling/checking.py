"""What of a sample can be known to be wrong before anything is made or asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ictc.backends import Backends, check_embedder
from ictc.embedders.described import NAME as DESCRIBED
from ictc.embedders.vectors import NAME as VECTORS
from ictc.errors import SpecError, UsageError
from ictc.fingerprint import code_digest
from ictc.images.sources import Source
from ictc.means import Means, Sampling
from ictc.sampling.plan import parse_size

CODE = ("ictc.sampling", "ictc.lane.evening")


def fitting(means: Means, source: Source, k: int | None) -> Means:
    """`means` for these images: a sample that is all of them is none.

    Raises:
        UsageError: the size is none, K is more than the sample, what it is combined with, images that are not there.
        SpecError: the embedder is nothing that is installed, or would describe all images.
    """
    sample = means.sample
    if sample is None:
        return means
    size, n = parse_size(sample.size), len(source.items)
    if means.lane is not None:
        raise UsageError(
            "--sample is of images that are described; the embedding lane describes none.", "Leave it out."
        )
    if means.wording.outliers != "keep":
        raise UsageError(
            f"--outliers {means.wording.outliers} looks among all descriptions, and a sample has some of them.",
            "Leave out --outliers, or --sample; --min-confidence leaves those out that are in no cluster surely.",
        )
    check_embedder(sample.embedder, "--sample-embedder")
    kind = sample.embedder.partition(":")[0]
    if kind == DESCRIBED:
        raise SpecError(
            f"{sample.embedder} describes every image to embed it.",
            "A sample is to save that. Choose another: --sample-embedder offline, --sample-embedder clip:FOLDER",
        )
    if source.kind == "recorded" and kind != VECTORS:
        raise UsageError(
            "A sample is chosen by what images look like, and there are descriptions alone.",
            f"Give the images beside them: ictc run IMAGES --describer {means.describer} --sample {size}, or "
            "vectors of them: --sample-embedder vectors:FILE",
        )
    wanted = size.of(n, k)
    if not wanted:
        raise UsageError(f"--sample {size} of {n} images is none.", "Ask for more, or for a number: --sample 5")
    if wanted >= n and not size.auto:
        return replace(means, sample=None)
    if k is not None and k > wanted:
        raise UsageError(
            f"K is {k}, but the sample has only {wanted} images (--sample {size} of {n}).",
            f"Ask for -k {wanted} or fewer, or for a larger sample: --sample {min(n, 10 * k)}",
        )
    return replace(means, sample=replace(sample, size=str(size)))


def identity(backends: Backends) -> dict[str, Any] | None:
    """What of the sample goes into a revision's settings; None where there is none.

    Raises:
        SpecError: its embedder cannot be used, or embeds no images.
    """
    sample = backends.means.sample
    if sample is None:
        return None
    made = backends.sample_embedder().fingerprint
    told = {"size": sample.size, "seed": sample.seed, "embedder": sample.embedder}
    return told | {"fingerprint": made, "code": code_digest(*CODE)}


def kept(stored: dict[str, Any] | None) -> Sampling | None:
    """The reverse of `identity`, for a run that is made."""
    return Sampling(stored["size"], stored["embedder"], stored["seed"], stored["fingerprint"]) if stored else None
