"""Endpoints that die, an Envoy that dies or hangs, resources that it refuses, a full disk."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.gateway.values import Backend, Match, RouteRule
from modelctl.local.envoy import process
from modelctl.local.envoy.resources import Standing
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.servers import processes
from modelctl.local.servers.ports import free_port
from tests.modelctl.local.envoy.dataplane.stage import (
    PATH,
    STAND_IN,
    Play,
    Stage,
    endpoints,
    host,
    rule,
    serving,
    until,
)

BAD = RouteRule("bad", (Match(PATH),), (Backend("a", 80, 1),), headers=(("a\nb", "c"),))


def test_dead_endpoint(play: Play) -> None:
    """Requests for an endpoint that died go to another."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            port = free_port()
            settings = {"MODELSERVER_HOST": "127.0.0.1", "MODELSERVER_PORT": str(port)}
            b = await stage.launcher.start("b", (sys.executable, str(STAND_IN)), settings)
            service = Endpoints("s", (host(a), Host(port, 0, ready=True)))
            await stage.publish((rule({"s": 1}),), service)
            b.kill()
            await b.wait()
            stage.launcher.forget(b)

            assert {(200, "a")} == {await stage.ask() for _ in range(20)}

    play(story)


def test_killed_envoy_comes_back(play: Play) -> None:
    """A killed Envoy is started again, serves what it served, and takes what is new."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            await stage.publish((rule({"s": 1}),), endpoints("s", a))
            os.kill(stage.pid(), signal.SIGKILL)
            await until(stage.silent)
            await until(stage.answers)

            assert (200, "a") == await stage.ask()
            assert "killed by SIGKILL" in stage.journal.of("")[0].message
            await stage.publish((rule({"s": 1}),), endpoints("s", b))
            assert (200, "b") == await stage.ask()

    play(story)


def test_envoy_that_hangs_is_killed(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """An Envoy that answers no question three times in a row is killed and started again."""
    for bound in ("_ALIVE_LIMIT_S", "_ALIVE_EVERY_S", "_ALIVE_AGAIN_S"):
        monkeypatch.setattr(process, bound, 0.3)

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await asyncio.sleep(0)
            hung = stage.pid()
            os.kill(hung, signal.SIGSTOP)

            async def replaced() -> bool:
                return stage.pid() != hung

            await until(replaced)
            await until(stage.answers)
            assert any("Envoy hangs" in event.message for event in stage.journal.of(""))

    play(story)


def test_silence_is_neither_yes_nor_no(play: Play) -> None:
    """What an Envoy that is stopped for a while has not said is not known, and then it takes it."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b, serving("c") as c:
            await stage.publish((rule({"s": 1}),), endpoints("s", a))
            os.kill(stage.pid(), signal.SIGSTOP)
            for server in (b, c):
                made = stage.made((rule({"s": 1}),), endpoints("s", server))
                assert Standing.UNKNOWN is await stage.envoy.bring(made, limit_s=0)
            assert stage.envoy.silent
            os.kill(stage.pid(), signal.SIGCONT)

            await stage.publish((rule({"s": 1}),), endpoints("s", c))
            assert {(200, "c")} == {await stage.ask() for _ in range(10)}
            await stage.publish((rule({"s": 1}),), endpoints("s", b))
            assert (200, "b") == await stage.ask()

    play(story)


def test_refused_routes(play: Play) -> None:
    """Routes that Envoy refuses change nothing, are told with its reason, and can be replaced."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            for _ in range(2):
                bad = stage.made((BAD,), endpoints("a", a))
                assert Standing.REFUSED is await stage.bring(bad)
                assert "a" in stage.envoy.last_words()
                assert (200, "a") == await stage.ask()

            await stage.publish((rule({"a": 0}),), endpoints("a", a))
            assert 500 == (await stage.ask())[0]

    play(story)


def test_a_refusal_of_what_is_replaced_is_not_one(play: Play) -> None:
    """Envoy's refusal of routes that are replaced already is not taken for one of the new ones."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            for _ in range(20):
                bad = stage.made((BAD,), endpoints("a", a))
                await stage.envoy.bring(bad, limit_s=0)
                good = stage.made((rule({"a": 1}),), endpoints("a", a))

                assert Standing.TAKEN is await stage.bring(good)

    play(story)


def test_unwritable_folder(play: Play) -> None:
    """A file that cannot be written is an error, what was served goes on, and a retry works."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            routes = stage.envoy.folder / "routes.json"
            routes.rename(stage.envoy.folder / "kept")
            routes.mkdir()
            nowhere = stage.made((rule({"a": 0}),), endpoints("a", a))
            with pytest.raises(OSError, match=r"routes\.json"):
                await stage.bring(nowhere)
            assert (200, "a") == await stage.ask()

            routes.rmdir()
            assert Standing.TAKEN is await stage.bring(nowhere)
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
