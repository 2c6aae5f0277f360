"""A canary from its introduction to its rollback, under a small load."""

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from engine_kit import HEADERS, INFER, QUESTION, Repo, Up, running
from tests.watch.prometheus import Prometheus

NAMESPACE = "models-forecasting"
STEPS = (({"r1": 100, "r2": 0}, 1), ({"r1": 90, "r2": 10}, 4), ({"r1": 50, "r2": 50}, 4))
BACK = ({"r1": 100, "r2": 0}, 2)
"""Weights, and for how many minutes they stay."""

_CALLERS, _PAUSE_S = 4, 0.05  # threads, and between two requests of each


def tell(folder: Path, watched: Prometheus) -> tuple[float, float]:
    """Live through it under the eyes of Prometheus; when it began and ended."""
    repo = _repository(folder / "repository")
    watched.rules(_rules(repo))
    with running(repo.root, folder / "state") as up:
        up.until_well()
        watched.scrape(up, NAMESPACE)
        begin = time.time()
        with _load(up):
            for weights, minutes in (*STEPS, BACK):
                repo.serve(weights).commit(f"apps/linear: Serve {weights}")
                watched.rules(_rules(repo))
                time.sleep(60 * minutes)
        return begin, time.time()


def _repository(root: Path) -> Repo:
    repo = Repo(root)
    repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    return repo


def _rules(repo: Repo) -> list[dict[str, Any]]:
    files = sorted((repo.root / "apps/linear/rendered/local").glob("prometheusrule-*.yaml"))
    return [yaml.safe_load(file.read_text("utf-8")) for file in files]


@contextmanager
def _load(up: Up) -> Iterator[None]:
    """Callers who ask some twenty times a second each."""
    stop = threading.Event()
    threads = [threading.Thread(target=_call, args=(up.port, stop)) for _ in range(_CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _call(port: int, stop: threading.Event) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while not stop.wait(_PAUSE_S):
        connection.request("POST", INFER, QUESTION, HEADERS)
        connection.getresponse().read()
