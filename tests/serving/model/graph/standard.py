"""The node tests of the ONNX standard: for every operator small models with inputs and outputs."""

import warnings
from functools import cache
from typing import Any

from onnx.backend.test.loader import load_model_tests


@cache
def node_tests() -> tuple[Any, ...]:
    """Every case; it has a name, a model and sets of inputs and outputs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # some cases overflow on purpose
        return tuple(load_model_tests(kind="node"))
