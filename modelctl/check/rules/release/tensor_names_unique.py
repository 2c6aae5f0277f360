"""No two inputs, and no two outputs, have one name.

## What it does
Refuses a name that appears twice among the inputs or the outputs of a contract or of a graph, and a
dimension of size 0.

## Why
Callers and servers find tensors by name. The server refuses a contract with a name twice when it
starts; of a tensor without elements no request can be made.

## Bad
```yaml
inputs:
  - {name: x, datatype: FP32, shape: [-1, 64]}
  - {name: x, datatype: INT64, shape: [-1]}
```

## Good
```yaml
inputs:
  - {name: x, datatype: FP32, shape: [-1, 64]}
  - {name: length, datatype: INT64, shape: [-1]}
```
"""

from collections.abc import Iterator, Sequence

from modelctl.check.placed import in_model, in_release
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.model.tensors import TensorSpec
from modelctl.repo.repository import ModelFiles

ID = "tensor-names-unique"
LEVEL = Level.ERROR
SCOPE = Scope.MODEL

_REMEDY = "write what the ONNX file declares"


def check(files: ModelFiles) -> Iterator[Violation]:
    """One finding for each name that is there again, and for each empty dimension."""
    if files.model is not None:
        contract = files.model.contract
        sides = (("inputs", contract.inputs), ("outputs", contract.outputs))
        for at, message in _faults("contract", sides):
            yield in_model(files, *at, message=message, remedy=_REMEDY)
    for key, release in files.releases.items():
        sides = (("inputs", release.graph.inputs), ("outputs", release.graph.outputs))
        for at, message in _faults("graph", sides):
            yield in_release(files, key, *at, message=message, remedy=_REMEDY)


def _faults(
    top: str, sides: Sequence[tuple[str, Sequence[TensorSpec]]]
) -> Iterator[tuple[Pointer, str]]:
    for side, tensors in sides:
        seen: dict[str, int] = {}
        for index, tensor in enumerate(tensors):
            first = seen.setdefault(tensor.name, index)
            if first != index:
                message = f"found {tensor.name} again, expected it as {side}[{first}] only"
                yield (top, side, index, "name"), message
            if 0 in tensor.shape:
                message = f"{side}.{tensor.name}: found a size of 0, expected -1 or more than 0"
                yield (top, side, index, "shape", tensor.shape.index(0)), message
