"""The body of a request that comes in parts, within its limits."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import Receive

from modelserver.errors import BodyTooLarge, BodyTooSlow, Disconnected
from modelserver.exchange import too_large
from modelserver.headers import Given, content_bytes

PATIENCE_S = 30.0
"""A client that sends nothing for this long in the middle of a body is answered 408."""


async def read_body(given: Given, receive: Receive, max_bytes: int) -> bytes:
    """The body; no more than `max_bytes` and one part are ever held.

    Raises `BodyTooLarge` before anything is read where the announced size says so, else as soon as
    it is seen; `BodyTooSlow`; `Disconnected`.
    """
    announced = content_bytes(given)
    if announced > max_bytes:
        raise BodyTooLarge(
            f"header Content-Length: found {announced} bytes, expected at most {max_bytes}"
        )
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await _next(receive)
        parts.append(message["body"])
        size += len(parts[-1])
        more = message.get("more_body", False)
        if size > max_bytes:
            raise too_large(max_bytes)
    return b"".join(parts)


async def _next(receive: Receive) -> MutableMapping[str, Any]:
    try:
        async with asyncio.timeout(PATIENCE_S):
            message = await receive()
    except TimeoutError as error:
        raise BodyTooSlow(f"body: nothing came for {PATIENCE_S:g} s") from error
    if message["type"] == "http.disconnect":
        raise Disconnected("the client went away while it sent the body")
    return message
