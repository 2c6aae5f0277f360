"""ONNX Runtime called in a loop, without a server: what a server could reach at most."""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from serving.bench.models import MODELS, ModelFile
from serving.bench.servers.model import Model
from serving.bench.wrk import Load

NAME = "bare"
TITLE = "bare ONNX Runtime"
ENCODING = "none"
WARM_UP_S = 0.3


def run(file: ModelFile, *, seconds: float, cores: tuple[int, ...]) -> Load:
    """Runs of one row, one after the other, in a process of their own on the given cores."""
    module = [sys.executable, "-m", "serving.bench.bare"]
    pinned = ["taskset", "--cpu-list", ",".join(map(str, cores))]
    model = [file.model.name, str(file.path), str(seconds)]
    ended = subprocess.run([*pinned, *module, *model], capture_output=True, text=True, check=True)
    return Load(**json.loads(ended.stdout))


def timed(work: Callable[[], object], *, seconds: float) -> list[float]:
    """Seconds that each call took, for as long as `seconds`."""
    taken = []
    now = time.perf_counter()
    deadline = now + seconds
    while now < deadline:
        work()
        before, now = now, time.perf_counter()
        taken.append(now - before)
    return taken


def main() -> None:
    """Measure in this process; one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", choices=[model.name for model in MODELS])
    parser.add_argument("path", type=Path)
    parser.add_argument("seconds", type=float)
    asked = parser.parse_args()
    row = next(model for model in MODELS if model.name == asked.model).sample(1)
    model = Model(str(asked.path))
    timed(lambda: model.run(row), seconds=WARM_UP_S)
    taken = timed(lambda: model.run(row), seconds=asked.seconds)
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    said = {"requests": len(taken), "seconds": sum(taken), "p50_ms": p50, "p99_ms": p99}
    print(json.dumps(said | {"refused": 0, "lost": 0}))


if __name__ == "__main__":
    main()
