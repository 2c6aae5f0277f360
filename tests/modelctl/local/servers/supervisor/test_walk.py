"""Random walks of the supervisor against what must hold, on a clock that jumps.

A walk scales, changes and removes Deployments, breaks and repairs templates, kills, hangs and mends
servers, and replaces the engine by another one, in any order. After each step what runs is compared
with an oracle.
"""

import asyncio
import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import mkdtemp

import hypothesis.strategies as st
import pytest
from hypothesis import Phase as Phases
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelctl.local.plan.values import PodTemplate, Probe, Workload
from modelctl.local.servers.replica import Phase, Surroundings
from modelctl.local.servers.starts import Starts
from modelctl.local.servers.supervisor import Supervisor
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing
from tests.modelctl.local.servers.virtual import FakeLauncher, Server, VirtualLoop, World

COMMAND = (sys.executable, "-m", "modelserver")
NAMES = ("a-r1", "b-r1")
TIMING = Timing()
TEMPLATE = PodTemplate(
    (),
    startup=Probe("/started", 2, 2, 20),
    readiness=Probe("/ready", 5, 2, 2),
    liveness=Probe("/live", 10, 5, 3),
    grace_s=5,
)
# Far beyond every period and wait: a hung server has been restarted, a crash loop was tried again.
LONG_S = 400.0


def workload(name: str, version: str, replicas: int) -> Workload:
    """A Deployment; what its version says is what its servers do."""
    environment = (("MODELSERVER_MODEL", name[0]), ("MODELSERVER_VERSION", version))
    template = replace(TEMPLATE, environment=environment)
    return Workload(name, name[0], "r1", replicas, template, (name,))


def make(server: Server) -> None:
    """A new server is as its version says."""
    version = server.environment["MODELSERVER_VERSION"]
    if version == "ends":
        server.exited.get_loop().call_later(0.3, server.die, 1)
    if version == "never":
        server.starts_in_s = math.inf
    if version == "taken" and server.pid % 3:
        server.exited.get_loop().call_later(0.1, server.die, 71)


