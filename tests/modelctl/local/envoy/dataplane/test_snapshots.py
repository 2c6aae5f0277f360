"""The real Envoy, brought from one snapshot to the next."""

import asyncio

from modelctl.local.envoy.measure import parse_counters
from modelctl.local.plan.endpoints import Endpoints
from modelctl.local.plan.values import Lane
from tests.modelctl.local.envoy.dataplane.stage import (
    Play,
    Stage,
    endpoints,
    heard,
    host,
    rule,
    serving,
    until,
)


def test_routes(play: Play) -> None:
    """Weights, forced releases, mirrors, unknown paths and request ids work in the real Envoy."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            services = endpoints("a", a), endpoints("b", b)
            await stage.publish((), *services)
            await stage.healthy(a.server_port, b.server_port)
            assert 503 == (await stage.ask())[0]

            forced = rule({"b": 1}, header="r2")
            await stage.publish((forced, rule({"a": 100, "b": 0})), *services)
            assert {(200, "a")} == {await stage.ask() for _ in range(20)}
            assert (200, "b") == await stage.ask(x_model_release="r2")
            assert {"role-a"} == {heard["x-model-role"] for heard in a.heard}
            assert all("x-request-id" in heard for heard in a.heard)
            assert 404 == (await stage.ask("/v2/models/mm"))[0]
            assert "no model is served at this path" in (await stage.ask("/"))[1]
            assert (200, "a") == await stage.ask("/v2/models/m/infer", Host="anything.example")

            before = len(b.heard)
            await stage.publish((rule({"a": 1}, mirror="b"),), *services)
            await stage.ask(x_request_id="my-own")
            await heard(b, before + 1)
            assert b.heard[-1]["host"].split(":")[0].endswith("-shadow")
            assert "my-own" == b.heard[-1]["x-request-id"]

            await stage.publish((rule({"a": 0, "b": 0}),), *services)
            assert (500, True) == _with_reason(await stage.ask(), "weight 0")

    play(story)


def _with_reason(answer: tuple[int, str], reason: str) -> tuple[int, bool]:
    return answer[0], reason in answer[1]


def test_change_of_weights_writes_one_file(play: Play) -> None:
    """New weights rewrite the routes and nothing else, and are in force when `publish` returns."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            services = endpoints("a", a), endpoints("b", b)
            await stage.publish((rule({"a": 1, "b": 0}),), *services)
            await stage.healthy(a.server_port, b.server_port)
            before = {path: path.stat().st_ino for path in stage.envoy.folder.iterdir()}
            await stage.publish((rule({"a": 0, "b": 1}),), *services)
            after = {path: path.stat().st_ino for path in stage.envoy.folder.iterdir()}

            assert ["routes.json"] == [p.name for p in after if before.get(p) != after[p]]
            assert {(200, "b")} == {await stage.ask() for _ in range(20)}

    play(story)


def test_draining_keeps_what_is_in_flight(play: Play) -> None:
    """A draining endpoint gets nothing new, and is drained once its last request has ended."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            await stage.publish((rule({"s": 1}),), endpoints("s", a))
            await stage.healthy(a.server_port)
            a.go_on.clear()
            slow = asyncio.ensure_future(stage.ask())
            await heard(a, 1)
            both = Endpoints("s", (host(a, ready=False), host(b)))
            await stage.publish((rule({"s": 1}),), both)
            await stage.healthy(b.server_port)
            drained = asyncio.ensure_future(stage.envoy.drained(a.server_port))
            assert {(200, "b")} == {await stage.ask() for _ in range(10)}
            assert not drained.done()

            a.go_on.set()
            assert (200, "a") == await slow
            await drained

    play(story)


def test_removed_endpoint_is_gone_at_once(play: Play) -> None:
    """An endpoint that the engine removes gets nothing more, though it is still in health."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            await stage.publish((rule({"s": 1}),), endpoints("s", a, b))
            await stage.healthy(a.server_port, b.server_port)
            await stage.publish((rule({"s": 1}),), endpoints("s", b))
            await stage.healthy(b.server_port)

            assert {(200, "b")} == {await stage.ask() for _ in range(20)}

    play(story)


def test_removed_cluster(play: Play) -> None:
    """A Service that is gone leaves no cluster and no file, and can come back."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((), endpoints("a", a))
            await stage.publish(())
            assert {} == (await stage.envoy.view()).clusters
            assert not list(stage.envoy.folder.glob("endpoints-*"))

            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.healthy(a.server_port)
            assert (200, "a") == await stage.ask()

    play(story)


def test_counters(play: Play) -> None:
    """Requests, errors and latencies are counted by lane."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            forced = rule({"a": 1}, header="r1")
            await stage.publish((forced, rule({"a": 1})), endpoints("a", a))
            await stage.healthy(a.server_port)
            for _ in range(3):
                await stage.ask()
            await stage.ask(x_model_release="r1")
            found = parse_counters(await stage.envoy.counters() or b"")

            assert (3, 0) == (found["a~weighted"].requests, found["a~weighted"].errors)
            assert 1 == found[f"a~{Lane.DIRECT}"].requests

            async def timed() -> bool:
                latest = parse_counters(await stage.envoy.counters() or b"")
                return latest["a~weighted"].within_ms[-1:] == ((60000, 3),)

            await until(timed)

    play(story)
