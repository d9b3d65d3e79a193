"""The results in the repository of IC|TC's authors, tiny, in their own formats and folders."""

from __future__ import annotations

import json
from pathlib import Path

from tests.published import OBJECTS


def write_repository(repository: Path) -> None:
    """What it has of CIFAR-10 and GPT-3.5, for 20 images; one answer is off the list."""
    images = [f"{i}_{OBJECTS[i % 10]}.png" for i in range(20)]
    told = repository / "data/cifar10/llama_70b_chat_hf/llava/dosample=False"
    told.mkdir(parents=True)
    seen = [f"The image shows a {OBJECTS[i % 10]}." for i in range(20)]
    rows = [{"image_file": f"/home/a/data/cifar10/{n}", "text": s} for n, s in zip(images, seen, strict=True)]
    (told / "step1_result.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = repository / "data/cifar10/gpt3.5/llava"
    run.mkdir(parents=True)
    (run / "step2b_result.txt").write_text("".join(f"Answer {i}: {name}\n" for i, name in enumerate(OBJECTS, 1)))
    for file in ("step2a", "step3"):
        answers = ["kitten" if n == "3_cat.png" else n[:-4].partition("_")[2] for n in images]
        lines = [f"Image file-cifar10/{n} Answer: {answer}\n" for n, answer in zip(images, answers, strict=True)]
        (run / f"{file}_result.txt").write_text("".join(lines))
    matched = [(i, i) for i in range(10)]
    (run / "accuracy.txt").write_text(str({"ACC": 0.95, "ARI": 0.9, "NMI": 0.95, "hungarian_match": matched}))


def write_instruments(repository: Path) -> None:
    """What it has of PPMI's seven instruments and GPT-4, for 14 images; no answer is off the list."""
    names = ["saxophone", "guitar", "trumpet", "cello", "flute", "violin", "harp"]
    run = repository / "data/ppmi/gpt4/llava/instrument_7_classes"
    run.mkdir(parents=True)
    (run / "step2b_result.txt").write_text("".join(f"{i}: {name}\n" for i, name in enumerate(names, 1)))
    lines = [f"Image file-/home/a/data/ppmi/{i}_{names[i % 7].title()}.jpg Answer: {names[i % 7]}\n" for i in range(14)]
    (run / "step3_result.txt").write_text("".join(lines))
    matched = [(i, i) for i in range(7)]
    (run / "accuracy.txt").write_text(str({"ACC": 1.0, "ARI": 1.0, "NMI": 1.0, "hungarian_match": matched}))