class Walk(RuleBasedStateMachine):
    """The steps, and what holds after each."""

    @initialize()
    def begin(self) -> None:
        """Nothing runs, and nothing is wanted."""
        self.loop = VirtualLoop()
        self.world = World(self.loop, make)
        self.folder = StateFolder(Path(mkdtemp()))
        self.wanted: dict[str, Workload] = {}
        self.floor = dict.fromkeys(NAMES, 0)
        self.least: dict[str, int] = {}
        self.do(self._engine())

    def do(self, story: "asyncio.Future[None] | object") -> None:
        """Run something on the loop."""
        self.loop.run_until_complete(story)  # type: ignore[arg-type]

    async def _engine(self) -> None:
        async def drained(_: int) -> None:
            await asyncio.sleep(0.5)

        self.changes = asyncio.Event()
        self.supervisor = Supervisor(
            Surroundings(
                folder=self.folder,
                launcher=FakeLauncher(self.world),  # type: ignore[arg-type]
                command=COMMAND,
                timing=TIMING,
                drained=drained,
                changed=self._changed,
                report=lambda *_: None,
                ask=self.world.ask,
                starts=Starts(2),
            )
        )

    def _changed(self) -> None:
        """What the engine does whenever something changed, a little later."""
        if not self.supervisor.adopting:
            for name in NAMES:
                self.least[name] = min(self.least.get(name, 99), self.ready(name))
        self.changes.set()

    async def _pass(self, seconds: float) -> None:
        """Let time pass, with an engine that looks after every change and each second."""
        end = self.loop.time() + seconds
        while True:
            self.supervisor.apply(self.wanted)
            await asyncio.sleep(0.01)
            if self.loop.time() >= end:
                break
            self.changes.clear()
            try:
                async with asyncio.timeout(min(1.0, end - self.loop.time())):
                    await self.changes.wait()
            except TimeoutError:
                pass

    def ready(self, name: str) -> int:
        """The ready endpoints of a Deployment, as Envoy is told."""
        return sum(
            host.ready
            for service in self.supervisor.endpoints()
            if service.service == name
            for host in service.hosts
        )

    def spared(self, name: str, count: int = 1) -> None:
        """A fault takes a ready server away: that many fewer may be ready."""
        self.floor[name] = max(0, self.floor[name] - count)

    @rule(
        name=st.sampled_from(NAMES),
        version=st.sampled_from(["good", "other", "ends", "never", "taken"]),
        replicas=st.integers(0, 3),
    )
    def want(self, name: str, version: str, replicas: int) -> None:
        """Change a Deployment, or begin one."""
        self.wanted[name] = workload(name, version, replicas)
        self.floor[name] = min(self.floor[name], replicas)
        self.do(self._pass(0.1))

    @rule(name=st.sampled_from(NAMES))
    def remove(self, name: str) -> None:
        """Remove a Deployment."""
        self.wanted.pop(name, None)
        self.floor[name] = 0
        self.do(self._pass(0.1))

    @rule(seconds=st.sampled_from([0.2, 1.0, 3.0, 20.0, 100.0]))
    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.do(self._pass(seconds))

    @precondition(lambda self: self.world.running)
    @rule(number=st.integers(0, 5), fault=st.sampled_from(["kill", "hang", "unready", "dead"]))
    def hurt(self, number: int, fault: str) -> None:
        """Do something to a server."""
        server = self.world.running[number % len(self.world.running)]
        self.spared(server.name[:-2])
        server.hurt = True
        if fault == "kill":
            server.die(-9)
        server.hangs |= fault == "hang"
        server.ready &= fault != "unready"
        server.live &= fault != "dead"
        self.do(self._pass(0.1))

    @rule()
    def mend(self) -> None:
        """All is well again with the servers that run."""
        for server in self.world.running:
            server.hangs, server.ready, server.live = False, True, True
        self.do(self._pass(0.1))

    @rule(dies=st.sampled_from([None, "a-r1", "b-r1"]), forgets=st.booleans())
    def another_engine(self, dies: str | None, forgets: bool) -> None:  # noqa: FBT001
        """The engine goes and leaves its servers; some die meanwhile, some are not wanted then."""
        self.do(self.supervisor.leave())
        if dies is not None:
            for server in self.world.running:
                if server.name.startswith(dies):
                    server.die(None)
                    self.spared(dies)
        if forgets:
            self.wanted.pop("b-r1", None)
            self.floor["b-r1"] = 0
        before = len(self.world.servers)
        well = {s for s in self.world.running if s.name[:-2] in self.wanted and not s.hangs}
        self.do(self._engine())
        self.do(self._take_over())
        lost = [s for s in well if not s.runs and s.environment["MODELSERVER_VERSION"] == "good"]
        same = {name for name, w in self.wanted.items() if "good" in str(w.template)}
        surplus = [s for s in lost if s.name[:-2] in same and self._short(s.name[:-2])]
        assert [] == surplus, (before, surplus)

    def _short(self, name: str) -> bool:
        """Whether fewer servers of a Deployment run than are wanted."""
        running = [s for s in self.world.running if s.name.startswith(name)]
        return len(running) < self.wanted[name].replicas

    async def _take_over(self) -> None:
        self.supervisor.apply(self.wanted)
        self.supervisor.settle()
        while self.supervisor.adopting:
            await self._pass(0.001)
        self.least.clear()
        await self._pass(0.1)

    @invariant()
    def never_fewer_ready_than_allowed(self) -> None:
        """Without a fault, what was ready and is still wanted stays ready, whatever changes."""
        for name in NAMES:
            found = min(self.least.get(name, 99), self.ready(name))
            assert found >= self.floor[name], (name, found, self.floor[name])
            self._raise_floor(name)
        self.least.clear()

    def _raise_floor(self, name: str) -> None:
        """What is ready now has to stay, but for what a fault may yet take away."""
        group, wanted = self.supervisor.groups.get(name), self.wanted.get(name)
        if group is None or wanted is None:
            return
        servers = [r.child for r in group.active if r.phase is Phase.READY]
        sound = sum(not getattr(server, "hurt", True) for server in servers)
        if sound < len(servers):  # of several ready ones the engine cannot tell which is sound
            self.floor[name] = min(self.floor[name], sound)
        else:
            self.floor[name] = max(self.floor[name], min(sound, wanted.replicas))

    @invariant()
    def nothing_runs_that_nobody_knows(self) -> None:
        """Every process is a replica's, or is being ended."""
        known = {
            id(replica.child)
            for group in self.supervisor.groups.values()
            for replica in group.replicas
        }
        unknown = [server for server in self.world.running if id(server) not in known]
        assert len(unknown) <= len(self.supervisor._ending), unknown

    @invariant()
    def restarts_are_bounded(self) -> None:
        """A server that fails again and again is tried ever more slowly."""
        for group in self.supervisor.groups.values():
            for replica in group.replicas:
                age_s = self.loop.time()
                bound = 40 + age_s / TIMING.backoff_limit_s
                assert replica.restarts <= bound, (replica.name, replica.restarts)

    @rule()
    def settle_down(self) -> None:
        """Once nothing hurts any more, exactly what is wanted runs, and all of it that can."""
        self.mend()
        self.do(self._pass(LONG_S))
        for server in self.world.running:
            server.hurt = False
        for name in NAMES:
            servers = [s for s in self.world.running if s.name.startswith(name)]
            wanted = self.wanted.get(name)
            if wanted is None or not wanted.replicas:
                assert [] == servers
            elif "good" in str(wanted.template) or "other" in str(wanted.template):
                assert wanted.replicas == len(servers) == self.ready(name)
                assert {dict(wanted.template.environment)["MODELSERVER_VERSION"]} == {
                    s.environment["MODELSERVER_VERSION"] for s in servers
                }

    def teardown(self) -> None:
        """An orderly end leaves nothing running."""
        self.do(self.supervisor.stop())
        assert [] == self.world.running
        assert all(
            replica.phase is Phase.GONE
            for group in self.supervisor.groups.values()
            for replica in group.replicas
        )
        self.loop.close()


