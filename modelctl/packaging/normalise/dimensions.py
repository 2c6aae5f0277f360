"""The first dimension of a model that takes any number of rows is named `batch`.

Names of dimensions say which sizes are equal. A name is only given where there was none, or one
that says nothing, and only if one name stands for the rows of all inputs; a fixed size stays.
"""

import re
from typing import Any

from modelctl.packaging.normalise import walking

_Proto = Any  # protobuf messages carry no types here

BATCH = "batch"
_NOTHING = re.compile(
    r"[\W\d_]*|(?:\w*_)?(?:none|unk|unknown|dyn|dynamic|dynamic_axes)[\W\d_]*", re.IGNORECASE
)


def apply(model: _Proto) -> list[str]:
    """Name the dimension of the rows."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    firsts = [value.type.tensor_type.shape.dim[:1] for value in inputs]
    if not firsts or not all(first and not first[0].HasField("dim_value") for first in firsts):
        return []
    names = {first[0].dim_param for first in firsts}
    if len(names) > 1 or not _NOTHING.fullmatch(*names) or _has_name(model, BATCH):
        return []
    (name,) = names
    if not name and len(firsts) > 1:
        return []
    for first in firsts:
        first[0].dim_param = BATCH
    for dimension in walking.messages(model, "Dimension") if name else ():
        if dimension.dim_param == name:
            dimension.dim_param = BATCH
    return [f"the first dimension is named {BATCH}"]


def _has_name(model: _Proto, name: str) -> bool:
    return any(each.dim_param == name for each in walking.messages(model, "Dimension"))
