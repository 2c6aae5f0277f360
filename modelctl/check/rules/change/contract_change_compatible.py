"""A contract that callers rely on changes only so that they need not.

## What it does
Compares the `contract` of a model that is served with what it was before the change, as a caller
does who knows the old one: every input and output must still be there with its datatype and number
of dimensions, an input may take more sizes and not fewer, an output may give fewer and not more,
and there may be further outputs but no further input. A contract that main has had before is
welcome.

## Why
The contract is one for all releases and environments. With the merge every caller that sends what
it always sent gets 400, under full traffic, and no weight takes that back.

## Bad
```yaml
# apps/churn/model.yaml, which said shape: [-1, 64] before
inputs: [{name: features, datatype: FP32, shape: [-1, 65]}]
```

## Good
```yaml
# apps/churn-v2/model.yaml, a model of its own that callers move to
inputs: [{name: features, datatype: FP32, shape: [-1, 65]}]
```
"""

from collections.abc import Iterator

from modelctl.check.change import ModelChange
from modelctl.check.placed import in_model
from modelctl.finding import Level, Scope, Violation
from modelctl.model.graph import ANY_SIZE
from modelctl.model.signature import Difference, differences
from modelctl.model.tensors import Contract, Graph
from modelctl.repo import layout

ID = "contract-change-compatible"
LEVEL = Level.ERROR
SCOPE = Scope.CHANGE

_REMEDY = "put it back, and serve what is new as a model of its own that callers move to"


def check(change: ModelChange) -> Iterator[Violation]:
    """One finding for each part of a contract that fails callers of the old one."""
    before, after = change.before.model, change.after.model
    served = any(was.weights for was in change.applied_before.values())
    if before is None or after is None or not served or before.contract == after.contract:
        return
    if change.has_said(layout.model_file(change.folder), "contract"):
        return
    known = [*differences(_as_graph(after.contract), before.contract)]
    for difference in (*known, *_opened(after.contract, before.contract)):
        message = (
            f"{difference.what}: found {difference.found}, expected {difference.expected}, "
            "which callers rely on"
        )
        at = ("contract", *difference.found_at)
        yield in_model(change.after, *at, message=message, remedy=_REMEDY)


def _opened(after: Contract, before: Contract) -> Iterator[Difference]:
    """The sizes of outputs that were fixed and are open now; a graph may leave them open."""
    promised = {tensor.name: tensor.shape for tensor in before.outputs}
    for index, tensor in enumerate(after.outputs):
        was = promised.get(tensor.name, ())
        if len(was) != len(tensor.shape):
            continue
        for axis, (size, old) in enumerate(zip(tensor.shape, was, strict=True)):
            if size == ANY_SIZE and old != ANY_SIZE:
                at = ("outputs", index, "shape", axis)
                what = f"outputs.{tensor.name}.shape[{axis}]"
                yield Difference(what, f"{size} (any size)", f"{old}", at, at)


def _as_graph(contract: Contract) -> Graph:
    return Graph(0, {}, contract.inputs, contract.outputs)
