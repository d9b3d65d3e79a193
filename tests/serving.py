"""`ictc serve`, in a process of its own as people start it or in a thread of this one, and a client that talks to it.

A process of its own takes seconds to load its libraries: it is for tests of options, signals and locks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from ictc.serving.actions import By
from ictc.serving.server import Server
from tests.conftest import invoke, write_coloured


def small_run(folder: Path) -> Path:
    """12 images of discs in three colours, clustered offline; RUN is `folder`/run."""
    write_coloured(folder / "images")
    done = invoke("run", folder / "images", "-c", "colour", "-k", 3, "-o", folder / "run", "--no-report")
    assert done.exit_code == 0, done.output
    return folder / "run"


class Talking:
    """A client with the token in a header, as programs have it."""

    def __init__(self, run: Path, url: str, port: int) -> None:
        self.run, self.url, self.port = run, url, port
        self.base, _, self.token = url.partition("/?token=")
        self.client = httpx2.Client(base_url=self.base, headers={"authorization": f"Bearer {self.token}"}, timeout=30)

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ready(self) -> dict[str, Any]:
        """The state, once the page is there and nothing is being done."""
        return self.until(lambda state: not state["job"] and not state["stale"])

    def until(self, holds: Any, seconds: float = 60) -> dict[str, Any]:
        end = time.monotonic() + seconds
        while not holds(state := self.get("/api/state")):
            assert time.monotonic() < end, state
            time.sleep(0.05)
        return dict(state)

    def put(self, path: str, body: Any) -> dict[str, Any]:
        """A job, once it is over; retried while another one is being done."""
        end = time.monotonic() + 60
        while (answer := self.client.post(f"/api/{path}", json=body)).status_code == 409 and time.monotonic() < end:
            time.sleep(0.05)
        assert answer.status_code == 202, answer.text
        job = answer.json()
        while job["state"] in ("waiting", "running"):
            assert time.monotonic() < end, job
            time.sleep(0.02)
            job = self.get(f"/api/jobs/{job['id']}")
        return dict(job)

    def plan(self, *changes: dict[str, Any], revision: str = "") -> dict[str, Any]:
        at = revision or self.ready()["current"]
        return self.put("plan", {"revision": at, "changes": list(changes)})

    def change(self, *changes: dict[str, Any], revision: str = "") -> dict[str, Any]:
        """Planned and made: what the revision is then."""
        planned = self.plan(*changes, revision=revision)
        assert planned["state"] == "done", planned
        made = self.put("apply", {"plan": planned["result"]["plan"]})
        assert made["state"] == "done", made
        return dict(self.get(f"/api/revision/{made['result']['revision']}"))

    def names(self, revision: str = "") -> dict[str, int]:
        """Sizes by name."""
        told = self.get(f"/api/revision/{revision or self.ready()['current']}")
        return {c["name"]: c["size"] for c in told["clusters"]}


class Served(Talking):
    """A process of its own, from its beginning to the end of `with`."""

    def __init__(self, run: Path, *words: object, env: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "ictc", "serve", str(run), "--port", "0", "--json", *map(str, words)]
        self.process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.told = json.loads(line)
        super().__init__(run, self.told["url"], self.told["port"])

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.process.terminate()
            self.process.communicate(timeout=30)

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Ended by a signal: exit code and standard error."""
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=30)
        return self.process.returncode, err


class Here(Talking):
    """A thread of this process, from its beginning to the end of `with`. Nothing can be stopped by a signal."""

    def __init__(self, run: Path) -> None:
        self.server = Server(By(run), "127.0.0.1", 0, "", lambda line: None, nullcontext)
        super().__init__(run, self.server.url(), self.server.port)
        self.thread = threading.Thread(target=self.server.serve, daemon=True)
        self.thread.start()

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.client.close()
        self.server._server.should_exit = True
        self.thread.join(30)
        assert not self.thread.is_alive()
