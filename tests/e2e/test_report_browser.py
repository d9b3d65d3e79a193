"""The report in a real browser: nothing runs, nothing is loaded, everything can be reached.

Chromium is driven over its debugging pipe (file descriptors 3 and 4, JSON ended by a zero byte), so no driver and no
open port is needed.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from ictc.report import ModelUsed, Provenance, build_report, render_html
from ictc.result import Result
from ictc.scoring import score_assignments
from ictc.types import Assignment, Cluster, Description, Failure, Item, KChoice, Label, Taxonomy

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt-get install chromium")

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--remote-debugging-pipe",
]
PATIENCE = 60

HOSTILE = [
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "javascript:alert(1)",
    "{{7*7}}\u202e\x1b[31m\n</style><style>@import url(http://127.0.0.1:9/x)</style>",
    '<iframe src="http://127.0.0.1:9/"></iframe><link rel=stylesheet href=http://127.0.0.1:9/>',
]


class Browser:
    """One page of a headless Chromium. `complaints` collects all that a quiet page never causes."""

    def __init__(self, profile: Path) -> None:
        read_end, self._to = os.pipe()
        self._from, write_end = os.pipe()
        assert CHROMIUM
        actions = [(os.POSIX_SPAWN_DUP2, read_end, 3), (os.POSIX_SPAWN_DUP2, write_end, 4)]
        actions += [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
        words = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = os.posix_spawn(CHROMIUM, words, os.environ, file_actions=actions, setpgroup=0)
        os.close(read_end)
        os.close(write_end)
        self._buffer = b""
        self._sent = 0
        self._session: dict[str, str] = {}
        self._loaded = False
        self.complaints: list[tuple[str, Any]] = []
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)
        self._session = {"sessionId": attached["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params, **self._session}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (reply := self._receive()).get("id") != self._sent:
            self._note(reply)
        assert "error" not in reply, (method, reply["error"])
        return dict(reply["result"])

    def open(self, page: Path, width: int = 1280, dark: bool = False, scripts: bool = True) -> None:
        self._go("about:blank")
        self.complaints.clear()
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="", features=[scheme])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
        )
        self._go(page.as_uri())

    def run(self, expression: str) -> Any:
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, selector: str) -> None:
        self.run(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView({{behavior: 'instant', block: 'center'}})"
        )
        x, y = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)}).getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def point(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def press(self, key: str) -> None:
        code = {"Enter": 13, "Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}[key]
        text = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **text)

    def close(self) -> None:
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._to)
        os.close(self._from)

    def _go(self, url: str) -> None:
        self._loaded = False
        self.call("Page.navigate", url=url)
        while not self._loaded:
            self._note(self._receive())

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], PATIENCE)
            part = os.read(self._from, 1 << 16) if ready else b""
            assert part, f"Chromium said nothing for {PATIENCE} s, or ended"
            self._buffer += part
        message, self._buffer = self._buffer.split(b"\0", 1)
        return dict(json.loads(message))

    def _note(self, event: dict[str, Any]) -> None:
        name, params = event.get("method"), event.get("params", {})
        if name == "Page.loadEventFired":
            self._loaded = True
        elif name == "Network.requestWillBeSent":
            url = params["request"]["url"]
            if not url.startswith(("data:image/jpeg;base64,", "file://")) or params["type"] not in {
                "Document",
                "Image",
            }:
                self.complaints.append((name, url))
        elif name in {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}:
            self.complaints.append((name, params))
        elif name == "Page.javascriptDialogOpening":
            self.complaints.append((name, params))
            os.write(
                self._to,
                json.dumps(
                    {"id": 0, "method": "Page.handleJavaScriptDialog", "params": {"accept": True}, **self._session}
                ).encode()
                + b"\0",
            )


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def write_page(path: Path, texts: list[str], pictures: bool = True) -> Path:
    """A page that uses everything, with `texts` in turn wherever foreign text can come in."""

    def text(i: int) -> str:
        return texts[i % len(texts)]

    out = BytesIO()
    Image.new("RGB", (48, 32), (30, 90, 200)).save(out, "JPEG")
    names = [f"{text(k)} {k}" for k in range(6)]
    images = [f"{text(i)}/{i}.jpg" for i in range(60)]
    assignments = [
        Assignment(im, names[i % 6] if i % 20 else None, (99 - i) / 100, text(i)) for i, im in enumerate(images)
    ]
    clusters = [Cluster(name, text(k + 1), {f"{text(j)} {j}": 1 for j in range(30)}) for k, name in enumerate(names)]
    result = Result(
        criterion=text(0),
        items=[Item(i) for i in images],
        descriptions=[Description(im, f"{text(i)} described {i}", text(i)) for i, im in enumerate(images)],
        labels=[Label(im, text(i), text(i)) for i, im in enumerate(images)],
        taxonomy=Taxonomy(text(0), clusters, KChoice(6, text(1), text(2), [(k, k % 7 / 7) for k in range(2, 12)])),
        assignments=assignments,
        failures=[Failure(text(i), "image", text(i + 1), text(i + 2)) for i in range(9)],
    )
    truth = {im: f"{text(i)} {i % 6}" for i, im in enumerate(images)}
    sure = {a.image: a.confidence for a in assignments}
    provenance = Provenance(
        text(0), [(text(i), text(i)) for i in range(6)], [ModelUsed(t, t, t) for t in texts], {t: t for t in texts}
    )
    report = build_report(
        result,
        provenance,
        scores=score_assignments(result.predicted(), truth, clusters=names, confidences=sure).to_json(),
        truth=truth,
        vectors=np.random.default_rng(0).normal(size=(60, 16)).astype(np.float32),
        thumbnails=dict.fromkeys(images, out.getvalue()) if pictures else {},
        warnings=texts,
    )
    path.write_text(render_html(report), "utf-8")
    return path


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_page(tmp_path_factory.mktemp("page") / "report.html", ["word", "some longer words"])


@pytest.mark.parametrize("pictures", [True, False])
def test_hostile_text_does_nothing(browser: Browser, tmp_path: Path, pictures: bool) -> None:
    browser.open(write_page(tmp_path / "hostile.html", HOSTILE, pictures))
    assert browser.run("document.querySelector('h1').innerText") == HOSTILE[0]
    for index in range(3):
        browser.run(f"document.querySelectorAll('.tile summary')[{index}].click()")
        browser.run("document.querySelector('dialog').close()")
    browser.run("document.querySelectorAll('.legend button').forEach((b) => b.click())")
    foreign = (
        "script:not([type]):not(:last-of-type), iframe, link, [onerror], [onload], [src^=x], [style]:not(#map-tip)"
    )
    assert browser.run(f"document.querySelectorAll({json.dumps(foreign)}).length") == 0
    assert browser.complaints == []


def test_the_check_for_complaints_can_fail(browser: Browser, tmp_path: Path) -> None:
    loud = tmp_path / "loud.html"
    loud.write_text("<script>alert(1); fetch('http://127.0.0.1:9/'); console.error('x'); nothing()</script>")
    browser.open(loud)
    seen = {name for name, _ in browser.complaints}
    assert seen >= {"Page.javascriptDialogOpening", "Network.requestWillBeSent", "Runtime.exceptionThrown"}


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [360, 390, 800, 1440])
def test_no_width_needs_sideways_scrolling(browser: Browser, page: Path, width: int, dark: bool) -> None:
    browser.open(page, width, dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.complaints == []


def test_an_image_opens_by_mouse_and_keyboard_and_gives_the_focus_back(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.click("#cluster-1 .tile summary")
    assert browser.run("document.querySelector('dialog').open")
    body = "document.querySelector('#viewer-body').innerText"
    first = browser.run(body)
    assert "some longer words/1.jpg" in first
    browser.press("ArrowRight")
    assert browser.run(body) != first
    browser.press("ArrowLeft")
    assert browser.run(body) == first
    browser.press("ArrowRight")
    browser.press("Escape")
    assert not browser.run("document.querySelector('dialog').open")
    focused = "[...document.querySelectorAll('#cluster-1 .tile summary')].indexOf(document.activeElement)"
    browser.run("new Promise((done) => setTimeout(done, 100))")  # the dialog's close event is a task of its own
    assert browser.run(focused) == 1
    browser.press("Enter")
    assert browser.run("document.querySelector('dialog').open")
    browser.click("dialog [data-close]")
    assert not browser.run("document.querySelector('dialog').open")
    assert browser.complaints == []


def test_the_map_names_its_dots_and_filters(browser: Browser, page: Path) -> None:
    browser.open(page)
    x, y = browser.run(
        "(() => { const svg = document.getElementById('map-svg'); svg.scrollIntoView({behavior: 'instant'});"
        "const b = svg.getBoundingClientRect(); const s = b.width / svg.viewBox.baseVal.width;"
        "const g = JSON.parse(document.getElementById('map-data').textContent).groups[0];"
        "return [b.x + g.xy[0] * s, b.y + g.xy[1] * s] })()"
    )
    browser.point(x, y)
    assert "some longer words/1.jpg" in browser.run("document.getElementById('map-tip').innerText")
    browser.click(".legend button")
    assert browser.run("document.querySelectorAll('.dots.faded').length") == 6
    assert browser.run("document.querySelector('.legend button').getAttribute('aria-pressed')") == "true"
    browser.click(".legend button")
    assert browser.run("document.querySelectorAll('.dots.faded').length") == 0
    assert browser.complaints == []


@pytest.mark.parametrize("dark", [False, True])
def test_the_reliability_diagram_is_seen_in_both_schemes(browser: Browser, page: Path, dark: bool) -> None:
    browser.open(page, dark=dark)
    look = "(e => { const s = getComputedStyle(e); return [s.fill, s.stroke, e.getBBox().height] })"
    bars = browser.run(f"[...document.querySelectorAll('.reliability rect')].map({look})")
    due = browser.run(f"{look}(document.querySelector('.reliability .due'))")
    paper = browser.run("getComputedStyle(document.body).backgroundColor")
    assert len(bars) > 3 and all(fill not in (paper, "none") for fill, _, _ in bars)
    assert max(height for *_, height in bars) > 100 and due[1] not in (paper, bars[0][0], "none")
    assert browser.run("document.querySelector('.side a[href=\\'#reliability\\']') !== null")


def test_descriptions_can_be_read_without_scripts(browser: Browser, page: Path) -> None:
    browser.open(page, scripts=False)
    visible = "document.querySelector('#cluster-1 .tile .more').checkVisibility()"
    assert not browser.run(visible)
    browser.click("#cluster-1 .tile summary")
    assert browser.run(visible)
    assert browser.run("document.querySelectorAll('.dots').length") == 7
    assert browser.run("getComputedStyle(document.querySelector('.script-only')).display") == "none"
