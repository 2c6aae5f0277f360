"""Free ports: outside the callers' range where there is room."""

import socket

import pytest

from modelctl.local.servers import ports


def test_outside_the_range_of_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A port is below those that the system gives to callers, and can be bound."""
    monkeypatch.setattr(ports, "_callers_begin", lambda: 32_768)

    port = ports.free_port()

    assert 15_000 <= port < 32_768
    with socket.create_server(("127.0.0.1", port)):
        assert not ports._bound(port)


def test_no_room_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where callers have nearly all ports, or nothing is known of them, any free port does."""
    monkeypatch.setattr(ports, "_callers_begin", lambda: 1024)

    assert 0 < ports.free_port() < 65_536


def test_taken_ports_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every port that is tried is taken, the system names one."""
    monkeypatch.setattr(ports, "_callers_begin", lambda: 32_768)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(ports.random, "randrange", lambda *_: port)

        assert port != ports.free_port()
