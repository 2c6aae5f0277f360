"""The real Envoy, brought from one snapshot to the next."""

import asyncio
from itertools import count

from modelctl.gateway.values import (
    Answer,
    CircuitBreaker,
    ClientPolicy,
    Gateway,
    Match,
    Override,
    Route,
    RouteRule,
    TrafficPolicy,
)
from modelctl.local.envoy.measure import Window, parse_counters
from modelctl.local.plan.endpoints import Endpoints
from tests.modelctl.local.envoy.dataplane.stage import (
    PATH,
    Play,
    Stage,
    endpoints,
    former_rule,
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
            assert (503, True) == _with_reason(await stage.ask(), "model m is starting")

            forced = rule({"b": 1}, header="r2")
            await stage.publish((forced, rule({"a": 100, "b": 0})), *services)
            assert {(200, "a")} == {await stage.ask() for _ in range(20)}
            assert (200, "b") == await stage.ask(x_model_release="r2")
            assert {"shared"} == {heard["x-model-role"] for heard in a.heard}
            assert {"direct"} == {heard["x-model-role"] for heard in b.heard}
            assert all("x-request-id" in heard for heard in a.heard)
            assert 404 == (await stage.ask("/v2/models/mm"))[0]
            assert "no model is served at this path" in (await stage.ask("/"))[1]
            assert (200, "a") == await stage.ask("/v2/models/m/infer", Host="anything.example")

            before = len(b.heard)
            await stage.publish((rule({"a": 1}, mirror="b"),), *services)
            await stage.ask(x_request_id="my-own")
            await heard(b, before + 1)
            assert "my-own" == b.heard[-1]["x-request-id"]

            await stage.publish((rule({"a": 0, "b": 0}),), *services)
            assert (500, True) == _with_reason(await stage.ask(), "weight 0")

    play(story)


def _with_reason(answer: tuple[int, str], reason: str) -> tuple[int, bool]:
    return answer[0], reason in answer[1]


def test_the_servers_part_of_the_protocol(play: Play) -> None:
    """The gateway says itself that it is there, and 503 of models until git has been read."""

    async def story(stage: Stage) -> None:
        assert (200, '{"live":true}') == await stage.ask("/v2/health/live")
        assert (200, '{"ready":true}') == await stage.ask("/v2/health/ready")
        assert (200, True) == _with_reason(await stage.ask("/v2"), "extensions")
        assert (503, True) == _with_reason(await stage.ask(), "has been read yet")
        await stage.publish(())
        assert (200, '{"live":true}') == await stage.ask("/v2/health/live")

    play(story)


def test_shares_are_exact(play: Play) -> None:
    """Of 1,000 requests at 90/10 a tenth goes to the second, by localities and by clusters."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            for each in (rule({"a": 90, "b": 10}), former_rule({"a": 90, "b": 10})):
                before = len(a.heard), len(b.heard)
                await stage.publish((each,), endpoints("a", a), endpoints("b", b))
                for _ in range(1000):
                    await stage.ask()

                assert 1000 == len(a.heard) - before[0] + len(b.heard) - before[1]
                assert 60 <= len(b.heard) - before[1] <= 140
            assert "role-b" == b.heard[-1]["x-model-role"]

    play(story)


def test_unready_release_loses_its_share_to_the_others(play: Play) -> None:
    """A Service of which nobody is ready gets nothing; one without endpoints loses its share."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            unready = Endpoints("b", (host(b, ready=False),))
            await stage.publish((rule({"a": 50, "b": 50}),), endpoints("a", a), unready)
            assert {(200, "a")} == {await stage.ask() for _ in range(40)}

            await stage.publish((rule({"a": 50, "b": 50}),), endpoints("a", a), Endpoints("b", ()))
            assert {200, 503} == {(await stage.ask())[0] for _ in range(60)}
            await stage.publish((rule({"b": 1}),), unready)
            assert (503, True) == _with_reason(await stage.ask(), "no replica can take")
            assert [] == b.heard

    play(story)


def test_change_of_weights_writes_one_file(play: Play) -> None:
    """New weights rewrite the clusters and nothing else, and there are three files in all."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            services = endpoints("a", a), endpoints("b", b)
            await stage.publish((rule({"a": 1, "b": 0}),), *services)
            before = {path: path.stat().st_ino for path in stage.envoy.folder.iterdir()}
            await stage.publish((rule({"a": 0, "b": 1}),), *services)
            after = {path: path.stat().st_ino for path in stage.envoy.folder.iterdir()}

            assert ["clusters.json"] == [p.name for p in after if before.get(p) != after[p]]
            assert {(200, "b")} == {await stage.ask() for _ in range(20)}
            watched = {"listeners.json", "clusters.json", "routes.json"}
            assert watched | {"bootstrap.json", "admin"} == {path.name for path in after}

    play(story)


def test_draining(play: Play) -> None:
    """A port is drained once Envoy has dropped it; what is in flight is answered all the same."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            await stage.publish((rule({"s": 1}),), endpoints("s", a))
            a.go_on.clear()
            slow = asyncio.ensure_future(stage.ask())
            await heard(a, 1)
            drained = asyncio.ensure_future(stage.envoy.drained(a.server_port))
            await asyncio.sleep(0)
            assert not drained.done()

            await stage.publish((rule({"s": 1}),), endpoints("s", b))
            await drained
            assert {(200, "b")} == {await stage.ask() for _ in range(10)}
            a.go_on.set()
            assert (200, "a") == await slow

    play(story)


def test_removed_cluster(play: Play) -> None:
    """A rule that is gone leaves no cluster, and can come back."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.publish((), endpoints("a", a))
            assert () == stage.envoy._clusters.resources

            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            assert (200, "a") == await stage.ask()

    play(story)


def test_counted_from_the_moment_the_split_changed(play: Play) -> None:
    """A split has the requests that were shared by it, and none that came before."""

    async def story(stage: Stage) -> None:
        with serving("a") as a, serving("b") as b:
            window, clock = Window(60), count()
            services = endpoints("a", a), endpoints("b", b)

            async def counted(split: int, name: str, requests: int) -> bool:
                window.add(next(clock), parse_counters(await stage.envoy.counters() or b""))
                found = window.of_split(split).get(f"{name}~weighted")
                return found is not None and found.requests == requests

            window.add(next(clock), {})
            await stage.publish((rule({"a": 100, "b": 0}),), *services, split=1)
            for _ in range(5):
                await stage.ask()
            await until(lambda: counted(1, "a", 5))
            await stage.publish((rule({"a": 0, "b": 100}),), *services, split=2)
            for _ in range(3):
                await stage.ask()
            await until(lambda: counted(2, "b", 3))

            assert ["b~weighted"] == list(window.of_split(2))
            assert (5, 3) == tuple(window.since(0)[f"{n}~weighted"].requests for n in "ab")

    play(story)


def test_policies(play: Play) -> None:
    """Limits, callers' headers and answers are those of the policies, on the policies' hosts."""

    async def story(stage: Stage) -> None:
        none = CircuitBreaker(1, 0, 0, 0)
        answers = (Override((503,), Answer(503, "full", headers=(("retry-after", "9"),))),)
        callers = ClientPolicy(underscores="RejectRequest")
        known = Route(
            "gateway",
            "live",
            ("models.localhost",),
            (RouteRule("live", (Match("/live", exact=True),), answer=Answer(200, "yes")),),
        )
        limited = Gateway(callers, TrafficPolicy(circuit_breaker=none, overrides=answers), (known,))
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a), gateway=limited)
            there = {"Host": "models.localhost:1234"}
            assert (503, "full") == await stage.ask(PATH, **there)
            assert (200, "yes") == await stage.ask("/live", **there)
            assert (200, "yes") == await stage.ask("/live")  # by the name of this machine
            assert 404 == (await stage.ask("/live", Host="models.example.com"))[0]
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            assert (200, "a") == await stage.ask()

    play(story)