class TestWalk(Walk.TestCase):  # type: ignore[name-defined, misc]
    """The walk, as a test."""

    settings = settings(
        max_examples=60,
        stateful_step_count=30,
        deadline=None,
        phases=(Phases.explicit, Phases.reuse, Phases.generate),
    )


def starts_by(time_s: float) -> float:
    """How often a server that fails at once may have been started by then, at the most."""
    return 2 + math.log2(1 + time_s / TIMING.retry_s) + time_s / TIMING.backoff_limit_s


@pytest.fixture
def walk() -> Iterator[Walk]:
    """A walk that a test takes by hand."""
    found = Walk()
    found.begin()
    yield found
    found.teardown()


@pytest.mark.parametrize("time_s", [1, 10, 100, 1000])
def test_starts_of_a_crash_loop(walk: Walk, time_s: float) -> None:
    """A server that ends at once is started ever more seldom."""
    walk.wanted["a-r1"] = workload("a-r1", "ends", 1)

    walk.do(walk._pass(time_s))

    assert len(walk.world.servers) <= starts_by(time_s)


def test_crash_loops_keep_nobody_from_starting(walk: Walk) -> None:
    """Beside many servers that hang or fail, others start at once."""
    for number in range(40):
        name = f"{'xy'[number % 2]}{number}-r1"
        walk.wanted[name] = workload(name, ("ends", "never")[number % 2], 1)
    walk.do(walk._pass(120))
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)

    walk.do(walk._pass(15))

    assert 1 == walk.ready("a-r1")


def test_those_with_traffic_start_first(walk: Walk) -> None:
    """Of two hundred that are wanted at once, those that are to get requests are ready first."""
    wanted = {f"a{n}-r1": workload(f"a{n}-r1", "good", 1) for n in range(200)}

    async def story() -> list[str]:
        walk.supervisor.apply(wanted)
        await asyncio.sleep(5)
        walk.supervisor.apply(wanted, urgent={"a199-r1", "a198-r1"})
        await asyncio.sleep(4)
        return [s.name for s in walk.world.servers]

    task = walk.loop.create_task(story())
    walk.do(task)

    assert len(task.result()) < 30
    assert {"a198-r1-1", "a199-r1-1"} <= set(task.result())


