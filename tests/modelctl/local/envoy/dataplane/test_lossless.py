"""Every planned change of a model's life, under load: not one request may fail."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from modelctl.gateway.values import RouteRule
from modelctl.local.plan.endpoints import Endpoints, Host
from tests.modelctl.local.envoy.dataplane.answering import Server
from tests.modelctl.local.envoy.dataplane.stage import PATH, Play, Stage, former_rule, rule
from waiting import until_seen

REQUESTS = 10_000
CALLERS = 8


@dataclass
class Load:
    """Callers in a closed loop, each on a connection of its own."""

    port: int
    answers: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    over: bool = False

    async def call(self) -> None:
        """Ask again and again."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while not self.over:
            writer.write(f"GET {PATH}/infer HTTP/1.1\r\nhost: models\r\n\r\n".encode())
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                body = await reader.readexactly(length)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append(repr(error))
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                continue
            if head.startswith(b"HTTP/1.1 200 "):
                self.answers[body.decode()] += 1
            else:
                self.failures.append(f"{head!r} {body!r}")
        writer.close()


@dataclass
class Life:
    """A model whose releases come, are shifted to, and go."""

    stage: Stage
    load: Load
    by_backend: bool
    servers: dict[str, list[tuple[Server, Host]]] = field(default_factory=dict)
    steps: int = 0

    async def add(self, release: str) -> None:
        """Start another server of a release."""
        server = Server(release)
        self.servers.setdefault(release, []).append((server, await server.start()))

    async def publish(self, *, mirror: str = "", **weights: int) -> None:
        """Have Envoy route by weights, and let some requests pass."""
        self.steps += 1
        services = [
            Endpoints(release, tuple(host for _, host in those))
            for release, those in self.servers.items()
        ]
        shared = former_rule(weights) if self.by_backend else rule(weights, mirror=mirror)
        rules: tuple[RouteRule, ...] = (*(rule({r: 1}, header=r) for r in weights), shared)
        await self.stage.publish(rules, *services, split=self.steps)
        passed = self.load.answers.total() + REQUESTS // 40

        async def enough() -> bool:
            return self.load.answers.total() >= passed or bool(self.load.failures)

        await until_seen(enough)

    async def live(self, old: str, new: str) -> None:
        """Scale, restart, introduce, mirror, shift to and fro, promote, retire."""
        await self.add(old)
        await self.publish(**{old: 100})
        first, _ = self.servers[old].pop(0)
        await self.add(old)
        await self.publish(**{old: 100})
        first.stop()
        await self.add(new)
        await self.publish(**{old: 100, new: 0})
        await self.publish(**{old: 100, new: 0}, mirror=new)
        for weight in (0, 10, 0, 50, 100, 0, 100):
            await self.publish(**{old: 100 - weight, new: weight})
        await self.publish(**{new: 100})
        for server, _ in self.servers.pop(old):
            server.stop()


def test_nothing_is_lost(play: Play) -> None:
    """Of 10,000 requests through every planned change none fails, and each change is followed."""

    async def story(stage: Stage) -> None:
        for by_backend in (False, True):
            load = Load(stage.port)
            life = Life(stage, load, by_backend)
            await life.add("r1")
            callers = []
            old, new = "r1", "r2"
            while load.answers.total() < REQUESTS:
                if not callers:
                    services = Endpoints("r1", tuple(host for _, host in life.servers["r1"]))
                    await stage.publish((rule({"r1": 1}),), services)
                    callers = [asyncio.create_task(load.call()) for _ in range(CALLERS)]
                await life.live(old, new)
                assert [] == load.failures
                old, new = new, old
            load.over = True
            await asyncio.gather(*callers)

            assert {"r1", "r2"} == set(load.answers)
            assert [] == load.failures
            for server, _ in life.servers.pop(old):
                server.stop()

    play(story)
