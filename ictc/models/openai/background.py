"""An event loop in a thread of its own, so that callers stay synchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress

_PATIENCE = 5.0  # seconds for what was cancelled to end


class Background:
    """Starts at once. A daemon: it never keeps the process alive."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="ictc-openai", daemon=True)
        self._thread.start()

    def soon(self, work: Callable[..., object], *arguments: object) -> bool:
        """Call `work` on the loop; False when the loop has ended."""
        with suppress(RuntimeError):
            self.loop.call_soon_threadsafe(work, *arguments)
            return True
        return False

    def stop(self, last: Callable[[], Awaitable[None]] | None = None) -> None:
        """Cancel what runs, do `last`, and end the thread."""

        async def end() -> None:
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if last is not None:
                await last()

        if self._thread.is_alive() and self._thread is not threading.current_thread():
            with suppress(Exception):  # at the end of the process nothing is left to tell
                asyncio.run_coroutine_threadsafe(end(), self.loop).result(_PATIENCE)
            self.soon(self.loop.stop)
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            self.loop.close()
