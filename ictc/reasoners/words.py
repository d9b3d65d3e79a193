"""The little English that phrase extraction needs: closed-class words, participles. No topic words.

Texts in other languages have none of these words; their phrases are then cut at punctuation and at length only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ictc.english import singular


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


DETERMINERS = _words("""
    a an the this that these those its his her their our your my some any each every another no such
""")
NUMERALS = _words("""
    one two three four five six seven eight nine ten several many few multiple various numerous
""")
PREPOSITIONS = _words("""
    about above across after against along alongside amid among around as at atop away before behind below beneath
    beside besides between beyond by down during for from in inside into near next of off on onto out outside over
    past per through throughout to toward towards under underneath up upon with within without like
""")
OTHER_CLOSED = _words("""
    and or but nor so yet if then than while when where which who whom whose what why how because since although
    though i you he she it we they him them us me himself herself itself themselves someone something anyone
    anything everyone everything there here not both either neither also very too quite rather just only even still
    more most less least much other others own same all possibly probably likely perhaps maybe specifically mainly
    mostly primarily nearby especially particularly currently apparently actively slightly partially together etc
    e.g i.e s t directly visually clearly
""")
VERBS = _words("""
    is are was were be been being am has have had do does did can could may might must shall should will would
    appear appears appeared seem seems look looks feature features show shows depict depicts display displays
    capture captures contain contains include includes suggest suggests indicate indicates create creates add adds
    give gives make makes made convey conveys evoke evokes represent represents consist consists feel feels located
    surrounded shown depicted seen featured dominated placed positioned situated set used known called considered
    wears holds sits stands plays takes walks rests flies lets keeps gets goes comes visible
""")
BREAKS = PREPOSITIONS | OTHER_CLOSED | VERBS
"""Words that end a noun phrase and never stand in one."""

ABOUT_PICTURES = _words("""
    image images picture pictures photo photos photograph photographs scene scenes view shot frame foreground
    background close-up setting description subject object objects item items thing things kind kinds type types
    sort presence focus category categories class classes depiction area position
""")
"""Words of talk about pictures and about kinds: they stand in nearly every description and answer no criterion."""

GROUPS = _words("""
    group pair set piece slice bunch couple number variety lot series row front side middle edge center centre end rest
    part
""")
"""`a group of people` speaks of people, `in front of a house` of a house."""

NUMBERED = GROUPS | _words("figure fig slide page")
"""With a number behind it, it tells one of many: `number 7`, `figure 3`."""

COPULAS = _words("is are was were be seems seem appears appear looks look feels feel")
"""What follows one of these without an article is an answer of its own: `the mood is calm`."""

POSTURES = _words("standing sitting wearing looking posing facing lying being having including featuring showing using")
"""Verbs that go along with what somebody does; the answer only where there is no other."""

ACTION = _words("""
    doing action actions activity activities behaviour behavior happening pose gesture movement motion
""")
"""A criterion with one of these is answered by a verb."""

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019&-][^\W_]+)*|[^\w\s]")
_POSSESSIVE = re.compile(r"['\u2019]s?$")


def tokens(text: str) -> list[str]:
    """Case-folded words and single punctuation marks, in order; a possessive loses its ending."""
    return [_POSSESSIVE.sub("", t) or t for t in _TOKEN.findall(text.casefold())]


def is_word(token: str) -> bool:
    return token[:1].isalnum()


def is_closed(token: str) -> bool:
    """Punctuation or a function word: the end of a noun phrase."""
    return not is_word(token) or token in BREAKS or token in DETERMINERS


def is_participle(word: str) -> bool:
    """`standing`, `parked`: perhaps a verb form, perhaps a noun (`building`), which the corpus can tell."""
    return len(word) > 4 and word.endswith(("ing", "ed")) and not word.endswith("eed")


def is_number(words: Sequence[str]) -> bool:
    """Whether a phrase is a number and nothing else: it mostly tells one picture from another, not what it shows."""
    return words[-1].isdecimal() and all(w in NUMBERED for w in words[:-1])


def same_word_key(phrase: str) -> str:
    """Two phrases with equal keys are one name to a reader: `Dogs` and `dog`."""
    return " ".join(singular(w) for w in phrase.casefold().split())


def core(criterion: str) -> str:
    """What a criterion asks for, without the words of asking: `what instrument is being played` -> `instrument`.

    Empty when it asks for nothing in particular (`what kind of thing is shown`, `object`).
    """
    kept = [w for w in tokens(criterion) if not is_closed(w) and w not in ABOUT_PICTURES]
    while len(kept) > 1 and is_participle(kept[-1]) and kept[-1].endswith("ed"):
        kept.pop()
    return " ".join(kept)


def asks_for_action(criterion: str) -> bool:
    return bool(ACTION & set(tokens(criterion)))


def alternatives(criterion: str) -> list[str]:
    """The answers that a criterion lists: `indoor or outdoor`, also behind a colon (`place: indoor or outdoor`) ->
    [indoor, outdoor]; [] for any other criterion."""
    said = criterion.casefold().rpartition(":")[2]
    parts = [core(part) for part in re.split(r"\bor\b|\bvs\b|\bversus\b|[,/]", said)]
    listed = re.search(r"\b(or|vs|versus)\b|/", said) is not None
    short = all(0 < len(part.split()) <= 2 for part in parts)
    return parts if listed and short and 2 <= len(set(parts)) == len(parts) else []


def asked(criterion: str) -> str:
    """What a criterion asks about: without the answers that it lists behind a colon."""
    head = criterion.rpartition(":")[0]
    return head if head.strip() and alternatives(criterion) else criterion


def says_something(text: str) -> bool:
    """Whether there is anything but blanks and ASCII punctuation: a letter, a digit, a picture character."""
    return any(c.isalnum() or (ord(c) > 127 and not c.isspace()) for c in text)
