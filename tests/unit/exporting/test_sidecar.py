"""XMP sidecars: well-formed whatever names say, and added to without changing another byte."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictc.exporting.sidecar import Unsafe, keywords_in, merged, new

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"

RATED = """\ufeff<?xpacket begin="x" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><!-- keep & me -->
 <r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <r:Description r:about="uuid:1" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="5"{more}/>
  {body}
 </r:RDF>
</x:xmpmeta>
<?xpacket end="w"?>""".removeprefix("\ufeff")
LIST = """<r:Description r:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><r:Bag>
   <r:li>mine</r:li></r:Bag></dc:subject></r:Description>"""


def rated(body: str = "", more: str = "") -> bytes:
    return RATED.replace("{body}", body).replace("{more}", more).encode()


@given(st.text(st.characters(exclude_categories=[]), min_size=1, max_size=40), st.text(max_size=20))
def test_any_name_gives_a_sidecar_that_parsers_read(cluster: str, group: str) -> None:
    made = new([cluster, group], [group, f"{group}|{cluster}"])
    root = ElementTree.fromstring(made)
    words = [li.text or "" for li in root.iter(f"{RDF}li")]
    assert 1 <= len(words) <= 4
    for text, word in [(cluster, words[0])]:
        assert word == keywords_in(made)["subject"][0]
        if text.isprintable():
            assert word == " ".join(text.split())
    assert merged(made, [cluster, group], [group, f"{group}|{cluster}"]) == made


@given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=40))
def test_keywords_are_put_into_a_sidecar_that_is_there(cluster: str) -> None:
    for before in (rated(), rated(LIST)):
        after = merged(before, [cluster], [f"g|{cluster}"])
        root = ElementTree.fromstring(after)
        assert len(list(root.iter(SUBJECT))) == 1
        had = keywords_in(before).get("subject", [])
        word = " ".join(cluster.split())
        assert keywords_in(after)["subject"] == had + ([word] if word not in had else [])
        assert keywords_in(after)["hierarchicalSubject"] == [" ".join(f"g|{cluster}".split())]
        assert merged(after, [cluster], [f"g|{cluster}"]) == after
        kept = iter(after)
        assert all(byte in kept for byte in before)  # every byte of before, in its order
        assert b'xmp:Rating="5"' in after and b"<!-- keep & me -->" in after and b"<?xpacket end" in after


@pytest.mark.parametrize(
    "before,why",
    [
        (b"", "no XML"), (b"<a>", "no XML"), (b"<a/>", "no XMP"), (b"\xff\xfe<\x00a\x00", "UTF-8"),
        (b" " * (1 << 21), "bytes"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "document type"),
        (rated(LIST + LIST), "twice"),
        (rated(LIST.replace("uuid:1", "uuid:2")).replace(b"dc:subject", b"dc:title"), "several"),
        (rated('<r:Description r:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject/></r:Description>'),
         "cannot be added"),
        (rated('<r:Description r:about="uuid:1" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><r:Bag/></dc:subject>'
               "</r:Description>"), "something else"),
        (rated(more=' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:subject="x"'), "attribute"),
    ],
)  # fmt: skip
def test_what_cannot_be_added_to_safely_is_refused(before: bytes, why: str) -> None:
    with pytest.raises(Unsafe, match=why):
        merged(before, ["cat"], [])
