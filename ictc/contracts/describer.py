"""The contract of step 1."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ictc.contracts.ground import BAD, COPY, holds, pictures
from ictc.interfaces import Describer
from ictc.types import Description, Failure

Make = Callable[[], Describer]
CRITERION = "colour"


def same_order_and_failures_in_place(make: Make, folder: Path) -> None:
    items = pictures(folder)[: COPY + 1]
    found = make().describe(items, CRITERION)
    holds([f.image for f in found] == [i.name for i in items], "one answer for each image, in the order given")
    for n, (item, answer) in enumerate(zip(items, found, strict=True)):
        if n == BAD:
            holds(isinstance(answer, Failure), f"an image that cannot be read ({item.name}) is a Failure in its place")
        if isinstance(answer, Failure):
            holds(n == BAD, f"{item.name} can be read, and failed: {answer.code}: {answer.message}")
            known = answer.stage in ("image", "describe")
            holds(known and bool(answer.code and answer.message), "a Failure says stage, code and message")
        else:
            holds(bool(answer.text.strip() and answer.model), "a Description has a text, and says by which model")
            holds(answer.sha256 == item.sha256, "a Description has its image's sha256")


def progress_counts_every_image_once(make: Make, folder: Path) -> None:
    items = pictures(folder)[: COPY + 1]
    made = make()
    for part in (items, items, items[:1], []):
        done: list[int] = []
        made.describe(part, CRITERION, done.append)
        holds(sum(done) == len(part), f"tick counted {sum(done)} of {len(part)} images (failed and stored ones count)")


def the_same_answers_again_anew_and_in_another_order(make: Make, folder: Path) -> None:
    items = pictures(folder)[: COPY + 1]
    made = make()
    found = made.describe(items, CRITERION)
    holds(made.describe(items, CRITERION) == found, "the same call gives the same answers")
    holds(make().describe(items, CRITERION) == found, "opened anew, it gives the same answers")
    holds(made.describe(items[::-1], CRITERION) == found[::-1], "an answer does not depend on the order of images")
    texts = [f.text for f in (found[0], found[COPY]) if isinstance(f, Description)]
    holds(len(set(texts)) == 1, "two files with the same bytes get the same text")


def the_fingerprint_does_not_change_by_use(make: Make, folder: Path) -> None:
    made = make()
    before = made.fingerprint
    made.describe(pictures(folder)[: COPY + 1], CRITERION)
    holds(isinstance(before, str) and before != "", "the fingerprint is a text")
    holds(made.fingerprint == before, "describing does not change the fingerprint")
    holds(make().fingerprint == before, "opened anew, it has the same fingerprint")


DESCRIBER = (
    same_order_and_failures_in_place,
    progress_counts_every_image_once,
    the_same_answers_again_anew_and_in_another_order,
    the_fingerprint_does_not_change_by_use,
)
