"""What a server still does at three times its capacity."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

import numpy as np

from serving.bench import wrk
from serving.bench.errors import ContestantError
from serving.bench.experiments import open_loop
from serving.bench.experiments.open_loop import Answered
from serving.bench.experiments.setting import MB, Memory, Setting, pinned

FACTOR = 3
CAPACITY_CONCURRENCY = 8
CAPACITY_S = 5


def run(setting: Setting) -> dict[str, float]:
    """Goodput, latency of what was admitted and of what was refused, memory, readiness."""
    cores = setting.layout.client_cores
    with setting.served() as served:
        target = served.target(setting.file.model.sample(1), setting.encoding())
        load = wrk.run(target, concurrency=CAPACITY_CONCURRENCY, seconds=CAPACITY_S, cores=cores)
        capacity = load.requests / load.seconds
        served.tree.wait_until_quiet()
        before = served.tree.usage().rss_bytes
        with Memory(served.tree) as memory, pinned(cores):
            answers, probes = asyncio.run(
                open_loop.run(
                    target,
                    ready_path=setting.contestant.ready_path,
                    per_s=FACTOR * capacity,
                    seconds=setting.seconds,
                )
            )
        served.tree.require_alive()
    return {
        "capacity_per_s": capacity,
        **figures(answers, capacity=capacity, seconds=setting.seconds),
        "failed_probes": sum(each.status != HTTPStatus.OK for each in probes),
        "before_mb": before / MB,
        "after_a_third_mb": memory.samples[len(memory.samples) // 3] / MB,
        "at_the_end_mb": memory.samples[-1] / MB,
    }


def figures(answers: Sequence[Answered], *, capacity: float, seconds: float) -> dict[str, float]:
    """The figures of the client's side. Raises `ContestantError` when nothing was admitted."""
    good = [each for each in answers if each.status == HTTPStatus.OK]
    if not good:
        raise ContestantError(f"found no admitted request among {len(answers)}")
    in_time = [each for each in good if each.sent_s + each.taken_s <= seconds]
    refused = [each.taken_s for each in answers if each.status == HTTPStatus.SERVICE_UNAVAILABLE]
    early = [each.taken_s for each in good if seconds / 6 <= each.sent_s < seconds / 2]
    late = [each.taken_s for each in good if each.sent_s >= seconds / 2]
    return {
        "offered_per_s": len(answers) / seconds,
        "goodput_over_capacity": len(in_time) / seconds / capacity,
        "refused_requests": len(refused),
        "lost_requests": len(answers) - len(good) - len(refused),
        "admitted_p50_first_half_ms": _percentile(early, 50),
        "admitted_p50_second_half_ms": _percentile(late, 50),
        "admitted_p99_ms": _percentile([each.taken_s for each in good], 99),
        "refused_p99_ms": _percentile(refused, 99),
    }


def _percentile(taken_s: Sequence[float], percent: float) -> float:
    return float(np.percentile(taken_s, percent)) * 1000 if taken_s else float("nan")
