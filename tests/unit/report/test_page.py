"""The page as a document: complete, self-contained, and foreign text stays text."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictc.report import ModelUsed, Provenance, build_report, render_html
from ictc.report.charts import COLOURS, colour, curve, marker, reliability_diagram
from ictc.report.page import visible
from ictc.result import Result
from ictc.scoring import score_assignments
from ictc.scoring.calibration import reliability
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Taxonomy
from tests.pages import whole_html

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "{{ 7*7 }}{% raw %}${7*7}",
    "<!--<script>",
    "]]><svg onload=alert(1)>",
    "\u202egnp.exe\u2066",
    "\x1b[31mred\x1b]0;title\x07",
    "one\ntwo\r\nthree\u2028four",
    "\x00\x08\x7f\x9b",
    "not utf-8: \udcff\udc80",
    "&lt;script&gt;",
]


class Elements(HTMLParser):
    """Every element with its attributes, and the text outside of style and script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.found and self.found[-1][0] not in {"style", "script"}:
            self.text.append(data)


def page_of(text: str) -> str:
    """A page that shows `text` wherever a page shows anything that is not ours."""
    images = [f"{text}{i}" for i in range(12)]
    other = f"{text}x"
    result = Result(
        criterion=text,
        items=[Item(i) for i in images],
        descriptions=[Description(i, text * 3, text) for i in images],
        labels=[Label(i, text, text) for i in images],
        taxonomy=Taxonomy(
            text,
            [Cluster(text, text, {text: 3, other: 2}), Cluster(other, "", {})],
            KChoice(2, text, text, [(2, 0.5), (3, 0.2)]),
        ),
        assignments=[
            Assignment(image, [text, other, None][i % 3], 0.5, text, f"e{text}") for i, image in enumerate(images)
        ],
        failures=[Failure(text, "image", text, text, True)],
    )
    truth = {image: f"{text}{i % 2}" for i, image in enumerate(images)}
    provenance = Provenance(
        text, [(text, text)], [ModelUsed(text, text, text)], {text: text}, {text: 1.0}, made=text, revision=text
    )
    vectors = np.eye(12, dtype=np.float32)
    sure = {a.image: a.confidence for a in result.assignments}
    scores = score_assignments(result.predicted(), truth, clusters=result.names, confidences=sure).to_json()
    told = {"provenance": provenance, "scores": scores, "truth": truth, "vectors": vectors, "warnings": [text, text]}
    renamed = replace(result, taxonomy=replace(result.taxonomy, clusters=[Cluster(other), Cluster(text)]))
    return whole_html([result, renamed], [{**told, "corrected": images[:3]}, told])


@pytest.fixture(scope="module")
def plain() -> list[tuple[str, frozenset[str]]]:
    return skeleton(page_of("plain"))


def skeleton(page: str) -> list[tuple[str, frozenset[str]]]:
    """The page's elements and the names of their attributes: what no foreign text may change."""
    return [(tag, frozenset(attrs)) for tag, attrs in Elements(page).found]


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_adds_no_element_and_no_attribute(text, plain):
    page = page_of(text)
    assert skeleton(page) == plain
    for _, attrs in Elements(page).found:
        assert not any((attrs.get(name) or "").lower().startswith("javascript") for name in ("href", "src", "action"))
    # data (both have the same texts), two maps, the page's own
    assert len(re.findall("<script", page)) == 9
    page.encode("utf-8")


@settings(max_examples=25, deadline=None)
@given(
    st.text(
        alphabet=st.sampled_from("<>\"'&/={}%#!-\\ a\n\x00\x1b\u202e\u2066\u2028\ud800é`$()"), min_size=1, max_size=30
    )
)
def test_any_text_stays_text(text):
    page = page_of(text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", page)
    found = {tag for tag, _ in Elements(page).found}
    assert not found & {"iframe", "object", "embed", "link", "base", "form"}
    assert len(re.findall("<script", page)) == 9
    page.encode("utf-8")


def test_hidden_characters_are_written_out():
    assert visible("a\u202eb\x1b[1m\ud800") == "a\\u202eb\\x1b[1m\\ud800"
    assert visible("one\r\ntwo\tthree") == "one\ntwo three"
    assert visible("naïve 日本 עברית 👩‍🚀") == "naïve 日本 עברית 👩‍🚀"
    assert "a\\nb.jpg" in page_of("a\nb.jpg")


def test_the_policy_allows_only_the_pages_own_style_and_script():
    page = page_of("plain")
    elements = Elements(page).found
    policy = next(a["content"] for t, a in elements if t == "meta" and a.get("http-equiv"))
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert policy.count("sha256-") == 2
    assert not [a for _, a in elements if "style" in a or any(name.startswith("on") for name in a)]
    sources = [v for _, a in elements for name in ("src", "href") if (v := a.get(name))]
    assert sources
    assert all(v.startswith("#") for v in sources)
    assert "http://" not in page and "https://" not in page


def test_links_lead_somewhere_and_ids_are_unique(make_result):
    page = render_html(build_report(make_result({"calm": 9, "wild": 4}, unassigned=2), Provenance()))
    elements = Elements(page).found
    ids = [a["id"] for _, a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for t, a in elements if t == "a"} <= set(ids)
    assert {a["aria-labelledby"] for _, a in elements if "aria-labelledby" in a} <= set(ids)


def test_every_image_of_the_grid_has_a_text(make_result, jpeg):
    result = make_result({"calm": 9})
    page = render_html(
        build_report(result, Provenance(), thumbnails={a.image: jpeg(32, 32) for a in result.assignments})
    )
    elements = Elements(page).found
    described = [a["aria-label"] for _, a in elements if a.get("role") == "img" and "pic" in (a.get("class") or "")]
    assert len(described) == 9
    assert described[0] == "This shows calm-0.jpg."
    pictures = {(a.get("class") or "").split()[1] for _, a in elements if "pic " in (a.get("class") or "")}
    assert pictures == {f"t{i}" for i in range(9)}
    assert all(f".{name}{{background-image:url(data:image/jpeg;base64," in page for name in pictures)


def test_the_page_says_what_it_leaves_out(make_result):
    text = " ".join(Elements(render_html(build_report(make_result({"calm": 1000}), Provenance()))).text)
    assert "1,000 images" in text
    assert "985 more in between" in text


def test_the_same_report_gives_the_same_page(make_result):
    result = make_result({"calm": 30, "wild": 20})
    vectors = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32)
    pages = {render_html(build_report(result, Provenance(), vectors=vectors)) for _ in range(2)}
    assert len(pages) == 1


