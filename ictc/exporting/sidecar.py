"""XMP sidecars as text: a new one, and keywords put into one that is there without touching anything else in it.

Keywords are `dc:subject` (IPTC Core's Keywords), groups besides `lr:hierarchicalSubject` with `|` between levels, as
Lightroom, digiKam and darktable write them. Source: XMP Specification Part 1 (ISO 16684-1), sections 7.4 and 7.9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_DC = "http://purl.org/dc/elements/1.1/"
_LR = "http://ns.adobe.com/lightroom/1.0/"
_META = "adobe:ns:meta/"
_BAGS = {"subject": f"{_DC} subject", "hierarchicalSubject": f"{_LR} hierarchicalSubject"}
_PREFIX = {"subject": f'dc:subject xmlns:dc="{_DC}"', "hierarchicalSubject": f'lr:hierarchicalSubject xmlns:lr="{_LR}"'}
_LONGEST = 1 << 20  # bytes; no sidecar of keywords is longer


class Unsafe(Exception):
    """Why nothing can be put into a sidecar."""


@dataclass(slots=True)
class _Read:
    """What is in a sidecar. `ends`: where new items go, by property; -1 where its list cannot take any.

    `rest` is everything else, to be the same afterwards.
    """

    items: dict[str, list[str]] = field(default_factory=dict)
    ends: dict[str, int] = field(default_factory=dict)
    end: int = -1
    abouts: set[str] = field(default_factory=set)
    rest: list[object] = field(default_factory=list)


def new(keywords: Sequence[str], hierarchy: Sequence[str]) -> bytes:
    """A sidecar with these keywords alone."""
    inside = "".join(_bag(name, words) for name, words in _given(keywords, hierarchy).items() if words)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    rdf = f'<rdf:RDF xmlns:rdf="{_RDF}">\n  {_description("", inside)}\n </rdf:RDF>'
    return f'{head}<x:xmpmeta xmlns:x="{_META}">\n {rdf}\n</x:xmpmeta>\n'.encode()


def merged(before: bytes, keywords: Sequence[str], hierarchy: Sequence[str]) -> bytes:
    """`before` with the keywords that it lacks; every other byte stays. The same bytes where it lacks none.

    Raises:
        Unsafe: it is no XMP that can be read, or not written such that one could add to it and change nothing else.
    """
    read = _read(before)
    adds: list[tuple[int, str]] = []
    blocks = ""
    for name, words in _given(keywords, hierarchy).items():
        lacking = [word for word in words if word not in read.items.get(name, ())]
        if not lacking:
            continue
        if name not in read.ends:
            blocks += _bag(name, lacking)
        elif read.ends[name] < 0:
            raise Unsafe("its list of keywords is written in a way that cannot be added to")
        else:
            adds.append((read.ends[name], "".join(_item(word) for word in lacking)))
    if blocks:
        if read.end < 0 or len(read.abouts) > 1:
            raise Unsafe("it speaks of several things, or of none")
        adds.append((read.end, _description(next(iter(read.abouts), ""), blocks)))
    after = before
    for at, text in sorted(adds, reverse=True):
        after = after[:at] + text.encode() + after[at:]
    again = _read(after)
    for name, words in _given(keywords, hierarchy).items():
        had = read.items.get(name, [])
        if again.rest != read.rest or again.items.get(name, []) != had + [word for word in words if word not in had]:
            raise Unsafe("keywords could not be added without changing something else")
    return after


def keywords_in(sidecar: bytes) -> dict[str, list[str]]:
    """The keywords, flat (`subject`) and in levels (`hierarchicalSubject`). Raises Unsafe: it is no XMP."""
    return _read(sidecar).items


def level(text: str) -> str:
    """A name as one level of a hierarchy, in which `|` stands between levels."""
    return text.replace("|", "/")


def _given(keywords: Sequence[str], hierarchy: Sequence[str]) -> dict[str, list[str]]:
    return {
        "subject": list(dict.fromkeys(map(_legal, keywords))),
        "hierarchicalSubject": list(dict.fromkeys(map(_legal, hierarchy))),
    }


def _legal(text: str) -> str:
    """Text that XML 1.0 can hold, on one line: what it cannot hold is a question mark."""
    line = " ".join(text.split())
    return "".join(
        c if c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and ord(c) not in (0xFFFE, 0xFFFF) else "?" for c in line
    )


def _item(word: str) -> str:
    return f'<rdf:li xmlns:rdf="{_RDF}">{escape(word)}</rdf:li>'


def _bag(name: str, words: Sequence[str]) -> str:
    items = "".join(f"<rdf:li>{escape(word)}</rdf:li>" for word in words)
    return f"<{_PREFIX[name]}><rdf:Bag>{items}</rdf:Bag></{_PREFIX[name].partition(' ')[0]}>"


def _description(about: str, inside: str) -> str:
    return f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about={quoteattr(about)}>{inside}</rdf:Description>'


def _read(data: bytes) -> _Read:
    """Byte offsets come from the parser itself, so that nothing has to be written anew to be added to."""
    if len(data) > _LONGEST:
        raise Unsafe(f"it has {len(data):,} bytes")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Unsafe("it is not UTF-8") from e
    found, stack, words = _Read(), list[str](), list[str]()
    parser = expat.ParserCreate("utf-8", namespace_separator=" ")

    def bag() -> str | None:
        """The property whose list one is in: .../rdf:Description/dc:subject/rdf:Bag, with or without an item."""
        if len(stack) >= 3 and stack[-1] in (f"{_RDF} Bag", f"{_RDF} Seq") and stack[-3] == f"{_RDF} Description":
            return next((name for name, tag in _BAGS.items() if stack[-2] == tag), None)
        return None

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag == f"{_RDF} li" and bag():
            stack.append(tag)
            words.clear()
            if attributes:
                raise Unsafe("its keywords have attributes")
            return
        if tag == f"{_RDF} Description" and stack and stack[-1] == f"{_RDF} RDF":
            found.abouts.add(attributes.get(f"{_RDF} about", attributes.get("about", "")))
            if set(attributes) & set(_BAGS.values()):
                raise Unsafe("its keywords are an attribute")
        stack.append(tag)
        name = next((name for name, known in _BAGS.items() if known == tag), None)
        if name and len(stack) > 1 and stack[-2] == f"{_RDF} Description":
            if name in found.ends:
                raise Unsafe("it has keywords twice")
            found.ends[name] = -1
        elif not bag() and (tag != f"{_RDF} Description" or set(attributes) - {f"{_RDF} about"}):
            found.rest.append((tag, sorted(attributes.items())))

    def end(tag: str) -> None:
        name = bag()
        if name:
            found.ends[name] = parser.CurrentByteIndex
        elif tag == f"{_RDF} RDF":
            if found.end >= 0:
                raise Unsafe("it has several descriptions in RDF")
            found.end = parser.CurrentByteIndex
        stack.pop()
        if tag == f"{_RDF} li" and (name := bag()):
            found.items.setdefault(name, []).append("".join(words))

    def text(data: str) -> None:
        if stack and stack[-1] == f"{_RDF} li":
            words.append(data)
        if data.strip() and not (len(stack) > 1 and stack[-1] == f"{_RDF} li" and stack[-3] in _BAGS.values()):
            found.rest.append(data)

    def refuse(*_: object) -> None:
        raise Unsafe("it has a document type")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, text
    parser.StartDoctypeDeclHandler, parser.EntityDeclHandler = refuse, refuse
    parser.CommentHandler = lambda data: found.rest.append(("comment", data))
    parser.ProcessingInstructionHandler = lambda target, data: found.rest.append((target, data))
    parser.buffer_text = True
    try:
        parser.Parse(data, True)
    except expat.ExpatError as e:
        raise Unsafe(f"it is no XML: {e}") from e
    if found.end < 0:
        raise Unsafe("it is no XMP: it has no rdf:RDF")
    return found
