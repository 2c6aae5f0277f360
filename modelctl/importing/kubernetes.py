"""What manifests of Kubernetes have in common: documents of a file, resources of a container."""

from fractions import Fraction
from math import ceil

import yaml

from modelctl.errors import UsageError
from modelctl.importing.fields import Fields
from modelctl.importing.found import Left
from modelctl.repo.kinds import Gpu, Scale
from modelctl.repo.quantities import MIB, amount

MOST_REPLICAS = 1000
_UNBOUNDED = 4  # replicas of a description that says no most
_GPU_PARTS = ("/gpu", "nvidia.com/mig-")
SCALED_TO_NOTHING = "a release that has traffic keeps one replica: the first request would wait"


def documents(text: str, where: str) -> list[dict[str, object]]:
    """The objects of a file, members of lists included.

    Raises:
        UsageError: The text is no YAML.
    """
    try:
        found = list(yaml.safe_load_all(text))
    except yaml.YAMLError as error:
        raise UsageError(f"{where} is no YAML: {str(error).splitlines()[0]}") from error
    objects: list[dict[str, object]] = []
    for document in found:
        if isinstance(document, dict):
            items = document.get("items") if document.get("kind") == "List" else None
            members = items if isinstance(items, list) else [document]
            objects += [member for member in members if isinstance(member, dict)]
    return objects


def resources(fields: Fields) -> tuple[str | None, str | None, Gpu | None, list[Left]]:
    """Cpu, memory and GPUs of `resources`; of cpu the request counts, of memory the limit."""
    asked, limits = fields.within("resources", "requests"), fields.within("resources", "limits")
    left = []
    cpu, most_cpu = _quantity(asked, "cpu"), _quantity(limits, "cpu")
    memory, most_memory = _quantity(asked, "memory"), _quantity(limits, "memory")
    if most_cpu is not None and cpu is not None and most_cpu != cpu:
        left.append(Left("resources.limits.cpu", "cpu has a request and no limit here"))
    if memory is not None and most_memory not in (None, memory):
        left.append(Left("resources.requests.memory", "request and limit of memory are equal here"))
    gpu = _gpu(asked, limits)
    cores = cpu if cpu is not None else most_cpu
    room = most_memory if most_memory is not None else memory
    return (
        None if cores is None else _cores(cores),
        None if room is None else _memory(ceil(room / MIB)),
        gpu,
        left,
    )


def scale(
    fewest: int | None, most: int | None, *, metric: str = "", target: int | None = None
) -> tuple[Scale | None, list[Left]]:
    """Replicas and what they follow, and what of it is not possible here."""
    if fewest is None and most is None and target is None:
        return None, []
    left = []
    if fewest == 0:
        left.append(Left("minReplicas", f"is 1 here: {SCALED_TO_NOTHING}"))
    least = min(max(1, 1 if fewest is None else fewest), MOST_REPLICAS)
    highest = min(most or max(least, _UNBOUNDED), MOST_REPLICAS)
    follows_load = metric == "concurrency"
    fits = target is not None and 1 <= target <= MOST_REPLICAS
    if metric not in ("", "cpu", "concurrency"):
        left.append(Left("scaleMetric", f"{metric}: cpu or requests in flight are followed here"))
        fits = follows_load = False
    if follows_load and not fits:
        follows_load = False
    level = target if fits and target is not None else 70
    return Scale(least, max(least, highest), "inflight" if follows_load else "cpu", level), left


def _quantity(fields: Fields, name: str) -> Fraction | None:
    value = fields.take(name)
    if value is None:
        return None
    try:
        return amount(str(value))
    except ValueError as error:
        raise UsageError(f"resources of {name}: {error}") from error


def _memory(mib: int) -> str:
    return f"{mib // 1024}Gi" if mib and mib % 1024 == 0 else f"{max(1, mib)}Mi"


def _cores(cores: Fraction) -> str:
    thousandths = max(1, ceil(cores * 1000))
    return str(thousandths // 1000) if thousandths % 1000 == 0 else f"{thousandths}m"


def _gpu(*places: Fields) -> Gpu | None:
    found = None
    for fields in places:
        for name in fields:
            if any(part in name for part in _GPU_PARTS):
                count = fields.integer(name)
                found = Gpu(name, count) if count else found
    return found
