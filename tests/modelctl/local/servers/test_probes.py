"""Probes as the kubelet asks them, on a clock that jumps."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import pytest

from modelctl.local.plan.values import PodTemplate, Probe
from modelctl.local.servers.probes import Tally, Watch
from tests.modelctl.local.servers.virtual import VirtualLoop

TEMPLATE = PodTemplate(
    (),
    startup=Probe("/started", 2, 2, 5),
    readiness=Probe("/ready", 5, 2, 2, successes=2),
    liveness=Probe("/live", 10, 5, 3),
    grace_s=5,
)


@dataclass
class Play:
    """A watch over a server whose answers are a test's, and what it has told by when."""

    loop: asyncio.AbstractEventLoop
    template: PodTemplate = TEMPLATE
    faults: dict[str, str | None] = field(default_factory=dict)
    asked: list[tuple[float, str]] = field(default_factory=list)
    told: list[tuple[float, str | None]] = field(default_factory=list)
    takes_s: float = 0.0

    def begin(self) -> None:
        """Begin to watch."""
        self.watch = Watch(
            8080,
            self.template,
            self._ask,
            poll_s=0.1,
            started=lambda: self.told.append((self.now_s, "started")),
            readiness=lambda fault: self.told.append((self.now_s, fault)),
        )

    @property
    def now_s(self) -> float:
        """The time, to a tenth."""
        return round(self.loop.time(), 1)

    async def until(self, time_s: float) -> None:
        """Let time pass."""
        await asyncio.sleep(time_s - self.loop.time())

    def times(self, path: str) -> list[float]:
        """When a path was asked."""
        return [time for time, asked in self.asked if asked == path]

    def _ask(
        self, _: int, path: str, _timeout_s: float, done: Callable[[str | None], None]
    ) -> Callable[[], None]:
        self.asked.append((self.now_s, path))
        return self.loop.call_later(self.takes_s, done, self.faults.get(path)).cancel


@pytest.fixture
def loop() -> Iterator[VirtualLoop]:
    """A loop whose clock jumps."""
    found = VirtualLoop()
    yield found
    found.close()


def test_nothing_before_it_has_started(loop: VirtualLoop) -> None:
    """Until the startup probe passes, asked again soon, nothing else is asked."""
    play = Play(loop, faults={"/started": "status 503"})

    async def story() -> None:
        play.begin()
        await play.until(0.25)
        assert ["/started"] * 3 == [path for _, path in play.asked]
        play.faults.clear()
        await play.until(1)
        play.watch.stop()

    loop.run_until_complete(story())
    assert (0.3, "started") == play.told[0]


def test_never_started(loop: VirtualLoop) -> None:
    """The bound of the startup probe is its period times its failures."""
    play = Play(loop, faults={"/started": "status 503"})

    async def story() -> None:
        play.begin()
        await play.until(10)
        assert not play.watch.failed.done()

        assert "not started within 10 s: GET /started: status 503" == await play.watch.failed
        assert 10.1 == play.now_s

    loop.run_until_complete(story())


def test_readiness_quick_at_first_then_at_its_period(loop: VirtualLoop) -> None:
    """Readiness is asked soon until it came first, then at its period, on a clock common to all."""
    play = Play(loop)

    async def story() -> None:
        play.begin()
        await play.until(12)
        play.watch.stop()

    loop.run_until_complete(story())
    assert [(0, "started"), (0.1, None)] == play.told
    assert [0, 0.1, 5.5, 10.5] == play.times("/ready")


def test_readiness_thresholds(loop: VirtualLoop) -> None:
    """A server turns unready after as many failures in a row, and ready after as many successes."""
    play = Play(loop)

    async def story() -> None:
        play.begin()
        await play.until(1)
        play.faults["/ready"] = "status 503"
        await play.until(6)  # one failure at 5.5
        play.faults.clear()
        await play.until(11)  # a success at 10.5: the failures begin anew
        play.faults["/ready"] = "status 503"
        await play.until(25)
        play.faults.clear()
        await play.until(60)
        play.watch.stop()

    loop.run_until_complete(story())
    unready = "not ready: GET /ready: status 503"
    assert [(0, "started"), (0.1, None), (20.5, unready), (30.5, None)] == play.told


def test_liveness(loop: VirtualLoop) -> None:
    """A server has to be ended after as many failures of its liveness in a row."""
    play = Play(loop, faults={"/live": "no answer within 5 s"})

    async def story() -> None:
        play.begin()
        await play.until(25)
        play.faults.clear()
        await play.until(35)
        play.faults["/live"] = "no answer within 5 s"

        assert "not alive: GET /live: no answer within 5 s" == await play.watch.failed

    loop.run_until_complete(story())
    assert [10, 20, 30, 40, 50, 60] == play.times("/live")


def test_period_is_from_question_to_question(loop: VirtualLoop) -> None:
    """A slow answer delays nothing, and one that takes longer than the period is waited for."""
    play = Play(loop, replace(TEMPLATE, startup=None, liveness=None), takes_s=3)

    async def story() -> None:
        play.begin()
        await play.until(17)
        play.takes_s = 7
        await play.until(40)
        play.watch.stop()

    loop.run_until_complete(story())
    assert [0, 3, 8, 13, 18, 25, 32, 39] == play.times("/ready")


def test_without_probes(loop: VirtualLoop) -> None:
    """A server without probes is ready at once, and nothing is ever asked."""
    play = Play(loop, PodTemplate((), None, None, None, 5))

    async def story() -> None:
        play.begin()
        await play.until(100)
        play.watch.stop()

    loop.run_until_complete(story())
    assert [(0, "started"), (0, None)] == play.told
    assert [] == play.asked


def test_stopped_watch(loop: VirtualLoop) -> None:
    """A watch that was stopped asks and tells nothing more, not even of what it has asked."""
    play = Play(loop, takes_s=1)

    async def story() -> None:
        play.begin()
        await play.until(0.5)
        play.watch.stop()
        await play.until(100)

    loop.run_until_complete(story())
    assert [(0, "/started")] == play.asked
    assert [] == play.told


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [("fft", "-F-"), ("ftf", "---"), ("tt", "-T"), ("ttff", "-T-F"), ("fff", "-FF")],
)
def test_tally(outcomes: str, expected: str) -> None:
    """An outcome holds once it came often enough in a row."""
    tally = Tally(Probe("/", 1, 1, failures=2, successes=2))

    found = (outcome.upper() if tally.note(passed=outcome == "t") else "-" for outcome in outcomes)

    assert expected == "".join(found)
