"""The resource of a GPU is one that a device plugin offers.

## What it does
Refuses a resource of `nvidia.com` that NVIDIA's device plugin does not offer: other than `gpu`,
`gpu.shared`, or a MIG slice such as `mig-1g.10gb`. Refuses more than one of them: a server runs one
session, which uses one GPU.

## Why
A pod that asks for what no node has stays Pending for ever. A second GPU is reserved and idle.

## Bad
```yaml
resources: {cpu: "2", memory: 4Gi, gpu: {resource: nvidia.com/gpus, count: 1}}
```

## Good
```yaml
resources: {cpu: "2", memory: 4Gi, gpu: {resource: nvidia.com/gpu, count: 1}}
```
"""

import re
from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "gpu-resource-known"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

# Source: NVIDIA's device plugin, names of whole GPUs, time-sliced ones and MIG profiles.
_KNOWN = re.compile(r"(gpu|mig-[1-7]g\.[0-9]+gb(\.me(\.all)?)?)(\.shared)?")
_VENDOR = "nvidia.com/"


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each resource that no node has, and for each GPU too many."""
    for key, release in files.releases.items():
        gpu = release.resources.gpu
        if gpu is None or not gpu.resource.startswith(_VENDOR):
            continue
        if not _KNOWN.fullmatch(gpu.resource.removeprefix(_VENDOR)):
            message = f"found {gpu.resource}, expected nvidia.com/gpu or nvidia.com/mig-1g.10gb"
            remedy = "write what `kubectl describe node` lists under Allocatable"
            at = ("resources", "gpu", "resource")
            yield in_release(files, key, *at, message=message, remedy=remedy)
        elif gpu.count > 1:
            message = f"found {gpu.count} GPUs, expected 1, which is what one server uses"
            at = ("resources", "gpu", "count")
            remedy = "write count: 1, and more replicas under scale"
            yield in_release(files, key, *at, message=message, remedy=remedy)
