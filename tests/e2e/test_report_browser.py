"""The report in a real browser, through Playwright: nothing runs, nothing is loaded, everything can be reached."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ictc.crosstab import crosstab
from ictc.report import Beside, Book, Images, ModelUsed, Provenance, render_page
from ictc.result import Result
from ictc.scoring import score_assignments
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Taxonomy
from tests.pages import whole_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{7*7}}\u202e\x1b[31m\n</style><style>@import url(http://127.0.0.1:9/x)</style>",
    '<iframe src="http://127.0.0.1:9/"></iframe><link rel=stylesheet href=http://127.0.0.1:9/>',
]


def until(page: Any, expression: str, argument: Any = None) -> None:
    """Waits for what Playwright's own way of waiting would need `eval` for, which the page's policy forbids."""
    end = time.monotonic() + 20
    while not page.evaluate(expression, argument):
        assert time.monotonic() < end, f"never: {expression}"
        time.sleep(0.03)


class Browser:
    """One page of a headless Chromium. `complaints` collects all that a quiet page never causes."""

    def __init__(self, chromium: Any) -> None:
        self._chromium = chromium
        self._context: Any = None
        self.page: Any = None
        self.complaints: list[tuple[str, str]] = []

    def open(self, file: Path, width: int = 1280, dark: bool = False, scripts: bool = True, at: str = "") -> Any:
        self.close()
        self.complaints = []
        self._context = self._chromium.new_context(
            viewport={"width": width, "height": 800},
            color_scheme="dark" if dark else "light",
            java_script_enabled=scripts,
            has_touch=width < 600,
        )
        self.page = self._context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("request", self._requested)
        self.page.on("console", lambda m: self.complaints.append(("console", m.text)))
        self.page.on("pageerror", lambda e: self.complaints.append(("error", str(e))))
        self.page.on("dialog", self._dialog)
        self.page.goto(file.as_uri() + at)
        if scripts and self.page.locator("#found").count():
            until(self.page, "document.querySelector('#found').textContent || !missing.hidden")
        return self.page

    def close(self) -> None:
        if self._context:
            self._context.close()
            self._context = None

    def _requested(self, request: Any) -> None:
        if not request.url.startswith(("data:image/jpeg;base64,", "file://")):
            self.complaints.append(("request", request.url))

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(("dialog", dialog.message))
        dialog.accept()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        one = Browser(chromium)
        yield one
        one.close()
        chromium.close()


def jpeg(colour: tuple[int, int, int] = (30, 90, 200)) -> bytes:
    out = BytesIO()
    Image.new("RGB", (96, 64), colour).save(out, "JPEG")
    return out.getvalue()


def made(texts: list[str], clusters: int = 6, n: int = 60) -> Result:
    """A result with `texts` in turn wherever foreign text can come in."""

    def text(i: int) -> str:
        return texts[i % len(texts)]

    names = [f"{text(k)} {k}" for k in range(clusters)]
    images = [f"{text(i)}/{i}.jpg" for i in range(n)]
    return Result(
        criterion=text(clusters),
        items=[Item(i, Path(f"/photos/{text(k)}/{k}.jpg")) for k, i in enumerate(images)],
        descriptions=[Description(im, f"{text(i)} described {i}", text(i)) for i, im in enumerate(images)],
        labels=[Label(im, f"{text(i)} {i % 9}", text(i)) for i, im in enumerate(images)],
        taxonomy=Taxonomy(
            text(clusters),
            [Cluster(name, text(k + 1), {f"{text(j)} {j}": 1 for j in range(30)}) for k, name in enumerate(names)],
            KChoice(clusters, text(1), text(2), [(k, k % 7 / 7) for k in range(2, 12)]),
        ),
        assignments=[
            Assignment(im, names[i % clusters] if i % 20 else None, (99 - i) / 100, text(i), f"because {text(i)} {i}")
            for i, im in enumerate(images)
        ],
        failures=[Failure(f"{text(i)} failed {i}", "image", text(i + 1), text(i + 2)) for i in range(9)],
    )


def told(result: Result, texts: list[str], **more: Any) -> dict[str, Any]:
    """What else stands on the page."""
    truth = {a.image: f"{texts[i % len(texts)]} {i % 6}" for i, a in enumerate(result.assignments)}
    sure = {a.image: a.confidence for a in result.assignments}
    n = len(result.assignments)
    return {
        "provenance": Provenance(
            texts[0],
            [(t, t) for t in texts],
            [ModelUsed(t, t, t) for t in texts],
            {t: t for t in texts},
            revision="001",
        ),
        "scores": score_assignments(result.predicted(), truth, clusters=result.names, confidences=sure).to_json(),
        "truth": truth,
        "vectors": np.random.default_rng(0).normal(size=(n, 16)).astype(np.float32),
        "warnings": texts,
        **more,
    }


def write_page(path: Path, texts: list[str], pictures: bool = True) -> Path:
    """Two revisions on one page that uses everything."""
    first, second = made(texts), made(texts, clusters=4)
    two = told(second, texts, provenance=Provenance(revision="002"), corrected=[first.items[2].name])
    thumbnails = {i.name: jpeg() for i in first.items} if pictures else {}
    path.write_text(whole_html([first, second], [told(first, texts), two], thumbnails), "utf-8")
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "report.html", ["word", "some longer words"])


FIRST = "document.querySelector('#gallery .tile')?.dataset.image"


def shown(page: Any) -> list[int]:
    """The images in the gallery."""
    return [int(i) for i in page.eval_on_selector_all("#gallery .tile", "all => all.map((t) => t.dataset.image)")]


def wait_for(page: Any, found: str) -> None:
    until(page, "(text) => document.querySelector('#found').textContent.startsWith(text)", found)


@pytest.mark.parametrize("pictures", [True, False])
def test_hostile_text_does_nothing(browser: Browser, tmp_path: Path, pictures: bool) -> None:
    page = browser.open(write_page(tmp_path / "hostile.html", HOSTILE, pictures))
    assert page.locator("article.current h1").inner_text() == HOSTILE[0]
    for index in range(3):
        page.locator("article.current details.tile summary").nth(index).click()
        page.locator("#viewer-body dl").wait_for()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
    page.locator("#gallery .tile").nth(4).click()
    page.locator("#viewer-body dt", has_text="Because").wait_for()
    page.keyboard.press("Escape")
    for legend in page.locator("article.current .legend button").all():
        legend.click()
    page.get_by_role("searchbox").fill("alert(1) described")
    until(page, "document.querySelectorAll('#narrowed li').length")
    page.locator("#cross button").first.click()
    page.locator(".switch a").nth(1).click()
    page.locator("#revision-2 .map-svg").hover()
    foreign = (
        "script:not([type]):not(:last-of-type), iframe, link, base, [onerror], [onload], [src^=x], a[href^=javascript]"
    )
    assert page.locator(foreign).count() == 0
    styled = page.eval_on_selector_all("[style]", "all => all.map((e) => e.className)")
    assert set(styled) <= {"map-tip"}
    assert browser.complaints == []


def test_the_check_for_complaints_can_fail(browser: Browser, tmp_path: Path) -> None:
    loud = tmp_path / "loud.html"
    loud.write_text("<script>alert(1); fetch('http://127.0.0.1:9/'); console.error('x'); nothing()</script>")
    browser.open(loud)
    assert {name for name, _ in browser.complaints} >= {"dialog", "request", "console", "error"}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 390, 800, 1440])
def test_no_width_needs_sideways_scrolling(browser: Browser, page: Path, width: int, dark: bool) -> None:
    at = browser.open(page, width, dark)
    assert at.evaluate("document.documentElement.scrollWidth") <= width
    at.locator("#gallery .tile").first.click()
    at.locator("#viewer-body dl").wait_for()
    assert at.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth")
    assert browser.complaints == []


OVERLAPS = """() => {
  const boxes = [...document.querySelectorAll('.tools input, .tools select')].map(e => e.getBoundingClientRect());
  return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
    a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)).length;
}"""


def test_no_control_lies_over_another(browser: Browser, page: Path) -> None:
    at = browser.open(page, 1440)
    for width in (1440, 1200, 1000, 760, 390):
        at.set_viewport_size({"width": width, "height": 900})
        assert at.evaluate(OVERLAPS) == 0, width


def test_an_image_opens_by_mouse_and_keyboard_and_gives_the_focus_back(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    summary = "#cluster-1 .tile summary"
    at.locator(summary).first.click()
    body = at.locator("#viewer-body")
    at.locator("#viewer-body dl").wait_for()
    first = body.inner_text()
    assert "some longer words/1.jpg" in first and "some longer words described 1" in first
    assert "/photos/some longer words/1.jpg" in first and "because" in first
    seen = at.evaluate("getComputedStyle(document.querySelector('#viewer-body .pic')).backgroundImage")
    assert seen.startswith('url("data:image/jpeg')
    at.keyboard.press("ArrowRight")
    until(at, "(old) => document.querySelector('#viewer-body').innerText !== old", first)
    at.keyboard.press("ArrowLeft")
    until(at, "(old) => document.querySelector('#viewer-body').innerText === old", first)
    at.keyboard.press("ArrowRight")
    at.keyboard.press("Escape")
    assert not at.locator("dialog").is_visible()
    focused = f"[...document.querySelectorAll('{summary}')].indexOf(document.activeElement)"
    until(at, f"{focused} === 1")
    at.keyboard.press("Enter")
    assert at.locator("dialog").is_visible()
    at.locator("dialog [data-close]").click()
    assert not at.locator("dialog").is_visible()
    assert browser.complaints == []


def test_words_are_searched_in_names_labels_descriptions_and_reasons(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    at.keyboard.press("/")
    at.keyboard.type("Words DESCRIBED 17")
    wait_for(at, "1 of 69")
    assert shown(at) == [17], "all words, whatever their case"
    at.get_by_role("searchbox").fill("because word 42")
    until(at, f"{FIRST} === '42'")
    assert shown(at) == [42]
    at.get_by_role("searchbox").fill("failed 8")
    until(at, f"{FIRST} === '68'")
    assert shown(at) == [68]
    at.get_by_role("searchbox").fill("nothing of the kind")
    wait_for(at, "0 of 69")
    at.keyboard.press("Escape")
    wait_for(at, "69 images")
    assert browser.complaints == []


def test_images_are_filtered_by_cluster_confidence_state_and_ordered(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    assert shown(at)[:3] == [0, 1, 2] and len(shown(at)) == 64
    tools = at.locator("#images .tools")
    tools.locator("[name=cluster]").select_option(label="unassigned (3)")
    wait_for(at, "3 of 69")
    assert shown(at) == [0, 20, 40]
    tools.locator("[name=cluster]").select_option(label="failed (9)")
    wait_for(at, "9 of 69")
    assert shown(at) == list(range(60, 69))
    tools.locator("[name=cluster]").select_option(label="all clusters")
    tools.get_by_label("from").fill("0.5")
    tools.get_by_label("to", exact=True).fill("0.55")
    wait_for(at, "6 of 69")
    assert shown(at) == [44, 45, 46, 47, 48, 49]
    tools.locator("[name=order]").select_option("unsure")
    until(at, f"{FIRST} === '49'")
    tools.locator("[name=order]").select_option("name")
    until(at, f"{FIRST} === '45'")
    assert shown(at) == [45, 47, 49, 44, 46, 48], "some longer words/45.jpg comes before word/44.jpg"
    at.get_by_role("button", name="Show all", exact=True).click()
    wait_for(at, "69 images")
    at.locator(".switch a").nth(1).click()
    tools.locator("[name=which]").select_option(label="moved by hand (1)")
    wait_for(at, "1 of 69")
    assert shown(at) == [2]
    assert browser.complaints == []


def test_the_gallery_is_walked_by_keys_and_leads_on_to_the_next_page(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    focused = "Number(document.activeElement.dataset.image)"
    assert at.locator('#gallery [tabindex="0"]').count() == 1, "one stop for the Tab key"
    at.locator('#gallery [tabindex="0"]').focus()
    at.keyboard.press("ArrowRight")
    assert at.evaluate(focused) == 1
    at.keyboard.press("ArrowDown")
    across = at.evaluate(focused) - 1
    assert across > 3
    at.keyboard.press("End")
    at.keyboard.press("ArrowRight")
    until(at, f"{focused} === 64")
    assert at.locator("#page").input_value() == "2"
    at.keyboard.press("ArrowLeft")
    until(at, f"{focused} === 63")
    at.keyboard.press("Enter")
    at.locator("#viewer-body dl").wait_for()
    at.keyboard.press("ArrowRight")
    at.keyboard.press("Escape")
    until(at, f"{focused} === 64")
    at.keyboard.press("ArrowLeft")
    until(at, f"{focused} === 63")
    at.keyboard.press("x")
    assert at.locator("#picked").inner_text().startswith("1 selected")
    at.keyboard.press("Tab")
    assert at.evaluate("!document.activeElement.closest('#gallery')"), "no trap"
    assert browser.complaints == []


def test_chosen_images_are_told_to_who_listens(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    at.evaluate("document.addEventListener('ictc:selection', (event) => { window.heard = event.detail })")
    at.get_by_role("button", name="Select").click()
    at.locator("#gallery .tile").nth(2).click()
    at.locator("#gallery .tile").nth(4).click()
    assert at.evaluate("heard.names") == ["word/2.jpg", "word/4.jpg"]
    assert at.locator("#gallery .tile[aria-pressed=true]").count() == 2
    at.get_by_role("button", name="None").click()
    assert at.evaluate("heard.images") == []


def test_revisions_are_switched_and_links_lead_into_them(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    assert at.locator("#revision-1").is_visible() and not at.locator("#revision-2").is_visible()
    at.locator(".switch a").nth(1).click()
    assert at.locator("#revision-2").is_visible() and not at.locator("#revision-1").is_visible()
    assert at.locator(".switch a[aria-current]").inner_text().startswith("002")
    assert at.locator("#revision-2 #images").count() == 1, "the gallery goes along"
    at = browser.open(page, at="#r2-cluster-3")
    assert at.locator("#r2-cluster-3").is_visible()
    assert at.evaluate("document.querySelector('#r2-cluster-3').getBoundingClientRect().top < innerHeight")
    at.go_back()
    assert browser.complaints == []


def test_the_cross_table_is_that_of_the_library_and_leads_to_the_images(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    first, second = made(["word", "some longer words"]), made(["word", "some longer words"], clusters=4)
    expected = crosstab(first, second)
    rows = at.locator("#cross tbody tr")
    assert rows.locator("th").all_inner_texts() == expected.rows
    counts = [[int(t.replace("·", "0")) for t in row.locator("td").all_inner_texts()] for row in rows.all()]
    assert counts == expected.counts
    note = at.locator("#agreement").inner_text()
    assert f"ARI {expected.ari:.3f}, NMI {expected.nmi:.3f}" in note
    a, b = first.predicted(), second.predicted()
    both = [i for i, name in enumerate(a) if (a[name], b[name]) == (expected.rows[0], expected.columns[0])]
    rows.first.locator("button").first.click()
    wait_for(at, f"{len(both)} of 69")
    assert sorted(shown(at)) == both
    at.get_by_role("button", name=f"No longer only: 002: {expected.columns[0]}").click()
    wait_for(at, f"{sum(expected.counts[0])} of 69")


def test_what_changed_between_revisions_is_told_and_shown(browser: Browser, tmp_path: Path) -> None:
    first = made(["word", "some longer words"])
    moved = [Assignment(a.image, first.names[1], 0.9) if i in (6, 12) else a for i, a in enumerate(first.assignments)]
    second = Result(
        first.criterion, first.items, first.descriptions, first.labels, first.taxonomy, moved, first.failures
    )
    file = tmp_path / "two.html"
    file.write_text(whole_html([first, second], current=1), "utf-8")
    at = browser.open(file)
    assert "Since 001: 2 of 60 images moved" in at.locator(".changes").inner_text()
    at.locator("#images [name=which]").select_option(label="elsewhere in 001 (2)")
    wait_for(at, "2 of 69")
    assert sorted(shown(at)) == [6, 12]
    at.locator("#gallery .tile").first.click()
    at.locator("#viewer-body dl").wait_for()
    assert "In 001\nword 0" in at.locator("#viewer-body").inner_text()


def centre_of_dot(at: Any, group: int, k: int) -> tuple[float, float, int]:
    """Where on the screen the dot is, and which image it stands for."""
    at.locator("article.current .map-svg").scroll_into_view_if_needed()
    x, y, image = at.evaluate(
        "([g, k]) => { const svg = document.querySelector('article.current .map-svg');"
        "const b = svg.getBoundingClientRect(); const s = b.width / svg.viewBox.baseVal.width;"
        "const all = JSON.parse(document.querySelector('article.current .map-data').textContent).groups[g];"
        "return [b.x + all.xy[2 * k] * s, b.y + all.xy[2 * k + 1] * s, all.images[k]] }",
        [group, k],
    )
    return x, y, image


def test_the_map_names_its_dots_opens_them_and_filters(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    x, y, image = centre_of_dot(at, 0, 0)
    at.mouse.move(x, y)
    name = f"{'some longer words' if image % 2 else 'word'}/{image}.jpg"
    assert name in at.locator("article.current .map-tip").inner_text()
    at.mouse.click(x, y)
    at.locator("#viewer-body dl").wait_for()
    assert at.locator("#viewer-name").inner_text() == name
    at.keyboard.press("Escape")
    at.locator("article.current .legend button").first.click()
    until(at, "document.querySelectorAll('article.current .dots[data-group].faded').length === 6")
    assert at.locator("article.current .legend button").first.get_attribute("aria-pressed") == "true"
    assert len(shown(at)) in range(8, 13), "the gallery shows that cluster"
    at.locator("article.current .legend button").first.click()
    wait_for(at, "69 images")
    assert at.locator("article.current .dots[data-group].faded").count() == 0
    assert browser.complaints == []


def test_a_box_on_the_map_shows_its_images_and_the_gallery_lights_up_the_map(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    centre_of_dot(at, 0, 0)
    box = at.locator("article.current .map-svg").bounding_box()
    at.mouse.move(box["x"] + 3, box["y"] + 3)
    at.mouse.down()
    at.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4, steps=4)
    at.mouse.up()
    at.get_by_role("button", name="No longer only: in the box on the map").wait_for()
    inside = at.evaluate(
        "JSON.parse(document.querySelector('article.current .map-data').textContent).groups.flatMap((g) =>"
        "g.images.filter((_, k) => g.xy[2 * k] <= 430 && g.xy[2 * k + 1] > 4))"
    )
    assert sorted(shown(at)) == sorted(inside) and 3 < len(inside) < 57
    lit = "[...document.querySelectorAll('article.current .dots[data-group]:not(.faded)')]"
    dots = at.evaluate(f"{lit}.reduce((n, p) => n + p.getAttribute('d').split('M').length - 1, 0)")
    assert dots == len(inside)
    at.locator("#gallery .tile").first.click()
    at.get_by_role("button", name="Show on the map").click()
    assert at.locator("article.current .map-tip").is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_the_reliability_diagram_is_seen_in_both_schemes(browser: Browser, page: Path, dark: bool) -> None:
    at = browser.open(page, dark=dark)
    look = "(e => { const s = getComputedStyle(e); return [s.fill, s.stroke, e.getBBox().height] })"
    bars = at.evaluate(f"[...document.querySelectorAll('article.current .reliability rect')].map({look})")
    due = at.evaluate(f"{look}(document.querySelector('article.current .reliability .due'))")
    paper = at.evaluate("getComputedStyle(document.body).backgroundColor")
    assert len(bars) > 3 and all(fill not in (paper, "none") for fill, _, _ in bars)
    assert max(height for *_, height in bars) > 100 and due[1] not in (paper, bars[0][0], "none")
    assert at.locator(".side a[href='#reliability']").count() == 1


@pytest.mark.parametrize("dark", [False, True])
def test_the_current_one_of_many_revisions_is_in_sight_on_a_phone(browser: Browser, tmp_path: Path, dark: bool) -> None:
    results = [made(["word", f"of {n}"], clusters=2, n=6) for n in range(14)]
    (tmp_path / "report.html").write_text(whole_html(results, current=13), "utf-8")
    at = browser.open(tmp_path / "report.html", width=390, dark=dark)
    place = "(e => { const [a, b] = [e, e.closest('ol')].map((x) => x.getBoundingClientRect());"
    inside = (
        f"{place} return a.top >= b.top && a.bottom <= b.bottom; }})(document.querySelector('.switch [aria-current]'))"
    )
    hidden = "(e => e.scrollHeight > e.clientHeight)(document.querySelector('.switch ol'))"
    assert at.evaluate(hidden) and at.evaluate(inside)
    at.evaluate("location.hash = 'revision-2'")
    until(at, "document.querySelector('.switch [aria-current]').dataset.at === '1'")
    assert at.evaluate(inside)
    assert at.evaluate("document.documentElement.scrollWidth") <= 390


def test_everything_can_be_read_without_scripts(browser: Browser, page: Path) -> None:
    at = browser.open(page, scripts=False)
    more = at.locator("#cluster-1 .tile .more").first
    assert not more.is_visible()
    at.locator("#cluster-1 .tile summary").first.click()
    assert more.is_visible()
    assert at.locator("#revision-2").is_visible(), "the other revisions follow"
    assert at.locator("#revision-1 .dots[data-group]").count() == 7
    assert not at.locator("#images").is_visible()


def test_what_prints_are_the_clusters_and_no_controls(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    at.emulate_media(media="print")
    for hidden in (".side", ".switch", "#images", "#cross", ".pager"):
        assert not at.locator(hidden).first.is_visible(), hidden
    assert at.locator("#cluster-1 .pic").first.is_visible()
    paper = at.evaluate("document.documentElement.clientWidth")
    assert at.locator("#cluster-1").bounding_box()["width"] > 0.9 * paper, "the clusters have the whole width"
    assert not at.locator("#revision-2").is_visible()
    at.emulate_media(media="screen")
    at.get_by_role("searchbox").fill("described 1")
    until(at, "document.querySelector('#images.narrowed')")
    at.emulate_media(media="print")
    assert at.locator("#gallery .tile").first.is_visible(), "what was looked for is printed"
    assert len(at.pdf()) > 10_000


NAMES = """
(() => {
  const name = (e) => e.getAttribute("aria-label") || (e.getAttribute("aria-labelledby") || "").split(" ")
    .map((id) => document.getElementById(id)?.textContent || "").join(" ").trim()
    || [...(e.labels || [])].map((l) => l.textContent).join(" ").trim() || e.textContent.trim();
  const kinds = "button, a, input, select, [role=img], nav, dialog, [role=region], [role=search]";
  const all = document.querySelectorAll(kinds);
  return [...all].filter((e) => e.checkVisibility() && !e.closest("[aria-hidden=true]") && !name(e))
    .map((e) => e.outerHTML.slice(0, 120));
})()
"""


def test_every_control_and_picture_has_a_name(browser: Browser, page: Path) -> None:
    at = browser.open(page)
    assert at.evaluate(NAMES) == []
    at.locator("#gallery .tile").first.click()
    at.locator("#viewer-body dl").wait_for()
    assert at.evaluate(NAMES) == []
    headings = at.evaluate("[...document.querySelectorAll('article.current :is(h1, h2, h3)')].map((h) => h.tagName)")
    assert headings[0] == "H1" and headings.count("H1") == 1
    assert at.locator("main").count() == 1


@pytest.fixture
def beside(tmp_path: Path) -> Callable[[list[str]], Path]:
    """A page with its folder, as large runs have them."""

    def write(texts: list[str]) -> Path:
        result = made(texts)
        images = Images()
        images.add(result.items, result.failures)
        n = len(images)
        pieces = Beside(tmp_path / "report_files" / "data")
        (tmp_path / "report_files" / "small" / "ab").mkdir(parents=True)
        (tmp_path / "report_files" / "small" / "ab" / f"{'ab' * 8}.jpg").write_bytes(jpeg((200, 30, 40)))
        book = Book(images, pieces)
        book.list_images("1" * 60 + "0" * (n - 60), "ab" * 9 * n)
        book.add(result, **told(result, texts))
        page = book.page(0, "abc", folder="report_files", pictures="small", pieces="data")
        (tmp_path / "report.html").write_text(render_page(page), "utf-8")
        return tmp_path / "report.html"

    return write


def test_a_page_with_a_folder_reads_from_it(browser: Browser, beside: Callable[[list[str]], Path]) -> None:
    at = browser.open(beside(["word", "some longer words"]))
    until(at, "document.querySelector('#gallery img').naturalWidth === 96")
    at.get_by_role("searchbox").fill("described 42")
    wait_for(at, "1 of 69")
    assert shown(at) == [42]
    assert browser.complaints == []


def test_a_page_with_a_folder_stays_quiet_with_hostile_texts(
    browser: Browser, beside: Callable[[list[str]], Path]
) -> None:
    at = browser.open(beside(HOSTILE))
    at.get_by_role("searchbox").fill("alert")
    until(at, "document.querySelectorAll('#narrowed li').length")
    at.locator("#gallery .tile").first.click()
    at.locator("#viewer-body dt", has_text="Because").wait_for()
    assert browser.complaints == []


def test_a_page_that_lost_its_folder_says_so_and_shows_the_clusters(
    browser: Browser, beside: Callable[[list[str]], Path], tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    at = browser.open(beside(["word", "some longer words"]).rename(moved / "report.html"))
    assert at.locator("#missing").is_visible() and "report_files" in at.locator("#missing").inner_text()
    assert not at.locator("#images .tools").is_visible()
    at.locator("#cluster-1 .tile summary").first.click()
    assert "described" in at.locator("#viewer-body").inner_text()


def test_lost_pictures_become_words(browser: Browser, beside: Callable[[list[str]], Path], tmp_path: Path) -> None:
    file = beside(["word", "some longer words"])
    shutil.rmtree(tmp_path / "report_files" / "small")
    at = browser.open(file)
    words = at.locator("#gallery .words", has_text="word described 2").first
    words.wait_for()
    assert words.inner_text().startswith("word described 2"), "what is said of it stands where it was"
    tile = "#gallery .tile:has(.words)"
    assert at.locator(f"{tile} img").count() == 0 and at.locator(tile).first.bounding_box()["height"] > 40
