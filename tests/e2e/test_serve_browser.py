"""The served page in a real browser: what people do with it, by mouse and keyboard, on a desk and on a phone."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ictc
from tests.serving import Here, Served, Talking, small_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

HOSTILE = ["</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)//'`${7*7}"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    pytest.importorskip("playwright", reason="no Playwright here: pip install playwright")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_run(tmp_path_factory.mktemp("serve"))


@pytest.fixture
def served(made: Path, tmp_path: Path) -> Iterator[Here]:
    with Here(Path(shutil.copytree(made, tmp_path / "run"))) as one:
        one.ready()
        yield one


@pytest.fixture
def started(made: Path, tmp_path: Path) -> Iterator[Served]:
    """As people have it: a process of its own."""
    with Served(Path(shutil.copytree(made, tmp_path / "run"))) as one:
        one.ready()
        yield one


class Tab:
    """A tab of its own browser session. `complaints`: what a quiet page never causes."""

    def __init__(self, chromium: Any, served: Talking, width: int = 1280, dark: bool = False) -> None:
        self.complaints: list[tuple[str, str]] = []
        scheme = "dark" if dark else "light"
        viewport = {"width": width, "height": 850}
        self.context = chromium.new_context(viewport=viewport, color_scheme=scheme, has_touch=width < 600)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.base = served.base
        self.page.on("request", self._requested)
        self.page.on("console", lambda m: self.complaints.append(("console", m.text)))
        self.page.on("pageerror", lambda e: self.complaints.append(("error", str(e))))
        self.page.on("dialog", self._dialog)
        self.page.goto(served.url)
        self.ready()

    def __enter__(self) -> Tab:
        return self

    def __exit__(self, *_: object) -> None:
        self.context.close()

    def _requested(self, request: Any) -> None:
        if not request.url.startswith(("data:", self.base + "/")):
            self.complaints.append(("request", request.url))

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(("dialog", dialog.message))
        dialog.accept()

    def ready(self) -> None:
        self.page.locator(".served button:enabled").first.wait_for()
        self.page.locator("#gallery .tile").first.wait_for()

    def names(self) -> list[str]:
        return [n.strip() for n in self.page.locator("article.current section.cluster h2").all_inner_texts()]

    def press(self, cluster: str, button: str) -> None:
        section = self.page.locator("article.current section.cluster").filter(
            has=self.page.get_by_role("heading", name=cluster, exact=True)
        )
        section.get_by_role("button", name=button).click()

    def confirm(self) -> None:
        """From the form to the page that shows the change."""
        before = self.page.locator('meta[name="ictc-stamp"]').get_attribute("content")
        self.page.get_by_role("button", name="What would it take?").click()
        assert "0 calls" in self.page.locator("#steer .takes").inner_text()
        self.page.get_by_role("button", name="Do it").click()
        self.renewed(before)

    def renewed(self, before: str) -> None:
        self.page.locator(f'meta[name="ictc-stamp"]:not([content="{before}"])').wait_for(state="attached")
        self.ready()


def test_rename_merge_move_and_undo(chromium: Any, started: Served) -> None:
    with Tab(chromium, started) as tab:
        assert tab.page.url == f"{started.base}/", "the token does not stay in the address"
        a, b, c = tab.names()
        tab.press(a, "Rename")
        tab.page.keyboard.type("vermilion")  # the old name is not kept: the field is selected
        tab.confirm()
        assert sorted(tab.names()) == sorted(["vermilion", b, c])
        tab.press("vermilion", "Merge")
        tab.page.get_by_role("checkbox", name=b).check()
        tab.page.get_by_label("The name of both").fill("warm and cold")
        tab.confirm()
        assert sorted(tab.names()) == sorted(["warm and cold", c])
        tab.page.locator("#images select[name=cluster]").select_option(label="warm and cold (8)")
        tab.page.get_by_text("8 of 12 images").wait_for()
        tab.page.get_by_role("button", name="Select", exact=True).click()
        tab.page.locator("#gallery .tile").nth(0).click()
        tab.page.locator("#gallery .tile").nth(1).click()
        tab.page.get_by_role("button", name="Move to").click()
        tab.page.locator("#steer select").select_option(label=c)
        tab.confirm()
        assert started.names()[c] == 6 and started.names()["warm and cold"] == 6
        before = tab.page.locator('meta[name="ictc-stamp"]').get_attribute("content")
        tab.page.get_by_role("button", name="Undo").click()
        tab.page.get_by_role("button", name="Do it").click()
        tab.renewed(before)
        assert started.names()[c] == 4
        assert tab.complaints == []


def test_a_suggestion_is_used_with_the_keyboard(chromium: Any, served: Here) -> None:
    served.change({"do": "add", "name": "zebra", "about": "striped animals"})
    with Tab(chromium, served) as tab:
        tab.page.get_by_role("button", name="Suggest").focus()
        tab.page.keyboard.press("Enter")
        use = tab.page.get_by_role("button", name="Use this: Drop “zebra”")
        use.wait_for()
        told = tab.page.locator("#steer").inner_text()
        assert "no model was asked" in told and "Use this" in tab.page.evaluate("document.activeElement.textContent")
        while not use.evaluate("one => one === document.activeElement"):
            tab.page.keyboard.press("Tab")
        tab.page.keyboard.press("Enter")
        tab.page.locator("#steer .takes").wait_for()
        assert "0 calls" in tab.page.locator("#steer .takes").inner_text()
        tab.page.get_by_role("button", name="Back").press("Enter")
        use.press("Enter")
        before = tab.page.locator('meta[name="ictc-stamp"]').get_attribute("content")
        tab.page.locator("#steer .takes").wait_for()
        tab.page.keyboard.press("Enter")
        tab.renewed(before)
        assert "zebra" not in tab.names() and tab.complaints == []


def test_with_the_keyboard_alone(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        a, *_ = tab.names()
        button = tab.page.get_by_role("group", name=f"Change {a}").get_by_role("button", name="Pin")
        button.focus()
        tab.page.keyboard.press("Enter")
        tab.page.locator("#steer[open]").wait_for()
        tab.page.keyboard.press("Escape")
        assert not tab.page.locator("#steer").is_visible()
        assert tab.page.evaluate("document.activeElement.textContent") == "Pin…"
        before = tab.page.locator('meta[name="ictc-stamp"]').get_attribute("content")
        tab.page.keyboard.press("Enter")
        tab.page.locator("#steer[open]").wait_for()
        tab.page.keyboard.press("Enter")
        tab.page.locator("#steer .takes").wait_for()
        tab.page.keyboard.press("Enter")
        tab.renewed(before)
        assert tab.page.locator("article.current .steering .pinned").count() == 1
        assert tab.complaints == []


def test_every_control_of_every_form_has_a_name(chromium: Any, served: Here) -> None:
    from tests.e2e.test_report_browser import NAMES

    with Tab(chromium, served) as tab:
        a, *_ = tab.names()
        assert tab.page.evaluate(NAMES) == []
        for button in ("Rename", "Merge", "Split", "Drop", "Pin"):
            tab.press(a, button)
            assert tab.page.evaluate(NAMES) == [], button
            tab.page.keyboard.press("Escape")
        for button in ("Reword", "Add", "Suggest", "Accept"):
            tab.page.locator(".served").get_by_role("button", name=button).click()
            tab.page.locator("#steer .buttons button").last.wait_for()
            assert tab.page.evaluate(NAMES) == [], button
            assert tab.page.locator("#steer").get_attribute("aria-labelledby") == "steer-title"
            tab.page.get_by_role("button", name=re.compile("Cancel|Close")).last.click()
        assert tab.complaints == []


def test_nothing_can_be_changed_before_the_state_is_known(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        tab.page.route("**/api/**", lambda route: None)  # never answered
        tab.page.reload()
        tab.page.locator(".served button").first.wait_for()
        assert tab.page.locator(".served button:enabled").count() == 0
        tab.page.unroute("**/api/**")
        tab.page.reload()
        tab.ready()
        assert tab.page.locator("article.current .steering").count() == 3


def test_what_cannot_be_done_is_said_in_the_form(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        a, b, _ = tab.names()
        tab.press(a, "Rename")
        tab.page.locator("#steer input").fill(b)
        tab.page.keyboard.press("Enter")
        assert "already" in tab.page.locator("#steer .wrong").inner_text()
        assert tab.page.locator("#steer input").count() == 1, "the form is there to be mended"
        tab.page.get_by_role("button", name="Cancel").click()
        assert len(tab.names()) == 3 and tab.complaints == []


def test_reworded_with_another_k(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        tab.page.get_by_role("button", name="Reword").click()
        tab.page.get_by_label("What to cluster by").fill("brightness")
        tab.page.get_by_label("How many clusters").fill("2")
        tab.confirm()
        assert tab.page.locator("article.current h1").inner_text() == "brightness" and len(tab.names()) == 2
        tab.page.locator(".switch a").first.click()
        assert len(tab.names()) == 3
        tab.page.get_by_role("button", name="Go to 001").wait_for()
        assert "Changes start from the one shown" in tab.page.locator(".served p").inner_text()
        assert tab.complaints == []


def test_the_larger_view_has_the_image_itself(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        tab.page.locator("#gallery .tile").first.click()
        tab.page.locator("#viewer-body img.whole").wait_for()
        first = tab.page.locator("#viewer-body img.whole").get_attribute("src")
        tab.page.keyboard.press("ArrowRight")
        tab.page.locator(f'#viewer-body img.whole:not([src="{first}"])').wait_for()
        assert tab.complaints == []


def test_another_process_at_work_is_told_and_its_revision_shows_itself(chromium: Any, served: Here) -> None:
    from tests.e2e.test_serve import Other

    with Tab(chromium, served) as tab:
        a, *_ = tab.names()
        before = tab.page.locator('meta[name="ictc-stamp"]').get_attribute("content")
        with Other(served.run):
            tab.page.locator(".served .locked").wait_for()
            assert "Another process" in tab.page.locator(".served .locked").inner_text()
            assert tab.page.locator(".served button:enabled, .steering button:enabled").count() == 0
        tab.ready()
        assert ictc("refine", served.run, "--rename", f"{a}=from elsewhere").returncode == 0
        tab.renewed(before)
        assert "from elsewhere" in tab.names() and tab.complaints == []


def test_two_tabs_at_once(chromium: Any, served: Here) -> None:
    """The later one says that it starts from an older revision; a job of the other is seen."""
    with Tab(chromium, served) as one, Tab(chromium, served) as two:
        a, b, _ = one.names()
        one.press(a, "Rename")
        one.page.locator("#steer input").fill("of the first tab")
        served.change({"do": "rename", "cluster": b, "name": "of the second tab"})
        one.page.get_by_role("button", name="What would it take?").click()
        one.page.get_by_text("There is a newer revision by now, 002").wait_for()
        one.page.get_by_role("button", name="Cancel").click()
        two.page.get_by_role("heading", name="of the second tab", exact=True).wait_for()
        two.ready()
        two.press(a, "Rename")
        two.page.locator("#steer input").fill("third")
        two.confirm()
        assert {"third", "of the second tab"} <= set(two.names())
        one.page.get_by_role("heading", name="third", exact=True).wait_for()
        assert one.complaints == two.complaints == []


def test_a_form_survives_a_change_that_another_tab_makes(chromium: Any, served: Here) -> None:
    """However long that takes: here every answer about the run says that it is being made."""
    seen: list[int] = []

    def changing(route: Any) -> None:
        answer = route.fetch()
        job = {"id": 99, "kind": "apply", "title": "Rename", "state": "running", "stages": [], "error": None}
        seen.append(1)
        route.fulfill(response=answer, json={**answer.json(), "job": job})

    with Tab(chromium, served) as tab:
        a, *_ = tab.names()
        tab.press(a, "Rename")
        tab.page.locator("#steer input").fill("half a na")
        tab.page.route("**/api/state", changing)
        for _ in range(200):
            if len(seen) > 1:
                break
            tab.page.wait_for_timeout(50)
        assert len(seen) > 1
        assert tab.page.locator("#steer input").input_value() == "half a na"
        tab.page.keyboard.press("Escape")
        tab.page.get_by_role("progressbar").wait_for()  # it is shown once nothing is begun here


def test_a_refusal_says_why_and_nothing_to_type_on_a_command_line(chromium: Any, served: Here) -> None:
    with Tab(chromium, served) as tab:
        a, b, _ = tab.names()
        tab.press(a, "Rename")
        tab.page.locator("#steer input").fill("\u202eevil/\x00")
        tab.page.get_by_role("button", name="What would it take?").click()
        refused = tab.page.locator("#steer .wrong")
        refused.wait_for()
        assert "\u202e" not in refused.inner_text()
        tab.page.locator("#steer input").fill(b)
        tab.page.get_by_role("button", name="What would it take?").click()
        tab.page.locator("#steer .wrong", has_text=b).wait_for()
        assert "--" not in tab.page.locator("#steer .wrong").inner_text()


def test_images_that_are_deleted_meanwhile_stay_as_small_pictures(chromium: Any, made: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(made.parent, tmp_path / "all")) / "run"
    for file in run.glob("*/images.jsonl"):
        file.write_text(file.read_text().replace(str(made.parent), str(tmp_path / "all")))
    with Here(run) as served:
        served.ready()
        with Tab(chromium, served) as tab:
            shutil.rmtree(tmp_path / "all" / "images")
            a, *_ = tab.names()
            tab.press(a, "Rename")
            tab.page.locator("#steer input").fill("without files")
            tab.confirm()
            assert "without files" in tab.names()
            tab.page.locator("#gallery .tile").first.click()
            tab.page.locator("#viewer-body dl").wait_for()
            assert tab.page.locator("#viewer-body .pic").is_visible()
            assert not [text for kind, text in tab.complaints if kind != "console"]


def test_a_server_that_has_ended_is_told(chromium: Any, started: Served) -> None:
    with Tab(chromium, started) as tab:
        started.end()
        tab.page.locator(".served .locked").wait_for()
        assert "does not answer" in tab.page.locator(".served .locked").inner_text()
        assert tab.page.locator(".served button:enabled").count() == 0


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_and_criteria_are_text(chromium: Any, served: Here, hostile: str) -> None:
    with Tab(chromium, served) as tab:
        a, *_ = tab.names()
        tab.press(a, "Rename")
        tab.page.locator("#steer input").fill(hostile)
        tab.confirm()
        assert hostile in tab.names()
        tab.press(hostile, "Merge")
        tab.page.get_by_role("button", name="Cancel").click()
        tab.page.get_by_role("button", name="Reword").click()
        tab.page.get_by_label("What to cluster by").fill(hostile)
        tab.confirm()
        assert tab.page.locator("article.current h1").inner_text() == hostile
        assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone(chromium: Any, served: Here, dark: bool) -> None:
    with Tab(chromium, served, width=390, dark=dark) as tab:
        a, *_ = tab.names()
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
        low = (
            "[...document.querySelectorAll('.served button, .steering button')].filter(b => b.offsetHeight < 44).length"
        )
        assert tab.page.evaluate(low) == 0, "large enough for a thumb"
        tab.press(a, "Rename")
        box = tab.page.locator("#steer").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
        style = "getComputedStyle(document.querySelector('#steer'))"
        ink, paper = (tab.page.evaluate(f"{style}.{name}") for name in ("color", "backgroundColor"))
        assert (sum(_rgb(ink)) > sum(_rgb(paper))) is dark
        tab.page.locator("#steer input").fill("thumbed")
        tab.confirm()
        assert "thumbed" in tab.names() and tab.complaints == []


def _rgb(colour: str) -> list[int]:
    return [int(part) for part in colour.partition("(")[2].rstrip(")").split(",")[:3]]
