"""Whether memory comes back after a burst of bodies of 64 MB."""

import time
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

from serving.bench import client, wrk
from serving.bench.experiments.setting import MB, Memory, Setting
from serving.bench.processes import Tree
from serving.bench.wrk import Target

BODY_BYTES = 64 << 20
"""The model server's own limit; the body stays just below."""
BODIES = 8
AT_ONCE = 4
TIMEOUT_S = 60
WARM_UP_S = 1
SETTLE_S = 5


def run(setting: Setting) -> dict[str, float]:
    """Memory before, at the highest, and after; how the big requests were answered."""
    with setting.served() as served:
        target = served.target(setting.file.model.sample(1), "json")
        rows = int(BODY_BYTES * 0.99 / len(target.body.content))
        big = served.target(setting.file.model.sample(rows), "json")
        _ordinary_load(setting, target)
        before = settled(served.tree)
        with Memory(served.tree) as memory, ThreadPoolExecutor(AT_ONCE) as pool:
            statuses = list(pool.map(_status, [big] * BODIES))
        after_burst = settled(served.tree)
        _ordinary_load(setting, target)
        after = settled(served.tree)
    lost = statuses.count(client.NO_ANSWER)
    return {
        "body_mb": len(big.body.content) / MB,
        "answered_requests": statuses.count(HTTPStatus.OK),
        "refused_requests": len(statuses) - statuses.count(HTTPStatus.OK) - lost,
        "lost_requests": lost,
        "before_mb": before / MB,
        "peak_mb": max([*memory.samples, before]) / MB,
        "after_burst_mb": after_burst / MB,
        "after_ordinary_load_mb": after / MB,
        "after_over_before": after / before,
    }


def settled(tree: Tree) -> int:
    """RSS in bytes after a pause in which what is given back late is given back."""
    time.sleep(SETTLE_S)
    return tree.usage().rss_bytes


def _status(big: Target) -> int:
    return client.post(big, timeout_s=TIMEOUT_S)[0]


def _ordinary_load(setting: Setting, target: Target) -> None:
    cores = setting.layout.client_cores
    wrk.run(target, concurrency=AT_ONCE, seconds=WARM_UP_S, cores=cores)
