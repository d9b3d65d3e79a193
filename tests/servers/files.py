"""A real HTTP server of files on loopback: with ranges or without, that drops connections, lies, and moves."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType


@dataclass
class FileServer:
    """`files` by path. `ranges`: whether Range is honoured. `cut`: how many bytes of the next answers' bodies come
    before the connection is dropped, one number an answer. `answers`: status codes of the next answers, instead.
    `headers` of every answer. What was asked is in `asked`: (path, Range or "")."""

    files: dict[str, bytes]
    ranges: bool = True
    etag: str = '"one"'
    cut: list[int] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def __enter__(self) -> FileServer:
        handler = type("Handler", (_Handler,), {"serving": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    serving: FileServer

    def do_GET(self) -> None:
        told = self.serving
        wanted = self.headers.get("Range", "")
        told.asked.append((self.path, wanted))
        if self.path in told.moved:
            return self._answer(302, b"", {"Location": told.moved[self.path]})
        if told.answers:
            return self._answer(told.answers.pop(0), b"no", told.headers)
        if self.path not in told.files:
            return self._answer(404, b"no", {})
        data, status, more = told.files[self.path], 200, {"ETag": told.etag, **told.headers}
        if wanted and told.ranges and self.headers.get("If-Range", told.etag) == told.etag:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(data):
                return self._answer(416, b"", {"Content-Range": f"bytes */{len(data)}"})
            status, more = 206, {**more, "Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            data = data[start:]
        return self._answer(status, data, more)

    def _answer(self, status: int, data: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.serving.cut and status < 300:
            data = data[: self.serving.cut.pop(0)]
            self.close_connection = True
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass
