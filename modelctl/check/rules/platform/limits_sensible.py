"""Limits of an environment are ones that something can meet.

## What it does
Refuses in the `limits` of an environment: a freeze that ends before it begins, or on a day that no
calendar has; a store of artifacts that no URI can begin with; a ceiling of memory below what the
smallest server takes; and a node of less than one cpu or one GiB.

## Why
A freeze that lies backwards freezes nothing, on the one weekend when it counts. A ceiling that
nothing meets refuses every release, and a node of `64Mi` that was to have 64 GiB refuses every pod.

## Bad
```yaml
limits:
  freezes: [{from: "2026-12-31T18:00Z", until: "2026-12-24T06:00Z", reason: End of the year.}]
```

## Good
```yaml
limits:
  freezes: [{from: "2026-12-24T06:00Z", until: "2026-12-31T18:00Z", reason: End of the year.}]
```
"""

import re
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction

from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import Environment
from modelctl.repo.quantities import amount
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "limits-sensible"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_MINUTE = "%Y-%m-%dT%H:%MZ"
_SMALLEST_SERVER = 128 << 20  # bytes of memory that ONNX Runtime and a server take without a model
_SMALLEST_NODE = 1 << 30
_STORE = re.compile(r"(https|s3|gs|az|abfss|oci|file):\S+")
_Told = tuple[tuple[str | int, ...], str, str]  # place, message, remedy


def check(files: Files) -> Iterator[Violation]:
    """One finding for each limit without sense."""
    if not isinstance(files, Repository):
        return
    for index, environment in enumerate(files.environments.ordered):
        for at, message, remedy in (
            *_freezes(environment),
            *_stores(environment),
            *_memory(environment),
            *_nodes(environment),
        ):
            place = ("environments", index, "limits", *at)
            yield in_environments(files, *place, message=message, remedy=remedy)


def _freezes(environment: Environment) -> Iterator[_Told]:
    for number, freeze in enumerate(environment.limits.freezes):
        days = {"from": freeze.start, "until": freeze.until}
        wrong = [field for field, text in days.items() if not _is_a_day(text)]
        for field in wrong:
            message = f"found {days[field]}, expected a day of the calendar"
            yield ("freezes", number, field), message, "mend the day"
        if not wrong and freeze.until <= freeze.start:
            message = f"found {freeze.until}, expected a time after {freeze.start}"
            yield ("freezes", number, "until"), message, "exchange the two, or mend one"


def _is_a_day(text: str) -> bool:
    try:
        datetime.strptime(text, _MINUTE)  # noqa: DTZ007 - only whether there is such a day
    except ValueError:
        return False
    return True


def _stores(environment: Environment) -> Iterator[_Told]:
    for number, store in enumerate(environment.limits.artifact_stores):
        if not _STORE.fullmatch(store):
            message = f"found {short(store)}, expected the beginning of a URI such as s3://models/"
            yield ("artifact_stores", number), message, "write it with its scheme"


def _memory(environment: Environment) -> Iterator[_Told]:
    ceiling = environment.limits.memory
    if ceiling is not None and amount(ceiling) < _SMALLEST_SERVER:
        message = f"found {ceiling}, expected at least 128Mi, which a server takes"
        yield ("memory",), message, "write Gi where that was meant"


def _nodes(environment: Environment) -> Iterator[_Told]:
    for number, node in enumerate(environment.limits.nodes):
        for field, least, shown in (("cpu", Fraction(1), "1"), ("memory", _SMALLEST_NODE, "1Gi")):
            if node.amounts[field] < least:
                message = f"found a node with less {field} than {shown}, expected a whole machine"
                yield ("nodes", number, field), message, "mend the unit"
