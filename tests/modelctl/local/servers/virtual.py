"""An event loop whose clock jumps, and servers that are nothing but their state."""

import asyncio
import selectors
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from modelctl.local.servers.places import PORT


class _Jumping(selectors.DefaultSelector):
    """Instead of waiting it moves the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if not events and timeout is None:
            raise AssertionError("nothing will ever happen again")
        if not events:
            self.now_s += timeout or 0
        return events


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop in which any time passes at once."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Seconds since the loop was made, of which none has really passed."""
        return self._jumping.now_s


@dataclass(eq=False)
class Server:
    """A model server as its engine sees it."""

    name: str
    command: tuple[str, ...] = field(repr=False)
    environment: Mapping[str, str] = field(repr=False)
    pid: int
    started_s: float
    exited: "asyncio.Future[int | None]" = field(repr=False)
    starts_in_s: float = 1.0
    ready: bool = True
    live: bool = True
    hangs: bool = False
    hurt: bool = False
    adopted: bool = False
    leads: bool = True

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return not self.exited.done()

    @property
    def port(self) -> int:
        """Where it answers."""
        return int(self.environment[PORT])

    def die(self, code: int | None) -> None:
        """End."""
        if self.runs:
            self.exited.set_result(code)

    def obituary(self) -> str:
        """How it ended."""
        return f"exit code {self.exited.result()}"

    def terminate(self) -> None:
        """End soon, unless it hangs."""
        if not self.hangs:
            self.exited.get_loop().call_later(0.2, self.die, 0)

    def kill(self) -> None:
        """End at once."""
        self.die(-9)

    async def wait(self) -> int | None:
        """Wait for the end."""
        await asyncio.wait({self.exited})
        return self.exited.result()

    async def end(self, grace_s: float) -> None:
        """End in order, or by force."""
        self.terminate()
        await asyncio.wait({self.exited}, timeout=grace_s)
        self.kill()


@dataclass
class World:
    """Every server there ever was; `make` says how a new one is."""

    loop: asyncio.AbstractEventLoop
    make: Callable[[Server], None] = lambda _: None
    servers: list[Server] = field(default_factory=list)

    @property
    def running(self) -> list[Server]:
        """The servers that run."""
        return [server for server in self.servers if server.runs]

    def ask(
        self, port: int, path: str, timeout_s: float, done: Callable[[str | None], None]
    ) -> Callable[[], None]:
        """Answer a probe as the server on that port would."""
        server = next((s for s in self.running if s.port == port), None)
        if server is not None and server.hangs:
            words = f"no answer within {timeout_s:g} s"
            return self.loop.call_later(timeout_s, done, words).cancel
        return self.loop.call_later(0.001, done, self._fault(server, path)).cancel

    def _fault(self, server: Server | None, path: str) -> str | None:
        if server is None:
            return "Connection refused"
        is_up = self.loop.time() - server.started_s >= server.starts_in_s
        well = {"/started": is_up, "/ready": is_up and server.ready, "/live": server.live}[path]
        return None if well else "status 503"


class FakeLauncher:
    """Starts servers of a world; whatever ran before belongs to an earlier engine."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._left = list(world.running)

    async def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str]
    ) -> Server:
        """A new server."""
        world = self._world
        exited: asyncio.Future[int | None] = world.loop.create_future()
        pid = len(world.servers) + 1000
        now_s = world.loop.time()
        server = Server(name, tuple(command), environment, pid, now_s, exited)
        world.servers.append(server)
        world.make(server)
        return server

    def left(self) -> list[Server]:
        """What an earlier engine left."""
        return [server for server in self._left if server.runs]

    def take(self, server: Server) -> Server:
        """Take one over."""
        self._left.remove(server)
        server.adopted = True
        return server

    def forget(self, _: Server) -> None:
        """Nothing is known of it anyway."""


def replaced(surroundings: Any, **changes: Any) -> None:  # noqa: ANN401
    """Change a frozen value in place."""
    for name, value in changes.items():
        object.__setattr__(surroundings, name, value)
