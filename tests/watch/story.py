"""A canary that fails now and then, from its introduction to its rollback, under a small load."""

import hashlib
import http.client
import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

from engine_kit import HEADERS, INFER, Repo, Up, running
from tests.watch.prometheus import Prometheus

NAMESPACE = "models-forecasting"
STEPS = (({"r1": 100, "r2": 0}, 4), ({"r1": 90, "r2": 10}, 6), ({"r1": 50, "r2": 50}, 4))
BACK = ({"r1": 100, "r2": 0}, 6)
"""Weights, and for how many minutes they stay."""

_CALLERS, _PAUSE_S, _WRONG = 4, 0.05, 0.04  # threads, between two requests, share of odd inputs


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
    """The sample whose second release looks its answer up in a table that is too short."""
    repo = Repo(root)
    content = _table()
    (root / "table.onnx").write_bytes(content)
    text = (root / "apps/linear/releases/r2.yaml").read_text("utf-8")
    digest = hashlib.sha256(content).hexdigest()
    artifact = (
        f'artifact:\n  uri: "file:table.onnx"\n  sha256: "{digest}"\n  bytes: {len(content)}\n'
    )
    text = re.sub(r"artifact:\n(?:  .*\n)+", artifact, text)
    repo.write("apps/linear/releases/r2.yaml", re.sub(r"golden:\n(?:  .*\n)+", "", text))
    repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    return repo


def _table() -> bytes:
    """`y float32[batch, 1]` looked up by `x float32[batch, 1]`, which has to be below 4."""
    shape = ["batch", 1]
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["x"], ["at"], to=TensorProto.INT64),
            helper.make_node("Gather", ["table", "at"], ["y"]),
        ],
        "table",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.array([0, 2, 4, 6], np.float32), "table")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model.SerializeToString()


def _rules(repo: Repo) -> list[dict[str, Any]]:
    files = sorted((repo.root / "apps/linear/rendered/local").glob("prometheusrule-*.yaml"))
    return [yaml.safe_load(file.read_text("utf-8")) for file in files]


@contextmanager
def _load(up: Up) -> Iterator[None]:
    """Callers who ask some twenty times a second each, now and then for what r2 cannot do."""
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
        value = 7.0 if random.random() < _WRONG else 3.0  # noqa: S311 - any seventh will do
        tensor = {"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [value]}
        connection.request("POST", INFER, json.dumps({"inputs": [tensor]}), HEADERS)
        connection.getresponse().read()
