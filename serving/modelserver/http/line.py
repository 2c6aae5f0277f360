"""What one request needs of its connection."""

import asyncio
from collections import deque
from typing import Any, Protocol

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.server import ServerState

from modelserver.http.crowd import Crowd
from modelserver.inference.shared import Inference


class Line(Protocol):
    """A connection, as its requests see it."""

    inference: Inference
    role: str | None
    crowd: Crowd
    transport: asyncio.Transport
    loop: asyncio.AbstractEventLoop
    flow: FlowControl
    server_state: ServerState
    parser: Any
    pipeline: deque[Any]
    unparsed: bytes
    is_deaf: bool
    expect_100_continue: bool

    def on_response_complete(self) -> None:
        """Go on with what came behind the request that was answered."""

    def end_stalled_body(self) -> bool:
        """Whether another connection's body has made room."""
