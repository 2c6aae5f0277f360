"""The arena of a GPU is larger than the model in it.

## What it does
Refuses `gpu_mem_limit` of CUDA below the size of the model file, and `trt_max_workspace_size` of
TensorRT above the limit of CUDA.

## Why
The weights lie in the arena. With less room than they take, loading ends with an error after the
merge, and the server restarts for ever.

## Bad
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: 9f86…, bytes: 4000000000}
runtime:
  providers: [cuda]
  provider_options: {cuda: {gpu_mem_limit: 2000000000}}
```

## Good
```yaml
artifact: {uri: "s3://models/churn/r2.onnx", sha256: 9f86…, bytes: 4000000000}
runtime:
  providers: [cuda]
  provider_options: {cuda: {gpu_mem_limit: 8000000000}}
```
"""

from collections.abc import Iterator

from modelctl.check.placed import in_release
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.repository import ModelFiles

ID = "gpu-memory-fits-model"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each limit that leaves no room."""
    for key, release in files.releases.items():
        options = release.runtime.provider_options
        limit = options.get("cuda", {}).get("gpu_mem_limit")
        workspace = options.get("tensorrt", {}).get("trt_max_workspace_size")
        if not isinstance(limit, int):
            continue
        if limit < release.artifact.size_bytes:
            message = f"found {limit} bytes, expected more than the {release.artifact.size_bytes} "
            message += "of the model file"
            at = ("runtime", "provider_options", "cuda", "gpu_mem_limit")
            remedy = "write more, or leave it out: then it is 90 % of the GPU"
            yield in_release(files, key, *at, message=message, remedy=remedy)
        elif isinstance(workspace, int) and workspace > limit:
            message = f"found {workspace} bytes, expected at most gpu_mem_limit, which is {limit}"
            at = ("runtime", "provider_options", "tensorrt", "trt_max_workspace_size")
            yield in_release(
                files, key, *at, message=message, remedy="lower it, or raise the limit"
            )
