"""Health is answered without the framework, and as the framework would."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from modelserver.http.app import create_app
from modelserver.http.asgi import ASGIApp, Message, Receive, Scope, Send
from modelserver.http.health import Health, Probes
from modelserver.inference.lifecycle import Lifecycle
from modelserver.observe.metrics import Metrics
from tests.serving.loading import XY

PHASES: dict[str, Callable[[Lifecycle, Any], None]] = {
    "starting": lambda each, _: each.step('fetching "the" artifact\n\x01é\U0001f600</script>'),
    "ready": lambda each, serving: each.ready(serving),
    "suspect": lambda each, serving: (each.ready(serving), each.doubt("only NaN"))[1],
    "draining": lambda each, serving: (each.ready(serving), each.drain())[1],
    "failed": lambda each, _: each.fail("ArtifactCorrupt: found 0 bytes"),
}
NAMES = {"model": "sample", "release": "r1"}


class Asked:
    """Both ways to be asked, of one server."""

    def __init__(self, phase: str) -> None:
        metrics = Metrics(**NAMES)
        lifecycle = Lifecycle(metrics)
        PHASES[phase](lifecycle, object())
        self.health = Health(**NAMES, lifecycle=lifecycle)
        self.app = create_app(
            **NAMES, contract=XY, lifecycle=lifecycle, metrics=metrics, health=self.health
        )

    def without(self, path: str, method: str = "GET") -> list[Message]:
        """The answer without the framework, none where it would be asked."""

        async def nobody(_scope: Scope, _receive: Receive, _send: Send) -> None:
            """Answers nothing."""

        return answered(Probes(self.health, nobody), path, method)

    def framework(self, path: str) -> list[Message]:
        """The framework's own answer."""
        return answered(self.app, path)


def answered(app: ASGIApp, path: str, method: str = "GET") -> list[Message]:
    """What an application sends."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [],
        "query_string": b"",
        "root_path": "",
    }
    asyncio.run(app(scope, receive, send))
    return sent


def comparable(message: Message) -> dict[str, Any]:
    """A message with its headers as a list, in their order."""
    return message | {"headers": [*map(tuple, message.get("headers", ()))]}


@pytest.mark.parametrize(
    "path",
    [
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/sample/ready",
        "/v2/models/sample/versions/r1/ready",
    ],
)
@pytest.mark.parametrize("phase", PHASES)
def test_both_answer_the_same(path: str, phase: str) -> None:
    """Status, headers, their order and bytes are those of the framework, whatever the phase."""
    asked = Asked(phase)
    expected = [comparable(each) for each in asked.framework(path)]

    found = [comparable(each) for each in asked.without(path)]

    assert ["http.response.start", "http.response.body"] == [each["type"] for each in found]
    assert expected == found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/v2/health/ready"),
        ("POST", "/v2/health/live"),
        ("GET", "/v2/health/ready/"),
        ("GET", "/v2/models/other/ready"),
        ("GET", "/v2/models/sample/versions/r9/ready"),
        ("GET", "/v2"),
    ],
)
def test_all_else_is_left_to_the_framework(method: str, path: str) -> None:
    """The short way knows four questions, and no errors."""
    assert [] == Asked("ready").without(path, method)
