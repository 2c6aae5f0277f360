"""What ONNX Runtime raises, and what that means for a start or a request."""

import re
from collections.abc import Mapping

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from modelserver.errors import (
    InferenceFailed,
    InvalidRequest,
    ModelMalformed,
    ModelOutOfMemory,
    ModelUnsupported,
    RequestError,
    RequestTooLarge,
    StartError,
)
from modelserver.tensor.datatypes import Array

RAISED: tuple[type[Exception], ...] = (
    ort.EPFail,
    ort.EngineError,
    ort.Fail,
    ort.InvalidArgument,
    ort.InvalidGraph,
    ort.InvalidProtobuf,
    ort.ModelLoaded,
    ort.NoModel,
    ort.NoSuchFile,
    ort.NotImplemented,
    ort.RuntimeException,
    RuntimeError,
    ValueError,
    MemoryError,
)
"""All that a call of ONNX Runtime raises: its own classes have no base."""

# What ONNX Runtime says where memory was short; the class of the error does not tell.
_OUT_OF_MEMORY = (
    *("Failed to allocate memory", "AllocateRawInternal", "bad allocation", "bad_alloc"),
    *("Available memory of", "out of memory"),
)
# What its arena says: how many bytes are left, and how many one step of the run asked for.
_LEFT = re.compile(r"Available memory of (\d+) is smaller than requested bytes of (\d+)")


def of_load(error: Exception) -> StartError:
    """Why a model cannot be loaded."""
    text = brief(error)
    if is_short(error):
        return ModelOutOfMemory(f"{text}; raise resources.memory of the release")
    if isinstance(error, ort.InvalidProtobuf):
        return ModelMalformed(f"{text}; export the model again")
    return ModelUnsupported(
        f"ONNX Runtime {onnxruntime.__version__} cannot load the model: {text}; export it with an "
        "older opset, without custom operators, or use an image with a newer ONNX Runtime"
    )


def of_run(error: Exception) -> RequestError:
    """Why a run failed."""
    if isinstance(error, ort.InvalidArgument):
        return InvalidRequest("inputs", f"the model refuses them: {brief(error)}")
    if is_short(error):
        return _too_large(error)
    return InferenceFailed(f"the model failed: {brief(error)}")


def is_short(error: Exception) -> bool:
    """Whether memory was short."""
    return isinstance(error, MemoryError) or any(word in str(error) for word in _OUT_OF_MEMORY)


def _too_large(error: Exception) -> RequestTooLarge:
    left = _LEFT.search(str(error))
    found = f"found {left[2]} bytes more, expected at most {left[1]}" if left else brief(error)
    return RequestTooLarge(
        f"inputs: a run on them needs more memory than there is for one: {found}; "
        "send less in one request, or raise resources.memory of the release"
    )


def blames_no_elements(error: Exception, feeds: Mapping[str, Array]) -> bool:
    """Whether inputs were refused of which some have no elements."""
    is_refusal = isinstance(error, ort.InvalidArgument)
    return is_refusal and not all(array.size for array in feeds.values())


def blames_reuse(error: BaseException | None) -> bool:
    """Whether a run failed because memory was planned by names of sizes that are not true."""
    while error is not None:
        if "attempting to re-use buffer" in str(error):
            return True
        error = error.__cause__
    return False


def brief(error: Exception) -> str:
    """The first line of ONNX Runtime's message, without its source paths."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].removeprefix("[ONNXRuntimeError] : ")[:500]
