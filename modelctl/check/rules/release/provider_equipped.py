"""Every execution provider of a release has what it runs on, and nothing is set up for another.

## What it does
Refuses `provider_options` of a provider that `runtime.providers` does not list, `cuda` or
`tensorrt` without `resources.gpu`, and `resources.gpu` without either.

## Why
The model server refuses the first two when it starts, after the merge. A GPU that no provider uses
is reserved and idle: no other pod gets it.

## Bad
```yaml
runtime: {providers: [cuda], threads: 1, max_inflight: 64}
resources: {cpu: "2", memory: 4Gi}
```

## Good
```yaml
runtime: {providers: [cuda], threads: 1, max_inflight: 64}
resources: {cpu: "2", memory: 4Gi, gpu: {resource: nvidia.com/gpu, count: 1}}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles

ID = "provider-equipped"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_ON_GPU = frozenset({"cuda", "tensorrt"})


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each provider's options that nobody reads, for each GPU too few or many."""
    for release_id, release in files.releases.items():
        document = files.documents[layout.release_file(files.folder, release_id)]
        runtime = release.runtime
        listed = " and ".join(runtime.providers)
        for name in runtime.provider_options:
            if name not in runtime.providers:
                message = f"found options of {name}, expected only those of {listed}"
                remedy = f"add {name} to runtime.providers, or remove its options"
                position = document.at("runtime", "provider_options", name)
                yield Violation(document.path, position, message, remedy)
        needs_gpu = [name for name in runtime.providers if name in _ON_GPU]
        if needs_gpu and release.resources.gpu is None:
            message = f"found {' and '.join(needs_gpu)} without a GPU, expected resources.gpu"
            remedy = "add gpu to resources, for example {resource: nvidia.com/gpu, count: 1}"
            position = document.at("runtime", "providers")
            yield Violation(document.path, position, message, remedy)
        if release.resources.gpu is not None and not needs_gpu:
            message = f"found a GPU with the provider {listed}, expected cuda or tensorrt too"
            remedy = "add one of them to runtime.providers, or remove gpu"
            position = document.at("resources", "gpu")
            yield Violation(document.path, position, message, remedy)
