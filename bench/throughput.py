"""Requests a second to a server on this machine, in a process of its own: `python -m bench throughput` (needs no data).

slow    250 ms an answer, 64 allowed at once: the server's own limit is 256 requests/s. 10,000 requests through the
        model and the store on disk; the same again (nothing is asked); one after another, on a sample.
fast    no latency: through model and store in turns with the bare SDK in a plain loop, equally many under way
queue   1,000,000 requests from a generator: resident memory, and how many were drawn for those answered
held    1,000,000 descriptions labelled and assigned by `LlmReasoner`, with a model that answers at once: resident
        memory on top of the descriptions themselves. The store forgets: on disk its memory is the same for any
        number, and its commits would take ten minutes.
"""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median

from ictc.asking import StoredModel
from ictc.modeloptions import ModelOptions
from ictc.models.openai.model import OpenAIModel
from ictc.models.openai.spec import Server
from ictc.prompts import Prompts
from ictc.reasoners.llm import LlmReasoner
from ictc.store import Store
from ictc.types import Assignment, Cluster, Description, Label, Reply, Request, Taxonomy

SLOW, ALLOWED, LATENCY_MS = 10_000, 64, 250
LIMIT = ALLOWED * 1000 / LATENCY_MS
SAMPLE, BESIDE = 40, 3_000
FAST, WIDTH, ROUNDS = 4_000, 64, 5
QUEUED = 1_000_000
THINGS = 10


