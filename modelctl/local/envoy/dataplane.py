"""Envoy as the engine uses it: it is given resources, says which of them it has, and counts.

Clusters come first, then routes; a cluster that no route names any more goes last. What Envoy has
not said yes or no to is neither: newer resources may be written at any time.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from urllib.parse import quote

from modelctl.atomic import write_atomically
from modelctl.errors import UsageError
from modelctl.local.envoy import folder
from modelctl.local.envoy.listener import bootstrap
from modelctl.local.envoy.policies import Json
from modelctl.local.envoy.process import DRAIN_S, EnvoyProcess
from modelctl.local.envoy.resources import Resource, Standing
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.journal import Journal
from modelctl.local.servers.children import Launcher
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing

# Between two looks at whether Envoy has a resource; doubled from look to look.
_POLL_S = 0.002
_POLL_LIMIT_S = 0.05
# Names of Envoy's statistics: clusters it does not use yet, requests and connections it has.
_WARMING = "cluster_manager.warming_clusters"
_REQUESTS = "http.models.downstream_rq_active"
_CONNECTIONS = "http.models.downstream_cx_active"
# A caller that goes on asking has its connection closed with its next answer; one that is silent
# this long, look after look, is not waiting for any.
_QUIET_S = 0.05
_QUIET_LOOKS = 6
# The statistics that shares, error rates and latencies are made of.
_COUNTERS = r"\.zone\..*\.upstream_rq_(completed|4xx|5xx|time)$"


class Envoy:
    """The data plane: files in a folder, and the process that watches them."""

    def __init__(
        self, state: StateFolder, launcher: Launcher, journal: Journal, timing: Timing
    ) -> None:
        self.folder = folder.files_of(state)
        self.port = 0
        self.ports: frozenset[int] = frozenset()  # those that get requests by what Envoy has
        self.silent = False
        self.adopted = False  # it runs since before this engine, and has routes of an earlier one
        self._setup = json.dumps(bootstrap(self.folder)).encode()
        self._timing = timing
        self._process = EnvoyProcess(self.folder, self._setup, launcher, journal)
        self._process.begun = self._begun
        self._stopping = False
        self._taken = asyncio.Event()
        self._make_resources()

    async def start(self, port: int) -> None:
        """Start Envoy on `port`; until git is read it answers that.

        Raises:
            UsageError: It does not come up.
            OSError: Its files cannot be written.
        """
        self.port = port
        folder.remove(self.folder)
        folder.make(self.folder)
        self._make_resources()
        write_atomically(self.folder / "bootstrap.json", self._setup)
        first = snapshot(self.folder, Wanted(port))
        self._listeners.write(first.listeners)
        self._clusters.write(first.clusters)
        self._routes.write((first.routes,))
        try:
            await self._process.start(port)
        except UsageError:
            folder.remove(self.folder)
            raise

    def adopt(self, port: int) -> bool:
        """Take over the Envoy of an earlier engine, with the routes that it has.

        For a `port` of 0 it keeps its own. Gives whether there is one.
        """
        self._make_resources()
        if not self._process.adopt(usable=bool(self._listeners.resources)):
            return False
        address = self._listeners.resources[0]["address"]["socket_address"]
        self.port = self._process.port = port or address["port_value"]
        self.adopted = True
        self.ports = frozenset(_ports(self._clusters.resources))
        return True

    async def leave(self) -> None:
        """Let Envoy run on, for the next engine to take over."""
        self._stopping = True
        self._taken.set()
        await self._process.leave()

    async def bring(self, to: Snapshot, *, limit_s: float) -> Standing:
        """Bring Envoy to resources, as far as it goes within `limit_s`; gives how far that is.

        Raises:
            OSError: A file cannot be written.
        """
        deadline, wait_s = _now() + limit_s, _POLL_S
        while (standing := self._advance(to, await self._said())) is Standing.UNKNOWN:
            if _now() > deadline:
                break
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _POLL_LIMIT_S)
        return standing

    def last_words(self) -> str:
        """What Envoy has said last."""
        return self._process.last_words()

    async def counters(self) -> bytes | None:
        """The counters and latency histograms by zone; None without an answer."""
        query = f"format=json&histogram_buckets=cumulative&filter={quote(_COUNTERS)}"
        return await self._process.page(f"/stats?{query}")

    async def drained(self, port: int) -> None:
        """Wait until Envoy routes nothing new to a port; for a bounded time.

        What is in flight to it, its server finishes by itself.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.drain_limit_s):
                while port in self.ports and not self._stopping:
                    self._taken.clear()
                    await self._taken.wait()

    async def stop(self) -> None:
        """Refuse new connections, let requests in flight end, then end the process."""
        self._stopping = True
        self._taken.set()
        with suppress(OSError):  # a full disk must not keep Envoy alive
            self._listeners.write(())
        deadline, quiet = _now() + DRAIN_S, 0
        while _now() < deadline and quiet < _QUIET_LOOKS:
            stats = await self._stats(_REQUESTS, _CONNECTIONS) or {}
            if stats.get(_CONNECTIONS, "0") == "0":
                break
            quiet = quiet + 1 if stats.get(_REQUESTS) == "0" else 0
            await asyncio.sleep(_QUIET_S)
        await self._process.stop()
        folder.remove(self.folder)

    def _advance(self, to: Snapshot, said: Mapping[str, str] | None) -> Standing:
        """Write what may be written by now; gives what Envoy has said of everything together."""
        self.silent = said is None
        said = said or {}
        routed = self._routes.holds((to.routes,)) and self._routes.is_taken(said)
        self._listeners.write(to.listeners)
        self._clusters.write(to.clusters if routed else self._with_named(to))
        if self.silent:
            return Standing.UNKNOWN
        standing = self._clusters.standing(said)
        if standing is not Standing.TAKEN:
            return standing
        if said.get(_WARMING) != "0":
            return Standing.UNKNOWN
        self._routes.write((to.routes,))
        standing = self._routes.standing(said)
        if standing is not Standing.TAKEN or not self._clusters.holds(to.clusters):
            return standing if standing is Standing.REFUSED else Standing.UNKNOWN
        self.ports, self.adopted = to.ports, False
        self._taken.set()
        return self._listeners.standing(said)

    def _with_named(self, to: Snapshot) -> tuple[Json, ...]:
        """The clusters, with those that routes may still name."""
        new = {cluster["name"] for cluster in to.clusters}
        return (*to.clusters, *(c for c in self._clusters.resources if c["name"] not in new))

    async def _said(self) -> dict[str, str] | None:
        resources = (self._listeners, self._clusters, self._routes)
        return await self._stats(_WARMING, *(name for each in resources for name in each.names))

    async def _stats(self, *names: str) -> dict[str, str] | None:
        """The values of some statistics by name, those that Envoy knows; None without an answer."""
        pattern = "^(" + "|".join(name.replace(".", r"\.") for name in names) + ")$"
        page = await self._process.page(f"/stats?filter={quote(pattern)}")
        if page is None:
            return None
        lines = (line.partition(": ") for line in page.decode(errors="replace").splitlines())
        return {name: value for name, _, value in lines}

    def _make_resources(self) -> None:
        self._listeners = Resource(self.folder / "listeners.json", "listener_manager.lds")
        self._clusters = Resource(self.folder / "clusters.json", "cluster_manager.cds")
        self._routes = Resource(self.folder / "routes.json", "http.models.rds.models")

    def _begun(self) -> None:
        for each in (self._listeners, self._clusters, self._routes):
            each.forget_refusals()


def _ports(clusters: Sequence[Json]) -> Iterator[int]:
    """The ports of endpoints that are ready."""
    for cluster in clusters:
        for locality in cluster["load_assignment"]["endpoints"]:
            for endpoint in locality["lb_endpoints"]:
                if endpoint["health_status"] != "DRAINING":
                    yield endpoint["endpoint"]["address"]["socket_address"]["port_value"]


def _now() -> float:
    return asyncio.get_running_loop().time()
