"""A contestant that answers: started, waited for, checked against ONNX Runtime."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from serving.bench import client
from serving.bench.contestant import Contestant, Launch, free_ports
from serving.bench.dialects import Dialect
from serving.bench.errors import ContestantError
from serving.bench.layouts import Layout
from serving.bench.models import Array, ModelFile
from serving.bench.processes import Tree
from serving.bench.servers.model import Model
from serving.bench.wrk import Target

START_LIMIT_S = 120
REQUEST_LIMIT_S = 60
POLL_S = 0.01
IN_A_ROW = 20
AT_ONCE = 8
"""Checks sent at the same time, so that answers mixed up in a batch are seen."""
ABSOLUTE, RELATIVE = 1e-5, 1e-4


@dataclass(frozen=True)
class Served:
    """A running contestant, its model and how long its start took."""

    contestant: Contestant
    file: ModelFile
    tree: Tree
    port: int
    ready_s: float
    answer_s: float

    def target(self, rows: Array, encoding: str) -> Target:
        """The request that carries `rows`."""
        return target(self.contestant, self.file, self.port, rows, encoding)

    def check(self, encoding: str) -> None:
        """Raise `ContestantError` unless concurrent requests get ONNX Runtime's answers."""
        dialect = self.contestant.dialects()[encoding]
        rows, expected = checks(self.file)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            targets = [self.target(row[np.newaxis], encoding) for row in rows]
            answers = list(pool.map(lambda each: _answer(each, dialect), targets))
        for number, (answer, right) in enumerate(zip(answers, expected, strict=True)):
            _require_close(answer, right[np.newaxis], f"{encoding} request {number}")


@cache
def checks(file: ModelFile) -> tuple[Array, Array]:
    """Distinct rows, and what ONNX Runtime answers to them."""
    rows = file.model.sample(file.model.checks)
    return rows, Model(str(file.path)).run(rows)


def target(
    contestant: Contestant, file: ModelFile, port: int, rows: Array, encoding: str
) -> Target:
    """The request that carries `rows` to a contestant at `port`."""
    path = contestant.path.format(model=file.model.name)
    return Target(port, path, contestant.dialects()[encoding].encode(rows))


@contextmanager
def serving(
    contestant: Contestant, file: ModelFile, layout: Layout, python: Path
) -> Iterator[Served]:
    """The contestant while it serves. Raises `ContestantError` if it does not come to answer."""
    with TemporaryDirectory(prefix=f"bench-{contestant.name}-") as name:
        folder = Path(name)
        (port,) = free_ports(1)
        first = target(contestant, file, port, file.model.sample(1), "json")
        command = contestant.command(Launch(file, port, layout.workers, python, folder))
        began = time.perf_counter()
        with Tree(command, cores=layout.server_cores, folder=folder) as tree:
            ready_s = _until(
                tree, began, lambda: client.get_status(port, contestant.ready_path, timeout_s=5)
            )
            answer_s = _until(tree, began, lambda: client.post(first, timeout_s=REQUEST_LIMIT_S)[0])
            if layout.workers > 1:
                _until_all_answer(tree, began, port, contestant.ready_path)
            tree.require_pinned()
            yield Served(contestant, file, tree, port, ready_s, answer_s)


def _until(tree: Tree, began: float, status: Callable[[], int]) -> float:
    """Seconds since `began` until `status` was 200."""
    while (found := status()) != HTTPStatus.OK:
        tree.require_alive()
        if time.perf_counter() - began > START_LIMIT_S:
            raise ContestantError(
                f"found status {found} after {START_LIMIT_S} s, expected 200; {tree.last_words()}"
            )
        time.sleep(POLL_S)
    return time.perf_counter() - began


def _until_all_answer(tree: Tree, began: float, port: int, path: str) -> None:
    """Wait for every worker: which of them answers is chance, so it takes many answers in a row."""
    in_a_row = 0
    while in_a_row < IN_A_ROW:
        _until(tree, began, lambda: client.get_status(port, path, timeout_s=5))
        ready = client.get_status(port, path, timeout_s=5) == HTTPStatus.OK
        in_a_row = in_a_row + 1 if ready else 0


def _answer(asked: Target, dialect: Dialect) -> Array:
    status, body = client.post(asked, timeout_s=REQUEST_LIMIT_S)
    if status != HTTPStatus.OK:
        raise ContestantError(f"found status {status}, expected 200: {body.content[:300]!r}")
    try:
        return dialect.decode(body)
    except (ValueError, KeyError, TypeError) as error:
        raise ContestantError(
            f"expected an answer in {dialect.name}: {error}; found {body.content[:200]!r}"
        ) from error


def _require_close(answer: Array, right: Array, what: str) -> None:
    if answer.shape != right.shape or not np.allclose(answer, right, rtol=RELATIVE, atol=ABSOLUTE):
        raise ContestantError(
            f"{what}: found {answer.shape} {answer.ravel()[:3]}, expected {right.shape} "
            f"{right.ravel()[:3]} as ONNX Runtime answers"
        )
