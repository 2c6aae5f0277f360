"""A run that is ended where it might never end by itself."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as ort

from modelserver.errors import DeadlineExceeded
from modelserver.tensor.datatypes import Array

RUN_LIMIT_S = 30.0
"""Of a run that might never end."""


def run(session: Any, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:  # noqa: ANN401 - ONNX Runtime has no types
    """The arrays that a session of ONNX Runtime gives within `RUN_LIMIT_S`.

    Raises:
        DeadlineExceeded: It was ended.
    """
    options = onnxruntime.RunOptions()
    timer = threading.Timer(RUN_LIMIT_S, setattr, (options, "terminate", True))
    timer.daemon = True
    timer.start()
    try:
        arrays: list[Array] = session.run(outputs, feeds, options)
    except ort.Fail as error:
        if options.terminate:
            raise DeadlineExceeded(
                f"the run was ended after {RUN_LIMIT_S:g} s: the model loops as often as the "
                "request says"
            ) from error
        raise
    finally:
        timer.cancel()
    return arrays
