"""An application that is built when it is first asked."""

import asyncio
import threading

import pytest

from modelserver.http.asgi import ASGIApp, Message, Receive, Scope, Send
from modelserver.http.lazily import Lazily

GOOD = [{"type": "http.response.body", "body": b"good"}]


async def good(_scope: Scope, _receive: Receive, send: Send) -> None:
    """An application."""
    await send(GOOD[0])


async def ask(app: ASGIApp) -> list[Message]:
    """What it sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http"}, receive, send)
    return sent


class Builder:
    """Builds when it is let, or fails as often as it is told."""

    def __init__(self, *errors: Exception) -> None:
        self.let = threading.Event()
        self.threads: list[threading.Thread] = []
        self._errors = list(errors)

    def __call__(self) -> ASGIApp:
        """What `good` is, or the next error."""
        self.threads.append(threading.current_thread())
        self.let.wait()
        if self._errors:
            raise self._errors.pop(0)
        return good


def test_built_once_while_others_wait() -> None:
    """Requests that come meanwhile wait, the event loop goes on, and later ones find it built."""
    builder = Builder()

    async def run() -> list[list[Message]]:
        app = Lazily(builder)
        waiting = [asyncio.create_task(ask(app)) for _ in range(3)]
        asyncio.get_running_loop().call_later(0, builder.let.set)  # were it held, for ever
        return [*await asyncio.gather(*waiting), await ask(app)]

    assert [GOOD] * 4 == asyncio.run(run())
    assert 1 == len(builder.threads)
    assert threading.main_thread() not in builder.threads


@pytest.mark.parametrize("error", [ImportError("no module"), MemoryError(), ValueError("wrong")])
def test_failure_is_answered_and_tried_again(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """All who waited for it are told, the log says why, and the next request has it built."""
    builder = Builder(error)
    builder.let.set()

    async def run() -> tuple[list[list[Message]], list[Message]]:
        app = Lazily(builder)
        return await asyncio.gather(ask(app), ask(app)), await ask(app)

    failed, after = asyncio.run(run())

    assert [500, 500] == [sent[0]["status"] for sent in failed]
    assert b'{"error":"the server failed; its log says why"}' == failed[0][1]["body"]
    assert ["application-failed"] == [record.getMessage() for record in caplog.records]
    assert GOOD == after
    assert 2 == len(builder.threads)


def test_a_request_that_is_given_up_ends_no_other() -> None:
    """The build goes on for the others."""
    builder = Builder()

    async def run() -> list[Message]:
        app = Lazily(builder)
        first, second = asyncio.create_task(ask(app)), asyncio.create_task(ask(app))
        await asyncio.sleep(0)
        first.cancel()
        builder.let.set()
        return await second

    assert GOOD == asyncio.run(run())
    assert 1 == len(builder.threads)
