"""The memory of a release is enough to load its model.

## What it does
Refuses `resources.memory` below 48 MiB and 1.2 times `artifact.bytes`. No server was ever seen to
become ready with less: with a tiny model its own pages take 48 MiB, and ONNX Runtime holds a part
of the weights twice while it loads them. Requests, tensors and batches come on top: this is where a
model cannot start, not where it serves well.

## Why
The kernel kills a server that passes its limit. It starts again, loads again and is killed again,
for ever, and no log line says why.

## Bad
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: "9f86…", bytes: 104857600}  # 100 MiB
resources: {cpu: "1", memory: 128Mi}
```

## Good
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: "9f86…", bytes: 104857600}  # 100 MiB
resources: {cpu: "1", memory: 512Mi}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.model.memory import least_mib
from modelctl.repo import layout
from modelctl.repo.quantities import MIB, amount
from modelctl.repo.repository import ModelFiles

ID = "memory-fits-model"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each release that can never be loaded."""
    for release_id, release in files.releases.items():
        needed_mib = least_mib(release.artifact.size_bytes)
        found = release.resources.memory
        if amount(found) < needed_mib * MIB:
            path = layout.release_file(files.folder, release_id)
            position = files.documents[path].at("resources", "memory")
            message = f"found {found}, expected at least {needed_mib}Mi to load this model"
            remedy = "write more than that: requests and batches need memory too"
            yield Violation(path, position, message, remedy)
