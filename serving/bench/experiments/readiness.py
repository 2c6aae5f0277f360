"""How late a readiness probe is answered while a large model saturates the core."""

import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import numpy as np

from serving.bench import client, wrk
from serving.bench.experiments.setting import Setting, pinned

CONCURRENCY = 8
PAUSE_S = 0.02
TIMEOUT_S = 10


def run(setting: Setting) -> dict[str, float]:
    """Latency of the probe, idle and under load, and what the load itself reached."""
    with setting.served() as served, ThreadPoolExecutor(1) as pool:
        path, cores = setting.contestant.ready_path, setting.layout.client_cores
        idle, _ = _probe(served.port, path, seconds=1, cores=cores)
        load = pool.submit(
            wrk.run,
            served.target(setting.file.model.sample(1), setting.encoding()),
            concurrency=CONCURRENCY,
            seconds=setting.seconds,
            cores=cores,
        )
        busy, failed = _probe(served.port, path, seconds=setting.seconds - 0.5, cores=cores)
        ended = load.result()
    return {
        "idle_p99_ms": float(np.percentile(idle, 99)),
        "saturated_p50_ms": float(np.percentile(busy, 50)),
        "saturated_p99_ms": float(np.percentile(busy, 99)),
        "probes": len(busy),
        "failed_probes": failed,
        "predictions_per_s": ended.requests / ended.seconds,
    }


def _probe(
    port: int, path: str, *, seconds: float, cores: tuple[int, ...]
) -> tuple[list[float], int]:
    """Milliseconds of every probe, and how many were not answered 200."""
    taken_ms, failed = [], 0
    with pinned(cores):
        deadline = time.perf_counter() + seconds
        while (began := time.perf_counter()) < deadline:
            failed += client.get_status(port, path, timeout_s=TIMEOUT_S) != HTTPStatus.OK
            taken_ms.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE_S)
    return taken_ms, failed
