"""Endpoints that die, an Envoy that dies, snapshots that it refuses."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.local.envoy.dataplane import EnvoyError
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Backend, Match, RouteRule
from modelctl.local.servers import processes
from modelctl.local.servers.ports import free_port
from tests.modelctl.local.envoy.dataplane.stage import (
    STAND_IN,
    Play,
    Stage,
    endpoints,
    host,
    rule,
    serving,
    until,
)
from tests.modelctl.local.envoy.dataplane.test_snapshots import _with_reason


def test_dead_endpoint_is_left_out(play: Play) -> None:
    """Requests for an endpoint that died go to another, and those without a ready one fail."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            port = free_port()
            settings = {"MODELSERVER_HOST": "127.0.0.1", "MODELSERVER_PORT": str(port)}
            b = await stage.launcher.start("b", (sys.executable, str(STAND_IN)), settings)
            service = Endpoints("s", (host(a), Host(port, port, ready=True)))
            await stage.publish((rule({"s": 1}),), service)
            await stage.healthy(a.server_port, port)
            b.kill()
            await b.wait()
            stage.launcher.forget(b)
            assert {(200, "a")} == {await stage.ask() for _ in range(20)}

            none = Endpoints("s", (host(a, ready=False),))
            await stage.publish((rule({"s": 1}),), none)
            await stage.healthy()
            assert (503, True) == _with_reason(await stage.ask(), "no healthy upstream")

    play(story)


def test_killed_envoy_comes_back(play: Play) -> None:
    """A killed Envoy is started again and serves what it served."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.healthy(a.server_port)
            os.kill(processes.found(stage.folder.root)[0].pid, 9)
            await until(stage.silent)
            await until(stage.answers)

            assert (200, "a") == await stage.ask()
            assert "killed by SIGKILL" in stage.journal.of("")[0].message

    play(story)


def test_refused_routes(play: Play) -> None:
    """Routes that Envoy refuses change nothing, are told with its reason, and can be replaced."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.healthy(a.server_port)
            backend = Backend("a", 1, (("a\nb", "c"),))
            bad = RouteRule(
                Match("/v2/models/m", exact=False, headers=()), (backend,), (), None, None
            )
            for _ in range(2):
                with pytest.raises(EnvoyError, match=r"Envoy refused the new routes: .*"):
                    await stage.publish((bad,), endpoints("a", a))
            assert (200, "a") == await stage.ask()

            await stage.publish((rule({"a": 0}),), endpoints("a", a))
            assert 500 == (await stage.ask())[0]

    play(story)


def test_unwritable_folder(play: Play) -> None:
    """A file that cannot be written is an error, what was served goes on, and a retry works."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.healthy(a.server_port)
            routes = stage.envoy.folder / "routes.json"
            routes.rename(stage.envoy.folder / "kept")
            routes.mkdir()
            with pytest.raises(OSError, match=r"routes\.json"):
                await stage.publish((rule({"a": 0}),), endpoints("a", a))
            assert (200, "a") == await stage.ask()

            routes.rmdir()
            await stage.publish((rule({"a": 0}),), endpoints("a", a))
            assert 500 == (await stage.ask())[0]

    play(story)


def test_port_that_is_taken(tmp_path: Path) -> None:
    """An Envoy that cannot start is an error with its own words, and leaves no process."""

    async def story() -> None:
        stage = Stage(tmp_path / "state")
        match = r"Envoy did not start: .*in use"
        with serving("a") as taken, pytest.raises(UsageError, match=match):
            await stage.envoy.start(taken.server_port)
        assert [] == processes.found(stage.folder.root)

    asyncio.run(story())
