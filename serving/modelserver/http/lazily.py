"""An application that is built when somebody first asks it."""

import asyncio
import gc
import sys
from collections.abc import Callable

from modelserver.http.asgi import ASGIApp, Receive, Scope, Send
from modelserver.http.health import Answer
from modelserver.inference.aside import SWITCH_S
from modelserver.observe import logs

_FAILED = Answer(b'{"error":"the server failed; its log says why"}', 500)


class Lazily:
    """Builds `app` once, in a thread beside the event loop; requests that come meanwhile wait.

    Where that fails, those who waited are told so, and the next one has it tried again.
    """

    def __init__(self, build: Callable[[], ASGIApp]) -> None:
        self._build = build
        self._building: asyncio.Task[ASGIApp | None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if self._building is None:
            self._building = asyncio.create_task(self._built())
        app = await asyncio.shield(self._building)
        if app is None:
            await _FAILED.send(send)
        else:
            await app(scope, receive, send)

    async def _built(self) -> ASGIApp | None:
        try:
            return await asyncio.to_thread(_considerately, self._build)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the server goes on
            logs.LOGGER.error("application-failed", exc_info=error)
            self._building = None
            return None


def _considerately(build: Callable[[], ASGIApp]) -> ASGIApp:
    """Build while others run.

    Had they to wait by Python's own interval, even quick runs of the model would seem too long for
    the event loop; collections would walk all that is built, each of them a pause of milliseconds.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    gc.disable()
    try:
        app = build()
        gc.freeze()
    finally:
        gc.enable()
        sys.setswitchinterval(before)
    return app