@pytest.mark.parametrize(
    "sizes, unassigned",
    [({"calm": 0, "wild": 0}, 0), ({"calm": 0}, 7), ({"calm": 1}, 0), ({f"c{i}": 2 for i in range(70)}, 0)],
)
def test_odd_results_are_shown(make_result, sizes, unassigned):
    result = make_result(sizes, unassigned)
    page = render_html(build_report(result, Provenance()))
    text = " ".join(Elements(page).text)
    assert ("No image was assigned to a cluster." in text) == (not sum(sizes.values()))
    assert all(name in text for name in sizes)


def test_a_long_criterion_is_cut_in_the_title_and_shown_in_full_below(make_result):
    criterion = "by what it would mean to a botanist " * 280
    page = render_html(build_report(make_result({"calm": 3}, criterion=criterion), Provenance()))
    assert criterion.strip() in page
    title = re.search("<h1.*?</h1>", page, re.S)
    assert title and len(title[0]) < 250


def test_k_that_was_asked_for_has_no_curve(make_result):
    result = make_result({"calm": 3})
    asked = replace(result, taxonomy=replace(result.taxonomy, choice=None))
    assert 'id="choice"' in render_html(build_report(result, Provenance()))
    assert 'id="choice"' not in render_html(build_report(asked, Provenance()))


def test_forty_clusters_can_be_told_apart():
    looks = {(colour(i), marker(i, 0, 0, 4)) for i in range(1, 41)}
    assert len(looks) == 40
    assert {colour(i) for i in range(1, 41)} == {f"c{i + 1}" for i in range(COLOURS)}
    assert colour(0) == "c0"


def test_the_curve_marks_the_k_that_was_chosen():
    drawn = curve(KChoice(3, "silhouette", "", [(2, 0.1), (3, 0.5), (4, 0.3)]))
    assert drawn.chosen == drawn.points[1]
    assert drawn.points[1][1] == min(y for _, y in drawn.points)
    assert [text for _, text in drawn.x_ticks] == ["2", "3", "4"]
    assert curve(KChoice(3, "", "", [(2, 0.1), (4, 0.1)])).chosen is None
    assert curve(KChoice(3, "", "", [(3, 0.1)])) is None


def scored(result: Result, sure: dict[str, float | None]) -> str:
    truth = {a.image: a.image.split("-")[0] for a in result.assignments}
    scores = score_assignments(result.predicted(), truth, clusters=result.names, confidences=sure).to_json()
    return render_html(build_report(result, Provenance(), scores=scores))


def test_how_far_confidences_can_be_believed_is_drawn_and_told(make_result):
    result = make_result({"calm": 30, "wild": 20})
    sure = {a.image: [0.95, 0.65, None][i % 3] for i, a in enumerate(result.assignments)}
    page = scored(result, sure)
    part = page[page.index('id="reliability"') :]
    figure = part[part.index("<svg") : part.index("</svg>")]
    assert figure.count("<rect") == figure.count('class="due"') == 2
    text = " ".join(" ".join(Elements(part).text).split())
    assert "For 34 assigned images" in text and "16 more have no confidence" in text
    assert "0.6 to 0.7 17 0.650 1.000 0.9 to 1.0 17 0.950 1.000" in text
    assert "0.200 apart" in text  # (.35 + .05) / 2: all are right


def test_without_confidences_or_truth_nothing_is_said_of_them(make_result):
    result = make_result({"calm": 9, "wild": 4})
    assert 'id="reliability"' not in scored(result, {})
    assert 'id="reliability"' not in render_html(build_report(result, Provenance()))


def test_bars_of_right_confidences_end_at_the_diagonal():
    sure = [0.25] * 4 + [0.75] * 4
    drawn = reliability_diagram(reliability(sure, [True, False, False, False, True, True, True, False]))
    slope = (drawn.bottom - drawn.top) / (drawn.right - drawn.left)
    for bar in drawn.bars:
        middle = bar.x + bar.width / 2
        assert bar.y == bar.due == pytest.approx(drawn.bottom - slope * (middle - drawn.left), abs=0.2)
        assert bar.y + bar.height == drawn.bottom


@pytest.mark.parametrize("n, told", [(999, "999"), (1000, "1.0k"), (9_960, "10k"), (999_500, "1.0M"), (12**7, "36M")])
def test_counts_over_bars_are_short(n, told):
    bins = [replace(b, n=n) for b in reliability([0.5], [True])]
    assert reliability_diagram(bins).bars[0].n == told
