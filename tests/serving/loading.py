"""Contracts of the tiny models, and how a test loads one."""

from collections.abc import Callable

from modelserver.model.contract import Contract
from modelserver.model.session import Model
from modelserver.tensor.datatypes import DATATYPES
from modelserver.tensor.spec import TensorSpec

Load = Callable[..., Model]


def specs(**tensors: tuple[str, tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    """Tensors by name."""
    return tuple(
        TensorSpec(name, DATATYPES[datatype], shape) for name, (datatype, shape) in tensors.items()
    )


XY = Contract(specs(x=("FP32", (-1, 2))), specs(y=("FP32", (-1, 2))))
