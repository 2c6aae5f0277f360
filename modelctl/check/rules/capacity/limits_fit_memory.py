"""The limits of a release fit into its memory.

## What it does
Refuses a limit of `runtime.limits` that `resources.memory` can never hold. Four fifths of the
memory are planned with; 48 MiB of them are the server's, and the model takes at least the size of
its file. Of what is left a body takes three times its size while it is read, an answer twice its
own, and each row at least its inputs and outputs. `inflight_bytes` below `body_bytes` is refused as
well: the server would not start. What a run takes beside that the server measures when it starts.

## Why
A limit says what is answered, and not refused with 413. Raised beyond the memory it promises what
ends in 503, or in an error of the model, in the middle of the work.

## Bad
```yaml
runtime: {providers: [cpu], threads: 1, max_inflight: 64, limits: {body_bytes: 268435456}}
resources: {cpu: "1", memory: 512Mi}
```

## Good
```yaml
runtime: {providers: [cpu], threads: 1, max_inflight: 64, limits: {body_bytes: 268435456}}
resources: {cpu: "1", memory: 2Gi}
```
"""

from collections.abc import Iterator
from fractions import Fraction

from modelctl.finding import Level, Scope, Violation
from modelctl.model import memory
from modelctl.repo import layout
from modelctl.repo.kinds import Limits, Release
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import ModelFiles

ID = "limits-fit-memory"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_REMEDY = "write at most that, or more memory in resources"


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each limit that can never be kept."""
    for release_id, release in files.releases.items():
        path = layout.release_file(files.folder, release_id)
        document = files.documents[path]
        for name, found, most in _too_high(files, release):
            position = document.at("runtime", "limits", name)
            message = f"found {found}, expected at most {most} with {release.resources.memory}"
            yield Violation(path, position, message, _REMEDY)
        limits = release.runtime.limits
        if _is_shut(limits):
            position = document.at("runtime", "limits", "inflight_bytes")
            message = (
                f"found {limits.inflight_bytes}, expected at least body_bytes {limits.body_bytes}"
            )
            yield Violation(path, position, message, "write at least that, or leave it out")


def _too_high(files: ModelFiles, release: Release) -> Iterator[tuple[str, int, int]]:
    """Name and value of each limit that does not fit, and the largest value that would."""
    memory_bytes = int(amount(release.resources.memory))
    file_bytes = release.artifact.size_bytes
    if memory_bytes < memory.least_mib(file_bytes) * MIB:
        return  # nothing fits: another rule says so
    room = max(0, memory.room_bytes(memory_bytes, file_bytes))
    limits = release.runtime.limits
    row_bytes = memory.row_bytes(files.model.contract) if files.model else 0
    for name, value, taken in (
        ("body_bytes", limits.body_bytes, memory.TIMES_A_BODY),
        ("rows", limits.rows, row_bytes),
        ("output_bytes", limits.output_bytes, memory.TIMES_AN_ANSWER),
        ("inflight_bytes", limits.inflight_bytes, 1),
    ):
        if value is not None and value * taken > room:
            yield name, value, int(Fraction(room, taken))


def _is_shut(limits: Limits) -> bool:
    """Whether the largest body would never fit among all bodies."""
    return None not in {limits.body_bytes, limits.inflight_bytes} and (
        (limits.inflight_bytes or 0) < (limits.body_bytes or 0)
    )