@contextmanager
def server(*options: str) -> Iterator[str]:
    """The URL of a scripted server."""
    command = [sys.executable, "-m", "tests.servers.scripted", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def requests(n: int, kind: str = "") -> Iterator[Request]:
    return (Request("label", f"Picture {i} {kind}: a cat sleeps on a red sofa.", "Answer briefly.") for i in range(n))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def answer_all(model: OpenAIModel, store: Store | None, n: int, kind: str = "") -> None:
    asking = StoredModel(model, store) if store else model
    good = sum(isinstance(answer, Reply) for _, answer in asking.generate(requests(n, kind)))
    assert good == n, f"{n - good} failed"


def bare_sdk(url: str, n: int, width: int) -> None:
    """`width` plain loops over one list of requests."""

    async def everything() -> None:
        from openai import AsyncOpenAI

        async with AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
            left = requests(n)

            async def one_after_another() -> None:
                for request in left:
                    await client.chat.completions.create(
                        model="m",
                        messages=[
                            {"role": "system", "content": request.system},
                            {"role": "user", "content": request.user},
                        ],
                        max_tokens=request.max_tokens,
                        temperature=request.temperature,
                    )

            await asyncio.gather(*(one_after_another() for _ in range(width)))

    asyncio.run(everything())


def slow(scratch: Path) -> None:
    with server("--latency-ms", str(LATENCY_MS), "--allowed", str(ALLOWED), "--log", str(scratch / "log")) as url:
        single = SAMPLE / seconds(lambda: bare_sdk(url, SAMPLE, 1))
        bare = BESIDE / seconds(lambda: bare_sdk(url, BESIDE, ALLOWED))
        for width in (ALLOWED, ModelOptions().concurrency):
            with Store(scratch / f"slow{width}.sqlite") as store:
                model = OpenAIModel(Server("m", url), ModelOptions(concurrency=width))
                rate = SLOW / seconds(lambda m=model, s=store: answer_all(m, s, SLOW))  # type: ignore[misc]
                before = len((scratch / "log").read_text().splitlines())
                again = seconds(lambda m=model, s=store: answer_all(m, s, SLOW))  # type: ignore[misc]
                asked = len((scratch / "log").read_text().splitlines()) - before
            row(f"slow, {width} under way", rate, "server's limit", LIMIT, "0.95")
            print(f"|   bare SDK, {ALLOWED} under way ({BESIDE:,}) | {bare:.1f}/s | ours / it | {rate / bare:.2f} | |")
            print(
                f"|   one after another ({SAMPLE} measured) | {single:.1f} | ours / it | {rate / single:.0f} x | 60 |"
            )
            print(f"|   the {SLOW:,} again | {again:.1f} s | requests sent | {asked} | 0, < 5 s |", flush=True)


def fast(scratch: Path) -> None:
    with server() as url:
        model = OpenAIModel(Server("m", url), ModelOptions(concurrency=WIDTH))
        answer_all(model, None, 100)
        rounds = []
        with Store(scratch / "fast.sqlite") as store:
            for turn in range(ROUNDS):
                bare = FAST / seconds(lambda: bare_sdk(url, FAST, WIDTH))
                alone = FAST / seconds(lambda: answer_all(model, None, FAST))
                kept = FAST / seconds(lambda t=turn: answer_all(model, store, FAST, str(t)))  # type: ignore[misc]
                rounds.append((bare, alone, kept, alone / bare, kept / bare))
        bare, alone, kept, alone_ratio, kept_ratio = (median(column) for column in zip(*rounds, strict=True))
        print(f"| fast, model alone | {alone:.0f}/s | bare SDK | {bare:.0f}/s | {alone_ratio:.2f} (0.8) |")
        print(
            f"| fast, model and store | {kept:.0f}/s | bare SDK | {bare:.0f}/s | {kept_ratio:.2f} (0.8) |", flush=True
        )


def queue(answered: int) -> None:
    """`answered` of a million, then the generator is closed."""
    drawn = 0

    def counted() -> Iterator[Request]:
        nonlocal drawn
        for request in requests(QUEUED):
            drawn += 1
            yield request

    with server() as url:
        model = OpenAIModel(Server("m", url), ModelOptions(concurrency=WIDTH))
        before = peak_mib()
        answers = model.generate(counted())
        took = seconds(lambda: sum(1 for _ in islice(answers, answered)))
        answers.close()  # type: ignore[attr-defined]
    rate = answered / took
    print(f"| queue, {QUEUED:,} requests, {answered:,} answered | {rate:.0f}/s | drawn | {drawn:,} | |")
    print(f"|   peak resident memory | {peak_mib():.0f} MiB | before | {before:.0f} MiB | < 500 MiB |", flush=True)


class Clerk:
    """Answers at once, with one of a few things."""

    fingerprint = "clerk/1"

    def generate(self, requests: Iterable[Request]) -> Iterator[tuple[int, Reply]]:
        for number, request in enumerate(requests):
            key = {"label": "label", "assign": "category"}[request.stage]
            yield number, Reply(json.dumps({key: f"thing {zlib.crc32(request.user.encode()) % THINGS}"}))


class Forgetful(Store):
    """Finds nothing and keeps nothing."""

    def put_many(self, entries: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> None:
        pass


def held(store: Store, n: int) -> None:
    """Labels and assigns `n` descriptions of 120 characters, all different; meant for a process of its own."""
    before = peak_mib()
    text = "The picture with the number {:>7} shows a thing, seen from the left, in the sun, with a fence behind it."
    descriptions = [Description(f"photos/{i}.jpg", text.format(i), "vlm") for i in range(n)]
    alone = peak_mib()
    reasoner = LlmReasoner(StoredModel(Clerk(), store), Prompts(), "clerk")
    start = time.perf_counter()
    labels = reasoner.label(descriptions, "object")
    labelled, rate = peak_mib(), n / (time.perf_counter() - start)
    assert sum(isinstance(x, Label) for x in labels) == n
    start = time.perf_counter()
    names = Taxonomy("object", [Cluster(f"thing {i}") for i in range(THINGS)])
    found = reasoner.assign(descriptions, names, "object")
    assigned, second = peak_mib(), n / (time.perf_counter() - start)
    assert sum(isinstance(x, Assignment) for x in found) == n
    print(f"| held, {n:,} descriptions | {alone - before:.0f} MiB | before them | {before:.0f} MiB | |")
    print(f"|   labelled, on top | {labelled - alone:.0f} MiB | a second | {rate:.0f} | < 500 MiB |")
    print(f"|   assigned, labels held | {assigned - alone:.0f} MiB | a second | {second:.0f} | < 500 MiB |", flush=True)


def row(what: str, ours: float, beside: str, theirs: float, wanted: str) -> None:
    print(f"| {what} | {ours:.1f}/s | {beside} | {theirs:.1f}/s | {ours / theirs:.3f} ({wanted}) |", flush=True)


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(_data: Path | None = None) -> None:
    """Prints the table; memory first, while the process is small."""
    print("| what | measured | beside | | ratio (wanted) |\n|---|---|---|---|---|", flush=True)
    queue(20_000)
    alone = f"from bench.throughput import Forgetful, held; held(Forgetful(None), {QUEUED})"
    subprocess.run([sys.executable, "-c", alone], check=True)
    with tempfile.TemporaryDirectory() as scratch:
        slow(Path(scratch))
        fast(Path(scratch))