def test_startup_bound_is_from_the_start(walk: Walk) -> None:
    """Waiting for its turn costs a server nothing of its time to start."""
    walk.world.make = lambda server: setattr(server, "starts_in_s", 9.0)
    wanted = {f"a{n}-r1": workload(f"a{n}-r1", "good", 1) for n in range(20)}
    walk.wanted.update(wanted)

    walk.do(walk._pass(120))

    replicas = [r for g in walk.supervisor.groups.values() for r in g.replicas]
    assert {(Phase.READY, 0)} == {(r.phase, r.restarts) for r in replicas}


def test_taken_port_is_no_failure(walk: Walk) -> None:
    """A server that finds its port taken starts at once on another one, without a restart."""
    walk.world.make = lambda server: server.die(71) if server.pid < 1003 else None
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)

    walk.do(walk._pass(2))

    (replica,) = walk.supervisor.groups["a-r1"].replicas
    assert (Phase.READY, 0) == (replica.phase, replica.restarts)
    ports = [server.port for server in walk.world.servers]
    assert [True] * 3 == [port != following for port, following in pairwise(ports)]


def test_ports_that_are_always_taken(walk: Walk) -> None:
    """Where no port helps it is a failure like others, tried ever more seldom."""
    walk.world.make = lambda server: server.die(71)
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)

    walk.do(walk._pass(100))

    (replica,) = walk.supervisor.groups["a-r1"].replicas
    assert "exit code 71" == replica.reason
    assert len(walk.world.servers) <= 5 + starts_by(100)


def test_hung_server(walk: Walk) -> None:
    """A server that hangs becomes unready by its readiness probe, and is restarted by the other."""
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)
    walk.do(walk._pass(10))
    walk.world.servers[0].hangs = True

    walk.do(walk._pass(13))  # two periods and an answer that does not come
    (replica,) = walk.supervisor.groups["a-r1"].replicas
    assert Phase.UNREADY is replica.phase
    assert "GET /ready: no answer within 2 s" in replica.reason

    walk.do(walk._pass(40))
    assert (Phase.READY, 1) == (replica.phase, replica.restarts)
    assert not walk.world.servers[0].runs


def test_older_servers_serve_until_newer_ones_are_ready(walk: Walk) -> None:
    """What an earlier engine started from another template is replaced like an older one."""
    walk.wanted["a-r1"] = workload("a-r1", "good", 2)
    walk.do(walk._pass(10))
    walk.do(walk.supervisor.leave())
    walk.do(walk._engine())
    walk.wanted["a-r1"] = workload("a-r1", "other", 2)

    walk.do(walk._take_over())
    assert 2 == walk.ready("a-r1")
    walk.do(walk._pass(20))

    assert {"other"} == {s.environment["MODELSERVER_VERSION"] for s in walk.world.running}
    assert walk.least["a-r1"] >= 2


def test_taken_over_and_ended_at_once(walk: Walk) -> None:
    """A server that is taken over only to be ended, by a scale of 0 say, is ended all the same."""
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)
    walk.do(walk._pass(10))
    walk.do(walk.supervisor.leave())
    walk.do(walk._engine())
    walk.wanted["a-r1"] = workload("a-r1", "good", 0)

    walk.do(walk._pass(10))

    assert [] == walk.world.running


def test_a_server_that_nobody_wants_stays_until_that_is_known(walk: Walk) -> None:
    """What was left is ended only when everything that is wanted is known."""
    walk.wanted["a-r1"] = workload("a-r1", "good", 1)
    walk.do(walk._pass(10))
    walk.do(walk.supervisor.leave())
    walk.do(walk._engine())
    walk.wanted.clear()
    walk.do(walk._pass(100))
    assert 1 == len(walk.world.running)

    async def settle() -> None:
        walk.supervisor.settle()
        await asyncio.sleep(5)

    walk.do(settle())
    assert [] == walk.world.running
