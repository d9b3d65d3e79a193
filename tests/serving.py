"""`ictc serve` in a process of its own, as people start it, and a client that talks to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx2

from tests.conftest import invoke, write_coloured


def small_run(folder: Path) -> Path:
    """12 images of discs in three colours, clustered offline; RUN is `folder`/run."""
    write_coloured(folder / "images")
    done = invoke("run", folder / "images", "-c", "colour", "-k", 3, "-o", folder / "run", "--no-report")
    assert done.exit_code == 0, done.output
    return folder / "run"


class Served:
    """The server, from `with` on, and a client with the token in a header, as programs have it."""

    def __init__(self, run: Path, *words: object, env: dict[str, str] | None = None) -> None:
        self.run = run
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
        self.url = self.told["url"]
        self.base, _, self.token = self.url.partition("/?token=")
        self.port = self.told["port"]
        self.client = httpx2.Client(base_url=self.base, headers={"authorization": f"Bearer {self.token}"}, timeout=30)

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
