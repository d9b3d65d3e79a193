"""The batch routes of the scripted server: files, batches, and what became of them."""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.servers.answers import Scripted, error

Body = dict[str, Any]


class Batches:
    """A batch is done after `polls` looks at it. `running`, `end`: its status before and then. The newest are
    listed first. `instead["GET batches"]`: what the next requests to that route get; a single batch's is "GET batch".

    Files stay text; `answer` is asked for every line when the batch is done, and a status above 399 is an error line.
    """

    def __init__(self, answer: Callable[[Body], Scripted]) -> None:
        self.polls = 2
        self.end = "completed"
        self.running = "in_progress"
        self.files: dict[str, str] = {}
        self.batches: dict[str, Body] = {}
        self.lines_answered = 0
        self.instead: defaultdict[str, deque[Scripted]] = defaultdict(deque)
        self.downloads: list[str] = []
        self._answer = answer
        self._looks: dict[str, int] = {}

    def look_at(self, batch: str, times: int) -> None:
        """As if somebody had asked after it."""
        for _ in range(times):
            self._look(batch)

    def route(self, verb: str, path: str, headers: Mapping[str, str], content: bytes) -> Scripted:
        url = urlsplit(path)
        parts = url.path.removeprefix("/v1").strip("/").split("/")
        if script := self.instead[f"{verb} {'batch' if parts[0] == 'batches' and len(parts) > 1 else parts[0]}"]:
            return script.popleft()
        match verb, parts:
            case "GET", ["models"]:
                return Scripted(body={"object": "list", "data": [{"id": "any", "object": "model"}]})
            case "POST", ["files"]:
                return self._upload(content)
            case "GET", ["files", file, "content"] if file in self.files:
                self.downloads.append(file)
                return Scripted(body=self.files[file].encode())
            case "POST", ["batches"]:
                return self._create(json.loads(content))
            case "GET", ["batches"]:
                return self._list(parse_qs(url.query))
            case "GET", ["batches", batch] if batch in self.batches:
                return self._look(batch)
        return error(404, f"There is no {verb} {url.path}.")

    def _upload(self, content: bytes) -> Scripted:
        found = re.search(rb'filename="[^"]*"\r\n(?:[^\r\n]+\r\n)*\r\n(.*?)\r\n--', content, re.DOTALL)
        assert found, "no file in the form"
        return Scripted(body=self._file(found[1].decode()))

    def _file(self, text: str) -> Body:
        name = f"file-{len(self.files) + 1}"
        self.files[name] = text
        return {
            "id": name,
            "object": "file",
            "bytes": len(text),
            "created_at": 0,
            "filename": "f.jsonl",
            "purpose": "batch",
            "status": "processed",
        }

    def _create(self, asked: Body) -> Scripted:
        name = f"batch_{len(self.batches) + 1}"
        lines = self.files[asked["input_file_id"]].splitlines()
        self.batches[name] = {
            "id": name,
            "object": "batch",
            "status": self.running,
            "created_at": int(time.time()),
            "request_counts": {"total": len(lines), "completed": 0, "failed": 0},
            **asked,
        }
        return Scripted(body=self.batches[name])

    def _list(self, query: Mapping[str, list[str]]) -> Scripted:
        all_of_them = list(reversed(self.batches.values()))
        if "after" in query:
            ids = [b["id"] for b in all_of_them]
            all_of_them = all_of_them[ids.index(query["after"][0]) + 1 :]
        page = all_of_them[: int(query.get("limit", ["20"])[0])]
        return Scripted(body={"object": "list", "data": page, "has_more": len(page) < len(all_of_them)})

    def _look(self, name: str) -> Scripted:
        batch = self.batches[name]
        self._looks[name] = self._looks.get(name, 0) + 1
        counts = batch["request_counts"]
        counts["completed"] = min(counts["total"], counts["total"] * self._looks[name] // max(1, self.polls))
        if self._looks[name] >= self.polls and batch["status"] == self.running:
            self._finish(batch)
        return Scripted(body=batch)

    def _finish(self, batch: Body) -> None:
        batch["status"] = self.end
        if self.end not in ("completed", "expired", "cancelled"):
            batch["errors"] = {"object": "list", "data": [{"code": "scripted", "message": "scripted failure"}]}
            return
        good, bad = [], []
        lines = self.files[batch["input_file_id"]].splitlines()
        for number, line in enumerate(reversed(lines)):  # a provider may answer in any order
            asked = json.loads(line)
            if self.end != "completed" and number % 2:
                code = f"batch_{self.end}"
                bad.append({"custom_id": asked["custom_id"], "error": {"code": code, "message": code}})
                continue
            answer = self._answer(asked["body"])
            self.lines_answered += 1
            body = json.loads(answer.payload(asked["body"]))
            response = {"status_code": answer.status, "request_id": "r", "body": body}
            where = good if answer.status < 400 else bad
            where.append({"id": "l", "custom_id": asked["custom_id"], "response": response, "error": None})
        for key, found in (("output_file_id", good), ("error_file_id", bad)):
            if found:
                batch[key] = self._file("".join(json.dumps(line) + "\n" for line in found))["id"]
