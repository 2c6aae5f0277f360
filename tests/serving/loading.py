"""Contracts of the tiny models, and how a test loads one."""

from collections.abc import Callable

from modelserver.contract import Contract, TensorSpec
from modelserver.datatypes import DATATYPES
from modelserver.model import Model

Load = Callable[..., Model]


def specs(**tensors: tuple[str, tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    """Tensors by name."""
    return tuple(
        TensorSpec(name, DATATYPES[datatype], shape) for name, (datatype, shape) in tensors.items()
    )


XY = Contract(specs(x=("FP32", (-1, 2))), specs(y=("FP32", (-1, 2))))
