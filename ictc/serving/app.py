"""The application: routes, and what is asked of the run through them."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from itertools import count
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from ictc.errors import IctcError, InputError, RunBusy, RunError
from ictc.pages import Known
from ictc.progress import Watch
from ictc.runfolder import RunFolder
from ictc.serving import actions, shown
from ictc.serving.jobs import Busy, Job, Jobs, Kind, Work, told
from ictc.serving.security import POLICY, Keys
from ictc.serving.state import at_work, current, revision_state, run_state, stamp
from ictc.steering.work import Refinement

_STATIC = {"serve.js": "text/javascript", "serve.css": "text/css", "waiting.js": "text/javascript"}
_PLANS = 32


@dataclass
class Site:
    """One run that is served. `told`: is told what was done, in a line."""

    by: actions.By
    keys: Keys
    jobs: Jobs
    told: Callable[[str], None] = lambda line: None
    folder: RunFolder = field(init=False)
    shown: shown.Shown = field(default=shown.Shown("", ""))
    _plans: dict[int, Refinement] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _tried: str = ""
    _known: Known = field(default_factory=Known)

    def __post_init__(self) -> None:
        self.folder = RunFolder(self.by.folder)

    # -- what is read

    def state(self) -> dict[str, Any]:
        """Brings the page up to date too, where the run has changed and nobody works on it."""
        job, now = self.jobs.now, stamp(self.folder)
        busy = job is None and at_work(self.by.folder)
        if job is None and not busy and now != self.shown.stamp and now != self._tried and current(self.folder):
            self._tried = now  # once: a page that cannot be made is not tried for ever
            with suppress(Busy):
                self._put("page", "the page", self._page)
            job = self.jobs.now
        told = {"stamp": self.shown.stamp, "busy": busy, "stale": now != self.shown.stamp}
        return {**run_state(self.folder), **told, "job": job.to_json() if job else None}

    def _page(self, watch: Watch) -> dict[str, Any]:
        try:
            self.shown = shown.make_page(self.folder, watch, self._known)
        except RunBusy:
            self._tried = ""
            raise
        if not self._known.chapters:  # the page was there; made ready for the next, which shares all but one revision
            with suppress(IctcError):
                shown.ready(self.folder, self.shown, self._known)
        return {"revision": self.shown.revision}

    # -- what is done

    def plan(self, body: Any) -> Job:
        return self._plan(actions.read_refinement(body, self.by, self.shown.name_of))

    def suggest(self, body: Any) -> Job:
        """What suggestions take; to have them is to apply that plan."""
        return self._plan(actions.read_question(body, self.by))

    def _plan(self, asked: Refinement) -> Job:
        number = next(self._numbers)

        def work(watch: Watch) -> dict[str, Any]:
            found = actions.planned(asked)
            self._plans[number] = asked
            for old in list(self._plans)[:-_PLANS]:
                del self._plans[old]
            return {**found, "plan": number, "command": actions.command(asked)}

        return self._put("plan", actions.title(asked), work)

    def apply(self, body: Any) -> Job:
        """Only what was planned, so that nothing is done whose price was not said."""
        given = body.get("plan") if isinstance(body, dict) and set(body) == {"plan"} else None
        number = given if type(given) is int else 0
        asked = self._plans.get(number)
        if asked is None:
            raise InputError("There is no such plan.", "Ask first what the change would take.")
        title, command = actions.title(asked), actions.command(asked)
        if asked.changes:
            job = self._put("apply", title, self._then_page(partial(actions.applied, asked)), command)
        else:
            job = self._put("suggest", title, lambda watch: actions.suggested(asked), command)
        self._plans.pop(number, None)
        return job

    def undo(self, body: Any) -> Job:
        if body != {}:
            raise InputError("Undo takes nothing.", "Reload the page.")
        return self._put("undo", "undo", self._then_page(lambda watch: actions.undone(self.by.folder)))

    def accept(self, body: Any) -> Job:
        if not isinstance(body, dict) or set(body) != {"revision"}:
            raise InputError("Accept takes a revision.", "Reload the page.")
        revision = actions.read_revision(body["revision"])
        work = self._then_page(lambda watch: actions.accepted(self.by.folder, revision))
        return self._put("accept", f"accept {revision}", work)

    def _then_page(self, work: Work) -> Work:
        def both(watch: Watch) -> dict[str, Any]:
            done = work(watch)
            self._page(watch)
            return done

        return both

    def _put(self, kind: Kind, title: str, work: Work, again: str = "") -> Job:
        def telling(watch: Watch) -> dict[str, Any]:
            done = work(watch)
            if kind in ("apply", "undo", "accept"):
                self.told(f"{title}: revision {done['revision']}")
            return done

        return self.jobs.put(kind, title, telling, again)


def application(site: Site) -> Starlette:
    """Nothing of it may be reached but through `security.Gate`."""
    folder = site.by.folder

    async def front(request: Request) -> Response:
        state = await run_in_threadpool(site.state)  # asks for the page where it is old
        ready = site.shown.stamp or (state["busy"] and state["current"])
        found = await run_in_threadpool(shown.page, folder, site.shown, site.keys.page) if ready else None
        if found is None:
            policy = f"{POLICY}; connect-src 'self'; img-src data:; style-src 'self'; script-src 'self'"
            text = _asset("waiting.html").replace("{{key}}", site.keys.page)
            return HTMLResponse(text, headers={"content-security-policy": policy})
        return HTMLResponse(found[0], headers={"content-security-policy": found[1]})

    async def state(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(site.state))

    async def revision(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(revision_state, site.folder, request.path_params["id"]))

    async def job(request: Request) -> Response:
        found = site.jobs.find(request.path_params["id"])
        return JSONResponse(found.to_json()) if found else _none()

    async def stop(request: Request) -> Response:
        return JSONResponse({"stopped": site.jobs.stop()})

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        return Response(_asset(name), media_type=_STATIC[name]) if name in _STATIC else _none()

    async def beside(request: Request) -> Response:
        path = request.path_params["path"]
        if path.endswith(".jpg"):
            return _jpeg(await run_in_threadpool(shown.small_picture, folder, path))
        found = await run_in_threadpool(shown.piece, folder, path)
        return _none() if found is None else Response(found, media_type="text/javascript")

    async def image(request: Request) -> Response:
        return _jpeg(await run_in_threadpool(shown.large_picture, site.shown, request.path_params["number"]))

    asked = {"plan": site.plan, "suggest": site.suggest, "apply": site.apply, "undo": site.undo, "accept": site.accept}
    return Starlette(
        routes=[
            Route("/", front),
            Route("/api/state", state),
            Route("/api/revision/{id:str}", revision),
            Route("/api/jobs/{id:int}", job),
            *(Route(f"/api/{name}", _asking(doing), methods=["POST"]) for name, doing in asked.items()),
            Route("/api/stop", stop, methods=["POST"]),
            Route("/static/{name:str}", static),
            Route("/report_files/{path:path}", beside),
            Route("/image/{number:int}", image),
        ],
        exception_handlers={IctcError: _failed},
    )


def _asking(put: Callable[[Any], Job]) -> Callable[[Request], Awaitable[Response]]:
    async def asked(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
        except (ValueError, RecursionError):
            raise InputError("The request is no JSON.", "Reload the page.") from None
        return JSONResponse((await run_in_threadpool(put, body)).to_json(), 202)

    return asked


async def _failed(request: Request, error: Exception) -> Response:
    if not isinstance(error, IctcError):
        raise error
    status = 409 if isinstance(error, Busy | RunBusy) else 404 if isinstance(error, RunError) else 400
    return JSONResponse(told(error), status)


def _jpeg(data: bytes | None) -> Response:
    return _none() if data is None else Response(data, media_type="image/jpeg")


def _none() -> Response:
    return PlainTextResponse("There is no such thing here.\n", 404)


def _asset(name: str) -> str:
    return files("ictc.serving").joinpath("static", name).read_text("utf-8")
