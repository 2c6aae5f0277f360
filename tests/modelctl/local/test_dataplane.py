"""The real Envoy, brought from one snapshot to the next."""

import asyncio
import http.client
import http.server
import os
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.local.children import Launcher
from modelctl.local.dataplane import Envoy, EnvoyError
from modelctl.local.envoy_config import Endpoints, Health, Host, Snapshot, snapshot
from modelctl.local.events import Journal
from modelctl.local.measure import parse_counters
from modelctl.local.plan import Backend, Lane, Match, Mirror, Rule
from modelctl.local.replica import _free_port
from modelctl.local.state import StateFolder, read_json
from modelctl.local.timing import Timing

STAND_IN = Path(__file__).parent / "stand_in.py"


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
    """Health checks and everything else."""

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
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110 - Envoy has to be asked, it tells nobody
            await asyncio.sleep(0.01)


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
        self.envoy = Envoy(self.folder, self.launcher, self.journal, Timing(drain_limit_s=5))
        self.port = _free_port()

    async def publish(self, rules: tuple[Rule, ...], *services: Endpoints) -> Snapshot:
        """Publish the rules of one model, once every endpoint is in health."""
        wanted = snapshot(self.envoy.folder, services, {"m": rules})
        await self.envoy.publish(wanted)
        return wanted

    async def healthy(self, *ports: int) -> None:
        """Wait until Envoy takes exactly these ports for healthy."""
        await until(lambda: self._healthy(ports))

    async def silent(self) -> bool:
        """Whether Envoy does not answer."""
        return (await self.envoy.view()).silent

    async def answers(self) -> bool:
        """Whether a request through Envoy is answered."""
        try:
            return (await self.ask())[0] == HTTPStatus.OK
        except OSError:
            return False

    async def _healthy(self, ports: tuple[int, ...]) -> bool:
        return (await self.envoy.view()).healthy_ports() == set(ports)

    async def ask(self, path: str = "/v2/models/m", **headers: str) -> tuple[int, str]:
        """One request through Envoy."""
        return await asyncio.to_thread(self._ask, path, headers)

    def _ask(self, path: str, headers: dict[str, str]) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as asked:
            asked.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
            answer = asked.getresponse()
            return answer.status, answer.read().decode()


Story = Callable[[Stage], Awaitable[None]]
Play = Callable[[Story], None]


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run an asynchronous story beside an Envoy, and end that after it."""

    async def whole(story: Story) -> None:
        stage = Stage(tmp_path / "state")
        await stage.envoy.start(stage.port)
        try:
            await story(stage)
        finally:
            await stage.envoy.stop()
        assert [] == read_json(stage.folder.processes)

    return lambda story: asyncio.run(whole(story))


def endpoints(name: str, *servers: Server, draining: bool = False) -> Endpoints:
    """A Service with servers as endpoints."""
    hosts = tuple(Host(server.server_port, draining=draining) for server in servers)
    return Endpoints(name, Health("/v2/health/ready", 2), hosts)


def rule(weights: dict[str, int], *, header: str = "", mirror: str = "") -> Rule:
    """A rule of the model's path."""
    headers = (("x-model-release", header),) if header else ()
    backends = tuple(
        Backend(name, weight, (("x-model-role", f"role-{name}"),))
        for name, weight in weights.items()
    )
    mirrors = (Mirror(mirror, 1_000_000),) if mirror else ()
    return Rule(Match("/v2/models/m", exact=False, headers=headers), backends, mirrors, 10, None)


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
            both = Endpoints(
                "s",
                Health("/v2/health/ready", 2),
                (Host(a.server_port, draining=True), Host(b.server_port)),
            )
            await stage.publish((rule({"s": 1}),), both)
            await stage.healthy(b.server_port)
            drained = asyncio.ensure_future(stage.envoy.drained(a.server_port))
            assert {(200, "b")} == {await stage.ask() for _ in range(10)}
            assert not drained.done()

            a.go_on.set()
            assert (200, "a") == await slow
            await asyncio.wait_for(drained, 3)

    play(story)


def test_dead_endpoint_is_left_out(play: Play) -> None:
    """An endpoint that dies or fails its check is taken out at once, and no request is lost."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            port = _free_port()
            settings = {"MODELSERVER_HOST": "127.0.0.1", "MODELSERVER_PORT": str(port)}
            b = await stage.launcher.start("b", (sys.executable, str(STAND_IN)), settings)
            hosts = Host(a.server_port), Host(port)
            service = Endpoints("s", Health("/v2/health/ready", 2), hosts)
            await stage.publish((rule({"s": 1}),), service)
            await stage.healthy(a.server_port, port)
            b.kill()
            await b.wait()
            stage.launcher.forget(b)
            assert {(200, "a")} == {await stage.ask() for _ in range(20)}
            await stage.healthy(a.server_port)

            a.healthy = False
            await stage.healthy()
            assert (503, True) == _with_reason(await stage.ask(), "no healthy upstream")

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


def test_killed_envoy_comes_back(play: Play) -> None:
    """A killed Envoy is started again and serves what it served."""

    async def story(stage: Stage) -> None:
        with serving("a") as a:
            await stage.publish((rule({"a": 1}),), endpoints("a", a))
            await stage.healthy(a.server_port)
            records = read_json(stage.folder.processes)
            assert isinstance(records, list)
            os.kill(records[0]["pid"], 9)
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
            bad = Rule(Match("/v2/models/m", exact=False, headers=()), (backend,), (), None, None)
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


def test_port_that_is_taken(tmp_path: Path) -> None:
    """An Envoy that cannot start is an error with its own words, and leaves no process."""

    async def story() -> None:
        stage = Stage(tmp_path / "state")
        match = r"Envoy did not start: .*in use"
        with serving("a") as taken, pytest.raises(UsageError, match=match):
            await stage.envoy.start(taken.server_port)
        assert [] == read_json(stage.folder.processes)

    asyncio.run(story())
