"""What small requests notice while one client sends bodies of 16 MiB to a pod of 512 MiB."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import cycle

import numpy as np

from serving.bench import client, wrk
from serving.bench.dialects import Body
from serving.bench.errors import ContestantError
from serving.bench.experiments import open_loop, pod
from serving.bench.experiments.open_loop import Answered
from serving.bench.experiments.setting import MB, Memory, Setting, pinned
from serving.bench.serve import Served
from serving.bench.wrk import Target

POD_BYTES = 512 << 20
BODY_BYTES = 16 << 20
LOAD = 0.25
"""Of the capacity; the rest is for the large bodies."""
CAPACITY_CONCURRENCY = 8
CAPACITY_S = 2
TIMEOUT_S = 60


def run(setting: Setting) -> dict[str, float]:
    """Latency and goodput of the small ones alone and beside the large ones; memory."""
    with ExitStack() as stack:
        group = stack.enter_context(pod.of(POD_BYTES))
        with pod.inside(group):
            served = stack.enter_context(setting.served())
        small = served.target(setting.file.model.sample(1), "json")
        cores = setting.layout.client_cores
        load = wrk.run(small, concurrency=CAPACITY_CONCURRENCY, seconds=CAPACITY_S, cores=cores)
        per_s = LOAD * load.requests / load.seconds
        alone = _asked(setting, small, per_s)
        before = served.tree.usage().rss_bytes
        with Memory(served.tree) as memory, Large.sent(setting, served) as large:
            beside = _asked(setting, small, per_s)
        served.tree.require_alive()
        peak = max([*memory.samples, before])
    return {
        "pod_mb": POD_BYTES / MB if group else float("nan"),
        **figures(alone, beside),
        **large.figures(),
        "before_mb": before / MB,
        "peak_mb": peak / MB,
        "peak_bytes_a_body_byte": (peak - before) / BODY_BYTES,
    }


Answers = tuple[list[Answered], list[Answered]]
"""Small requests, and probes."""


def figures(alone: Answers, beside: Answers) -> dict[str, float]:
    """What the client sees. Raises `ContestantError` when nothing was answered."""
    good, good_beside = (_good(requests) for requests, _ in (alone, beside))
    if not good or not good_beside:
        raise ContestantError(f"found {len(good_beside)} answers beside large bodies, expected one")
    probes_ms = [each.taken_s * 1000 for each in beside[1]]
    return {
        "alone_p99_ms": float(np.percentile(good, 99)) * 1000,
        "beside_p99_ms": float(np.percentile(good_beside, 99)) * 1000,
        "goodput_over_alone": len(good_beside) / len(good),
        "probe_p99_ms": float(np.percentile(probes_ms, 99)),
        "probe_max_ms": max(probes_ms),
        "failed_probes": sum(each.status != HTTPStatus.OK for each in beside[1]),
    }


def _good(requests: list[Answered]) -> list[float]:
    return [each.taken_s for each in requests if each.status == HTTPStatus.OK]


def _asked(setting: Setting, small: Target, per_s: float) -> Answers:
    with pinned(setting.layout.client_cores):
        return asyncio.run(
            open_loop.run(
                small,
                ready_path=setting.contestant.ready_path,
                per_s=per_s,
                seconds=setting.seconds,
            )
        )


@dataclass
class Large:
    """One client that sends large bodies, one after the other, until told to stop.

    Every other one is cut off in its last number, and closed as it should be.
    """

    bodies: list[Target]
    statuses: list[int] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @classmethod
    @contextmanager
    def sent(cls, setting: Setting, served: Served) -> Iterator["Large"]:
        """Such a client, at work as long as the context lasts."""
        one = len(served.target(setting.file.model.sample(1), "json").body.content)
        whole = served.target(setting.file.model.sample(BODY_BYTES // one), "json")
        cut = Body(whole.body.content[:-20] + b"!" * 20, whole.body.headers)
        large = cls([whole, Target(whole.port, whole.path, cut)])
        thread = threading.Thread(target=large.send)
        thread.start()
        try:
            yield large
        finally:
            large._over.set()
            thread.join()

    def send(self) -> None:
        """Send them."""
        for target in cycle(self.bodies):
            self.statuses.append(client.post(target, timeout_s=TIMEOUT_S)[0])
            if self._over.is_set():
                return

    def figures(self) -> dict[str, float]:
        """How the large ones were answered."""
        answered = self.statuses.count(HTTPStatus.OK)
        lost = self.statuses.count(client.NO_ANSWER)
        return {
            "large_answered": answered,
            "large_refused": len(self.statuses) - answered - lost,
            "large_lost": lost,
        }
