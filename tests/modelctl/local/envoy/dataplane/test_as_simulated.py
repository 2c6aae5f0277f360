"""The real Envoy answers as the simulator says, whatever the routes and endpoints are."""

import asyncio
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.gateway.simulator import Outcome, Ready, Request, outcome
from modelctl.gateway.values import (
    Answer,
    Backend,
    ClientPolicy,
    Comparison,
    Gateway,
    HeaderMatch,
    Match,
    Route,
    RouteRule,
    TrafficPolicy,
)
from modelctl.local.envoy.resources import Standing
from modelctl.local.envoy.snapshot import Wanted, snapshot
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Published
from tests.modelctl.local.envoy.dataplane.answering import Server
from tests.modelctl.local.envoy.dataplane.stage import Stage

HOSTS = ("a.localhost", "b.localhost", "*.localhost")
NAMES = ("s0", "s1", "s2")  # of Services
PORTS = 3  # of each: the most endpoints that it can have
ASKED = 40  # so often that who has a third of the requests is seen, but for one run in 10 million
OFTEN = Fraction(1, 3)

headers = st.sampled_from(
    [
        HeaderMatch("x-model-release", "r1"),
        HeaderMatch("x-model-release", ".+", Comparison.REGEX),
        HeaderMatch("x-model-name", "m"),
    ]
)
matches = st.builds(
    Match,
    path=st.sampled_from(["/", "/v2", "/v2/models/m", "/v2/models/m/versions/r1", "/v2/models/mm"]),
    exact=st.booleans(),
    headers=st.lists(headers, max_size=2, unique_by=lambda each: each.name).map(tuple),
    method=st.sampled_from(["", "", "GET"]),
)
backends = st.lists(
    st.builds(
        Backend,
        service=st.sampled_from(NAMES),
        port=st.just(80),
        weight=st.sampled_from([0, 1, 1, 9]),
        headers=st.sampled_from([(), (), (), (("x-model-role", "stable"),)]),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda each: each.service,
).map(tuple)
answers = st.builds(Answer, status=st.sampled_from([200, 404]), body=st.just("own"))
contents = st.one_of(
    st.fixed_dictionaries({"backends": backends}), st.fixed_dictionaries({"answer": answers})
)


@st.composite
def models(draw: st.DrawFn) -> tuple[Route, ...]:
    """Routes with rules that overlap."""
    found = []
    for number in range(draw(st.integers(1, 3))):
        rules = tuple(
            RouteRule(
                f"rule{place}",
                tuple(draw(st.lists(matches, min_size=1, max_size=2))),
                **draw(contents),
            )
            for place in range(draw(st.integers(1, 3)))
        )
        hosts = draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=2, unique=True))
        found.append(Route("models", f"route{number}", tuple(hosts), rules))
    return tuple(found)


counts = st.integers(0, PORTS).flatmap(
    lambda total: st.builds(Ready, ready=st.integers(0, total), total=st.just(total))
)
requests = st.builds(
    Request,
    host=st.sampled_from(["a.localhost", "b.localhost:8080", "c.localhost", "elsewhere"]),
    path=st.sampled_from(
        ["/v2", "/v2/models/m/infer", "/v2/models/m/versions/r1/infer", "/v2/models/mm", "/x?q=1"]
    ),
    method=st.sampled_from(["GET", "POST"]),
    headers=st.dictionaries(
        st.sampled_from(["x-model-release", "x-model-name"]), st.sampled_from(["r1", "m"])
    ),
)


class World:
    """One Envoy, and servers behind it, for every example."""

    def __init__(self, root: Path) -> None:
        self.runner = asyncio.Runner()
        self.runner.run(self._begin(root))

    def outcome(
        self, routes: tuple[Route, ...], ready: dict[str, Ready], asked: Request
    ) -> set[str]:
        """Who answers: the names of Services, and statuses of Envoy's own answers."""
        return self.runner.run(self._outcome(routes, ready, asked))

    def end(self) -> None:
        """End everything."""
        self.runner.run(self._end())
        self.runner.close()

    async def _begin(self, root: Path) -> None:
        self.stage = Stage(root)
        await self.stage.envoy.start(self.stage.port)
        self.servers = {n: [Server(n) for _ in range(PORTS)] for n in NAMES}
        self.hosts = {n: [await s.start() for s in those] for n, those in self.servers.items()}

    async def _end(self) -> None:
        await self.stage.envoy.stop()
        for those in self.servers.values():
            for server in those:
                server.stop()

    async def _outcome(
        self, routes: tuple[Route, ...], ready: dict[str, Ready], asked: Request
    ) -> set[str]:
        services = tuple(
            Endpoints(
                name,
                tuple(
                    Host(host.port, 0, ready=place < ready[name].ready)
                    for place, host in enumerate(hosts[: ready[name].total])
                ),
            )
            for name, hosts in self.hosts.items()
        )
        model, *platform = routes
        gateway = Gateway(
            ClientPolicy(), TrafficPolicy(panic_threshold_percent=0), (*platform, NOWHERE)
        )
        published = {"m": Published((model,))}
        made = snapshot(
            self.stage.envoy.folder, Wanted(self.stage.port, published, services, gateway)
        )
        assert Standing.TAKEN is await self.stage.bring(made)
        return {await self._ask(asked) for _ in range(ASKED)}

    async def _ask(self, asked: Request) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.stage.port)
        named = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
        writer.write(
            f"{asked.method} {asked.path} HTTP/1.1\r\nhost: {asked.host}\r\n{named}"
            "content-length: 0\r\n\r\n".encode()
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = head.partition("content-length: ")[2].partition("\r\n")[0]
        body = (await reader.readexactly(int(length or 0))).decode()
        writer.close()
        return body if body in NAMES else head.split()[1]


# A route for every host, of which only the platform's make host names known.
NOWHERE = Route(
    "gateway",
    "nowhere",
    HOSTS,
    (RouteRule("none", (Match("/~", exact=True),), answer=Answer(200, "")),),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The world of this module."""
    found = World(tmp_path_factory.mktemp("world") / "state")
    yield found
    found.end()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(models(), st.fixed_dictionaries(dict.fromkeys(NAMES, counts)), requests)
def test_as_simulated(
    world: World, routes: tuple[Route, ...], ready: dict[str, Ready], asked: Request
) -> None:
    """Who answers is who should, and who should answer often does."""
    expected = outcome((*routes, NOWHERE), asked, ready)

    found = world.outcome(routes, ready, asked)

    allowed = _parts(expected)
    assert found <= allowed.keys()
    assert {who for who, part in allowed.items() if part >= OFTEN} <= found


def _parts(expected: Outcome) -> dict[str, Fraction]:
    """Who answers which part."""
    if expected.answer is not None:
        return {str(expected.answer.status): Fraction(1)}
    failed = {str(status): part for status, part in expected.failed.items()}
    return {**expected.shares, **failed}
