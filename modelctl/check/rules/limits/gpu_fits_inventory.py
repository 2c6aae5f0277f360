"""The nodes of an environment have room for all that is to run there.

## What it does
Where an environment declares its nodes under `limits.nodes`, places the fewest replicas of every
release of every model on them, by GPUs, memory, cpu and taints at once, and refuses what finds no
room. The canary and the shadow count like any other release. A slice of a GPU, by MIG or by time,
is a resource of its own. A release without GPU also needs room for the one pod that a rollout
starts before it ends an old one.

## Why
A pod without a node stays Pending: the canary never becomes ready, a restart of the stable release
takes its GPU first and finds it gone, and nobody sees it before the merge.

## Bad
```yaml
# limits: {nodes: [{count: 1, cpu: "32", memory: 256Gi, gpus: {nvidia.com/gpu: 4}}]}; a GPU each
weights: {r1: 95, r2: 5}
scale: {min: 3, max: 4, metric: cpu, target: 70}
```

## Good
```yaml
# limits: {nodes: [{count: 1, cpu: "32", memory: 256Gi, gpus: {nvidia.com/gpu: 4}}]}; a GPU each
weights: {r1: 95, r2: 5}
scale: {min: 2, max: 2, metric: cpu, target: 70}
```
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from modelctl.check.packing import Fleet, Pod, asked_and_there, surging_without_room, without_room
from modelctl.check.placed import in_serving
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.limits import Nodes

ID = "gpu-fits-inventory"
LEVEL = Level.ERROR
SCOPE = Scope.PLACING

_MOST = 20  # findings: what has no room is mended by nodes, not one by one


def check(fleet: Fleet) -> Iterator[Violation]:
    """One finding for each release whose pods find no node."""
    for environment in fleet.repository.environments.ordered:
        nodes = environment.limits.nodes
        pods = [pod for pod in fleet.pods if pod.environment == environment.name]
        if not nodes:
            continue
        left = Counter(without_room(nodes, pods))
        for pod, count in list(left.items())[:_MOST]:
            least = fleet.repository.model(pod.folder).servings[pod.environment].scale.min
            what = f"{count} of {least} replicas of {pod.release}"
            yield _violation(fleet, nodes, pods, pod, what)
        for pod in surging_without_room(nodes, pods)[:_MOST] if not left else ():
            what = f"the pod that a rollout of {pod.release} starts before it ends another"
            yield _violation(fleet, nodes, pods, pod, what)


def _violation(
    fleet: Fleet, nodes: Sequence[Nodes], pods: Sequence[Pod], pod: Pod, what: str
) -> Violation:
    files = fleet.repository.model(pod.folder)
    serving = files.servings[pod.environment]
    asked = [name for name in pod.amounts if name not in ("cpu", "memory")] or ["memory", "cpu"]
    told = []
    for name in asked:
        total, there = asked_and_there(nodes, pods, pod, name)
        told.append(f"{_shown(name, total)} {name} of {_shown(name, there)}")
    message = (
        f"found no node for {what}, expected room: "
        f"{pod.environment} is asked for {' and '.join(told)}"
    )
    remedy = "lower scale.min, retire what nobody goes back to, or add nodes to limits.nodes"
    is_shadow = pod.release not in serving.weights
    at = ("shadow", "release") if is_shadow else ("weights", pod.release)
    return in_serving(files, pod.environment, *at, message=message, remedy=remedy)


def _shown(name: str, size: object) -> str:
    """An amount in few characters: GiB for memory."""
    number = float(size)  # type: ignore[arg-type]  # an exact number
    return f"{number / (1 << 30):.1f}Gi" if name == "memory" else f"{number:g}"
