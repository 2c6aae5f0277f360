"""Envoy as the engine uses it: give it resources, see its endpoints, read its counters."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from modelctl.atomic import write_atomically
from modelctl.local.envoy.bootstrap import bootstrap, listener
from modelctl.local.envoy.config import ENDPOINTS, Json, Snapshot, snapshot
from modelctl.local.envoy.process import DRAIN_S, EnvoyProcess
from modelctl.local.envoy.view import View, parse_view
from modelctl.local.journal import Journal
from modelctl.local.servers.children import Launcher
from modelctl.local.state import StateFolder
from modelctl.local.timing import Timing

_APPLY_LIMIT_S = 3.0  # for Envoy to confirm a resource
_POLL_S = 0.003  # between two looks at whether it has
# By resource, where Envoy's statistics about it begin.
_SUBSCRIPTIONS = {"clusters": "cluster_manager.cds", "routes": "http.models.rds.models"}
# Names of Envoy's statistics: clusters it does not use yet, requests and connections it has.
_WARMING = "cluster_manager.warming_clusters"
_REQUESTS = "http.models.downstream_rq_active"
_CONNECTIONS = "http.models.downstream_cx_active"
# A caller that goes on asking has its connection closed with its next answer; one that is silent
# this long, look after look, is not waiting for any.
_QUIET_S = 0.05
_QUIET_LOOKS = 6
# The statistics that shares, error rates and latencies are made of.
_COUNTERS = r"^cluster\..*\.upstream_rq_(completed|5xx|time)$"


class EnvoyError(Exception):
    """Envoy has not taken a change; what it had stays in force."""


@dataclass(frozen=True, slots=True)
class _File:
    """A resource file: its text, and the version in it that Envoy repeats once it is applied."""

    version: str
    content: bytes


class Envoy:
    """The data plane: files in a folder, and the process that watches them."""

    def __init__(
        self, state: StateFolder, launcher: Launcher, journal: Journal, timing: Timing
    ) -> None:
        self.folder = state.envoy
        self._timing = timing
        self._process = EnvoyProcess(state.envoy, launcher, journal)
        self._stopping = False
        self._files: dict[str, _File] = {}
        self._unconfirmed: dict[str, _File] = {}
        self._refused: dict[str, _File] = {}

    async def start(self, port: int) -> None:
        """Start Envoy on `port` with no routes.

        Raises:
            UsageError: It does not come up.
            OSError: Its files cannot be written.
        """
        for stale in self.folder.iterdir():
            stale.unlink()
        self._write("listeners", _file([listener(self.folder, port)]))
        self._write("clusters", _file([]))
        self._write("routes", _file([snapshot(self.folder, (), {}).routes]))
        setup = json.dumps(bootstrap(self.folder)).encode()
        write_atomically(self.folder / "bootstrap.json", setup)
        await self._process.start()

    async def publish(self, wanted: Snapshot) -> None:
        """Bring Envoy to `wanted`: endpoints, then clusters, then routes, each once confirmed.

        Raises:
            EnvoyError: Envoy refuses a resource, or does not confirm it in time.
            OSError: A file cannot be written.
        """
        for cluster, assignment in wanted.endpoints.items():
            self._write(ENDPOINTS + cluster, _file([assignment]))
        await self._apply("clusters", _file(wanted.clusters))
        await self._apply("routes", _file([wanted.routes]))
        known = {ENDPOINTS + cluster for cluster in wanted.endpoints}
        for name in [n for n in self._files if n.startswith(ENDPOINTS) and n not in known]:
            del self._files[name]
            (self.folder / f"{name}.json").unlink(missing_ok=True)

    async def view(self) -> View:
        """The endpoints as Envoy sees them; a silent view while it does not answer."""
        page = await self._process.page("/clusters?format=json")
        try:
            return View(silent=True) if page is None else parse_view(page)
        except (ValueError, KeyError):
            return View(silent=True)

    async def counters(self) -> bytes | None:
        """The counters and latency histograms of every cluster; None without an answer."""
        query = f"format=json&histogram_buckets=cumulative&filter={quote(_COUNTERS)}"
        return await self._process.page(f"/stats?{query}")

    async def drained(self, port: int) -> None:
        """Wait until nothing is in flight to a port, nor will be; for a bounded time."""
        deadline = _now() + self._timing.drain_limit_s
        while not self._stopping and _now() < deadline:
            if (await self.view()).drained(port):
                break
            await asyncio.sleep(self._timing.hurry_s)

    async def stop(self) -> None:
        """Refuse new connections, let requests in flight end, then end the process."""
        self._stopping = True
        with contextlib.suppress(OSError):  # a full disk must not keep Envoy alive
            self._write("listeners", _file([]))
        deadline, quiet = _now() + DRAIN_S, 0
        while _now() < deadline and quiet < _QUIET_LOOKS:
            stats = await self._stats(_REQUESTS, _CONNECTIONS)
            if stats.get(_CONNECTIONS, "0") == "0":
                break
            quiet = quiet + 1 if stats[_REQUESTS] == "0" else 0
            await asyncio.sleep(_QUIET_S)
        await self._process.stop()

    async def _apply(self, name: str, file: _File) -> None:
        """Write a resource and wait until Envoy repeats its version."""
        if file == self._refused.get(name):
            raise EnvoyError(f"Envoy refused the new {name}: {self._process.last_words()}")
        before = self._files[name]
        if file == before and name not in self._unconfirmed:
            return
        rejected = f"{_SUBSCRIPTIONS[name]}.update_rejected"
        refusals = (await self._stats(rejected)).get(rejected)
        if self._write(name, file):
            self._unconfirmed[name] = file
        deadline = _now() + _APPLY_LIMIT_S
        while not await self._confirmed(name, file.version):
            now_refused = (await self._stats(rejected)).get(rejected)
            if now_refused not in {None, refusals}:
                self._refused[name] = file
                self._write(name, before)
                raise EnvoyError(f"Envoy refused the new {name}: {self._process.last_words()}")
            if _now() > deadline:
                raise EnvoyError(f"Envoy has not confirmed the new {name} in {_APPLY_LIMIT_S} s")
            await asyncio.sleep(_POLL_S)
        del self._unconfirmed[name]

    async def _confirmed(self, name: str, version: str) -> bool:
        repeated = f"{_SUBSCRIPTIONS[name]}.version_text"
        stats = await self._stats(repeated, _WARMING)
        return stats.get(repeated) == f'"{version}"' and stats.get(_WARMING) == "0"

    async def _stats(self, *names: str) -> dict[str, str]:
        """The values of some statistics by name; those that Envoy does not know are left out."""
        pattern = "^(" + "|".join(name.replace(".", r"\.") for name in names) + ")$"
        page = await self._process.page(f"/stats?filter={quote(pattern)}") or b""
        lines = (line.partition(": ") for line in page.decode(errors="replace").splitlines())
        return {name: value for name, _, value in lines}

    def _write(self, name: str, file: _File) -> bool:
        """Replace a resource file if it differs; gives whether it did."""
        if self._files.get(name) == file:
            return False
        write_atomically(self.folder / f"{name}.json", file.content)
        self._files[name] = file
        return True


def _file(resources: Sequence[Json]) -> _File:
    version = hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:12]
    content = json.dumps({"version_info": version, "resources": list(resources)}, indent=1)
    return _File(version, content.encode())


def _now() -> float:
    return asyncio.get_running_loop().time()
