"""Debian's Prometheus over the servers of a running engine, with the rendered rules."""

import json
import math
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import psutil
import yaml

from engine_kit import Up
from modelctl.local.servers.ports import free_port
from tests.waiting import PATIENCE_S, until

PROGRAM = shutil.which("prometheus") or ""
_SCRAPE_S = 5


@dataclass(frozen=True)
class Line:
    """One line of a chart: its labels, and points as (seconds, value)."""

    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]


class Prometheus:
    """A server that scrapes what is written for it, and answers queries."""

    def __init__(self, folder: Path) -> None:
        """Prepare its folder; nothing runs yet."""
        self._folder = folder
        self._targets = folder / "targets.json"
        (folder / "rules").mkdir(parents=True)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def rules(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Take the rendered PrometheusRules; the second time it is told to read them again."""
        for value in values:
            file = self._folder / "rules" / f"{value['metadata']['name']}.yaml"
            file.write_text(yaml.safe_dump({"groups": value["spec"]["groups"]}), "utf-8")
        if self._process:
            self._ask("POST", "/-/reload")

    def scrape(self, up: Up, namespace: str) -> None:
        """Read the metrics of every server that the engine runs now, with a pod's labels."""
        targets = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"namespace": namespace, **labels}}
            for port, labels in _servers(up)
        ]
        self._targets.write_text(json.dumps(targets), "utf-8")

    def range(self, query: str, begin: float, end: float) -> list[Line]:
        """The lines of a query, a point every ten seconds."""
        asked = urlencode({"query": query, "start": begin, "end": end, "step": "10"})
        found = json.loads(self._ask("GET", f"/api/v1/query_range?{asked}"))["data"]["result"]
        return [Line(each["metric"], list(_numbers(each["values"]))) for each in found]

    def __enter__(self) -> Self:
        """Start it on a free port of the loopback."""
        self._port = free_port()
        config = self._folder / "prometheus.yaml"
        config.write_text(yaml.safe_dump(self._config()), "utf-8")
        log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                PROGRAM,
                f"--config.file={config}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
                "--web.enable-lifecycle",
            ],
            stderr=log,
        )
        until(lambda: "Server is ready" in (self._folder / "log").read_text("utf-8"))
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(PATIENCE_S)

    def _config(self) -> dict[str, Any]:
        servers = {
            "job_name": "models",
            "file_sd_configs": [{"files": [str(self._targets)], "refresh_interval": "5s"}],
            "metric_relabel_configs": [
                {"action": "labeldrop", "regex": "exported_(model|release)"}
            ],
        }
        return {
            "global": {"scrape_interval": f"{_SCRAPE_S}s"},
            "rule_files": [str(self._folder / "rules" / "*.yaml")],
            "scrape_configs": [servers],
        }

    def _ask(self, method: str, path: str) -> bytes:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)) as asked:
            asked.request(method, path)
            return asked.getresponse().read()


def _numbers(values: Iterable[tuple[float, str]]) -> Iterator[tuple[float, float]]:
    for at, value in values:
        if math.isfinite(number := float(value)):
            yield float(at), number


def _servers(up: Up) -> list[tuple[str, dict[str, str]]]:
    """Port and labels of every model server below the engine."""
    found = []
    for pid in up.pids().values():
        settings = psutil.Process(pid).environ()
        if port := settings.get("MODELSERVER_PORT"):
            labels = {
                "model": settings["MODELSERVER_MODEL"],
                "release": settings["MODELSERVER_RELEASE"],
            }
            found.append((port, labels))
    return found
