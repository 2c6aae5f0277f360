"""The body of a request that comes in parts, read within its limits."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.types import Receive

from modelserver.errors import BodyTooLarge, BodyTooSlow, Disconnected
from modelserver.http.headers import Given, content_bytes
from modelserver.inference.exchange import Exchange

PATIENCE_S = 30.0
"""A client that sends nothing for so long in the middle of a body is answered 408."""

SLOWEST_BYTES_PER_S = 16 << 10
"""So is a client whose body as a whole is slower than this, once `PATIENCE_S` is over."""


async def read_body(given: Given, receive: Receive, exchange: Exchange, max_bytes: int) -> bytes:
    """The body; `exchange` holds what has come of it, at most one part more than its limits allow.

    Raises:
        BodyTooLarge: The announced size is above `max_bytes`, of which nothing is then read, or
            more came.
        Overloaded: Other bodies leave no room for it.
        BodyTooSlow: The client stopped, or goes on too slowly.
        Disconnected: The client went away.
    """
    announced = content_bytes(given)
    if announced > max_bytes:
        raise BodyTooLarge(
            f"header Content-Length: found {announced} bytes, expected at most {max_bytes}"
        )
    exchange.check_room(announced)
    began = asyncio.get_running_loop().time()
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await _next(receive, began + PATIENCE_S + size / SLOWEST_BYTES_PER_S)
        parts.append(message["body"])
        size += len(parts[-1])
        more = message.get("more_body", False)
        exchange.hold(size)
    return b"".join(parts)


async def _next(receive: Receive, until: float) -> MutableMapping[str, Any]:
    patience_until = asyncio.get_running_loop().time() + PATIENCE_S
    try:
        async with asyncio.timeout_at(min(until, patience_until)):
            message = await receive()
    except TimeoutError as error:
        raise BodyTooSlow(
            f"body: expected some part every {PATIENCE_S:g} s and, on the whole, "
            f"{SLOWEST_BYTES_PER_S} bytes a second"
        ) from error
    if message["type"] == "http.disconnect":
        raise Disconnected("the client went away while it sent the body")
    return message
