"""Which prompt each class gets: the strategies of the embedding lane.

image-only     no prompt: the images' own vectors
generic        one prompt for all classes: a second control, since it cannot tell anything apart
task           a prompt per class ("This is a cat")
grouped        a prompt per group of classes ("This is a animal")
swapped        the task prompts permuted among the classes: a control, with every class under a wrong prompt
hierarchical   class and group together ("This is a cat animal")
criterion      made of the criterion and the names ("mood: calm"), prompts/offline/criterion.txt
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ictc.errors import UsageError
from ictc.prompts import load
from ictc.promptset import PromptSet

IMAGE_ONLY, GENERIC, TASK, GROUPED = "image-only", "generic", "task", "grouped"
SWAPPED, HIERARCHICAL, CRITERION = "swapped", "hierarchical", "criterion"
CONTROLS = {
    SWAPPED: "A control: every prompt stands under the name of another class, so names and labels are wrong.",
    GENERIC: "A control: one prompt for all classes tells nothing apart, so clusters are those of images alone.",
}
"""What is said wherever such a result is shown."""
STRATEGIES = (IMAGE_ONLY, GENERIC, TASK, GROUPED, SWAPPED, HIERARCHICAL, CRITERION)
CRITERION_PROMPT = "offline/criterion.txt"
_SEED = 0


def check_strategy(strategy: str, prompts: PromptSet | None) -> None:
    """Raises UsageError where there is no such strategy, or the prompts do not have what it needs."""
    if strategy not in STRATEGIES:
        raise UsageError(f"There is no strategy '{strategy}'.", f"Those there are: {', '.join(STRATEGIES)}.")
    if strategy in (IMAGE_ONLY, CRITERION):
        return
    if prompts is None:
        raise UsageError(
            f"The strategy {strategy} needs prompts.",
            'Write a file with a line like classes = ["cat", "dog"] and add: --prompts FILE',
        )
    if strategy not in prompts.prompts and strategy != SWAPPED:
        raise UsageError(
            f"The strategy {strategy} needs groups, and the prompts file has none.",
            f'Add to it: [groups] and, for every class, a line like "{prompts.classes[0]}" = "its group"',
        )
    if strategy == SWAPPED and len(prompts.classes) < 2:
        raise UsageError("The strategy swapped needs two classes or more.", "Add classes to the prompts file.")


def prompts_of(
    prompts: PromptSet | None, strategy: str, criterion: str, names: Sequence[str]
) -> tuple[str, ...] | None:
    """One prompt a class (of `names`, for `criterion` without a prompts file); None for `image-only`.

    Raises:
        UsageError: see `check_strategy`.
    """
    check_strategy(strategy, prompts)
    if strategy == IMAGE_ONLY:
        return None
    if strategy == CRITERION:
        template = (prompts.criterion if prompts else "") or load(CRITERION_PROMPT)
        classes = prompts.classes if prompts else names
        return tuple(template.replace("{criterion}", criterion).replace("{name}", name) for name in classes)
    assert prompts is not None
    if strategy == SWAPPED:
        task = prompts.prompts[TASK]
        return tuple(task[i] for i in derangement(len(task)))
    return prompts.prompts[strategy]


def derangement(n: int) -> list[int]:
    """A fixed permutation of n >= 2 places that leaves none where it was: one cycle (Sattolo 1986), fixed seed."""
    places = list(range(n))
    draw = np.random.default_rng(_SEED)
    for i in range(n - 1, 0, -1):
        j = int(draw.integers(i))
        places[i], places[j] = places[j], places[i]
    return places
