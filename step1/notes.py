"""What the offline describer has to admit: a criterion that neither the network's classes nor measurement answer."""

from __future__ import annotations

import re

from ictc.interfaces import Embedder
from step1.tags import kind_in
from step1.topics import OBJECT, likeliest, topics


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


UNMEASURED = _words("""
    number numbers count counts many quantity amount shape shapes size sizes height distance doing action
    actions activity activities pose posture gesture gestures movement gender sex age ages ethnicity race
    identity who name expression place places location locations where weather season time year era style styles
    genre material materials price brand language wearing holding relationship purpose meaning
""")
"""What one can ask of a picture, and neither a list of kinds of things nor measured pixels can tell."""

ASKING = _words("""
    a an the what which is are it its in on of by at to and or this that these there be being can see seen show
    shows shown depicted visible picture pictures image images photo photos photograph photographs main subject
    subjects object objects thing things item items content contents kind kinds type types sort category
    categories class classes species breed breeds variety group theme topic different each do does you we i
""")
"""Words of asking: a criterion of nothing else asks what is shown."""

HINT = "A vision model can: --describer openai:MODEL or --describer hf:REPO_OR_DIR"


def notes(criterion: str, embedder: Embedder) -> list[str]:
    """One sentence where the criterion is not answered, and what was spoken of instead; else nothing."""
    words = re.findall(r"[^\W\d_]+", criterion.lower())
    spoken = topics(criterion, embedder)
    if not UNMEASURED.intersection(words):
        plain = all(word in ASKING for word in words) and bool(words)
        if spoken != (OBJECT,) or plain or kind_in(criterion) is not None or likeliest(criterion, embedder) == OBJECT:
            return []
    instead = " and ".join("the kind of thing shown" if topic == OBJECT else f"the {topic}" for topic in spoken)
    asked = criterion if len(criterion) <= 80 else f"{criterion[:79]}…"
    return [f"The offline describer cannot tell “{asked}”; it spoke of {instead}. {HINT}"]
