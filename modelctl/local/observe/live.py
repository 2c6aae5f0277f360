"""Pages that follow what happens: one stream of server-sent events a page that is looked at.

Nothing is made while nobody looks, a page that several look at is made once, one that takes long to
make is made less often, and one that has not changed is not sent again.

Source: HTML Living Standard, 9.2 Server-sent events.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

PERIOD_S = 1.0  # between two looks at what is shown
_HERE_S = 10.0  # an event after so long says that the engine is still here
_STREAMS = 32  # tabs at once; each costs a rendered page a second
_REST = 10  # at least so many times as long as it takes to make a page, nothing is made for it

Render = Callable[[str], Awaitable[str]]


class Live:
    """The streams that are open, and the pages that they were sent last."""

    def __init__(
        self, render: Render, *, streams: int = _STREAMS, period_s: float = PERIOD_S
    ) -> None:
        self.open = 0
        self._render = render
        self._streams = streams
        self._period_s = period_s
        self._closed = asyncio.Event()
        self._made: dict[str, tuple[float, asyncio.Future[str]]] = {}

    @property
    def full(self) -> bool:
        """Whether no further stream may be opened."""
        return self.open >= self._streams

    def close(self) -> None:
        """End every stream."""
        self._closed.set()

    async def stream(self, name: str) -> AsyncIterator[str]:
        """The page of a name now, and again whenever it has changed."""
        self.open += 1
        try:
            async for event in self._events(name):
                yield event
        finally:
            self.open -= 1
            if not self.open:
                self._made.clear()

    async def _events(self, name: str) -> AsyncIterator[str]:
        sent, sent_s = "", time.monotonic()
        while not self._closed.is_set():
            begun_s = time.monotonic()
            page = await self._page(name)
            if page != sent:
                sent, sent_s = page, time.monotonic()
                yield f"data: {json.dumps(page)}\n\n"
            elif time.monotonic() - sent_s >= _HERE_S:
                sent_s = time.monotonic()
                yield "event: here\ndata:\n\n"
            took_s = time.monotonic() - begun_s
            with suppress(TimeoutError):
                async with asyncio.timeout(max(self._period_s, _REST * took_s)):
                    await self._closed.wait()

    async def _page(self, name: str) -> str:
        """The page as it was made for another stream just now, or made anew."""
        made_s, page = self._made.get(name, (0.0, None))
        now_s = time.monotonic()
        if page is None or now_s - made_s > self._period_s / 2:
            page = asyncio.ensure_future(self._render(name))
            self._made[name] = now_s, page
        return await asyncio.shield(page)
