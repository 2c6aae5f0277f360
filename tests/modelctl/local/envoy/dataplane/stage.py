"""A real Envoy in front of servers that a test plays with."""

import asyncio
import http.client
import http.server
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

from modelctl.gateway.values import Backend, Gateway, HeaderMatch, Match, Mirror, Route, RouteRule
from modelctl.local.envoy.dataplane import Envoy
from modelctl.local.envoy.resources import Standing
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.journal import Journal
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Published
from modelctl.local.servers.children import Launcher
from modelctl.local.servers.ports import free_port
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing
from waiting import PATIENCE_S, until_seen

PATH = "/v2/models/m"
STAND_IN = Path(__file__).parents[2] / "stand_in.py"


class Server(http.server.ThreadingHTTPServer):
    """A server that answers with its name and keeps the headers that it was sent."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.name = name
        self.heard: list[dict[str, str]] = []
        self.go_on = threading.Event()
        self.go_on.set()
        self.healthy = True


class Handler(http.server.BaseHTTPRequestHandler):
    """ActiveCheck checks and everything else."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        """Answer with the server's name, as soon as it may go on."""
        checked = self.path == "/v2/health/ready"
        if not checked:
            self.server.heard.append({k.lower(): v for k, v in self.headers.items()})
            self.server.go_on.wait()
        body = self.server.name.encode()
        self.send_response(200 if self.server.healthy or not checked else 503)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(name: str) -> Iterator[Server]:
    """A server on a port of its own."""
    with Server(name) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.go_on.set()
            server.shutdown()
            thread.join()


async def until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait until something holds."""
    await until_seen(holds)


async def heard(server: Server, requests: int) -> None:
    """Wait until a server has heard so many requests."""

    async def enough() -> bool:
        return len(server.heard) >= requests

    await until(enough)


class Stage:
    """A running Envoy with helpers to publish and ask."""

    def __init__(self, root: Path) -> None:
        self.folder = StateFolder(root)
        self.folder.create()
        self.journal = Journal()
        self.launcher = Launcher(self.folder, lambda words: self.journal.add("", "error", words))
        self.envoy = Envoy(self.folder, self.launcher, self.journal, Timing(drain_limit_s=600))
        self.port = free_port()

    def made(
        self,
        rules: tuple[RouteRule, ...],
        *services: Endpoints,
        gateway: Gateway | None = None,
        split: int = 1,
    ) -> Snapshot:
        """The resources for the rules of one model."""
        published = {"m": Published((Route("models", "m", (), rules),) if rules else (), (), split)}
        return snapshot(self.envoy.folder, Wanted(self.port, published, services, gateway))

    async def publish(
        self,
        rules: tuple[RouteRule, ...],
        *services: Endpoints,
        gateway: Gateway | None = None,
        split: int = 1,
    ) -> Snapshot:
        """Bring Envoy to the rules of one model, which it has to take."""
        made = self.made(rules, *services, gateway=gateway, split=split)
        assert Standing.TAKEN is await self.bring(made)
        return made

    async def bring(self, made: Snapshot) -> Standing:
        """Bring Envoy to resources; what it says in the end."""
        return await self.envoy.bring(made, limit_s=PATIENCE_S)

    def pid(self) -> int:
        """The process that Envoy is."""
        assert self.envoy._process._child is not None
        return self.envoy._process._child.pid

    async def silent(self) -> bool:
        """Whether Envoy does not answer."""
        return await self.envoy.counters() is None

    async def answers(self) -> bool:
        """Whether a request through Envoy is answered."""
        try:
            return (await self.ask())[0] == HTTPStatus.OK
        except OSError:
            return False

    async def ask(self, path: str = PATH, **headers: str) -> tuple[int, str]:
        """One request through Envoy."""
        return await asyncio.to_thread(self._ask, path, headers)

    def _ask(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        ) as asked:
            asked.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = asked.getresponse()
            return answer.status, answer.read().decode()


Story = Callable[[Stage], Awaitable[None]]


Play = Callable[[Story], None]


def host(server: Server, *, ready: bool = True) -> Host:
    """A server as an endpoint, which takes copies on the same port."""
    return Host(server.server_port, server.server_port, ready)


def endpoints(name: str, *servers: Server) -> Endpoints:
    """A Service with servers as endpoints."""
    return Endpoints(name, tuple(map(host, servers)))


def rule(weights: dict[str, int], *, header: str = "", mirror: str = "") -> RouteRule:
    """A rule of the model's path."""
    headers = (HeaderMatch("x-model-release", header),) if header else ()
    return RouteRule(
        header or "shared",
        (Match(PATH, headers=headers),),
        tuple(Backend(name, 80, weight) for name, weight in weights.items()),
        (Mirror(mirror, 82, 1_000_000),) if mirror else (),
        headers=(("x-model-role", "direct" if header else "shared"),),
        timeout_s=10,
    )


def former_rule(weights: dict[str, int]) -> RouteRule:
    """A rule of the platform's first template, with a header for each backend."""
    backends = tuple(
        Backend(name, 80, weight, (("x-model-role", f"role-{name}"),))
        for name, weight in weights.items()
    )
    return RouteRule("0", (Match(PATH),), backends, timeout_s=10)
