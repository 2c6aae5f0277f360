"""Models with operators that nobody has tried, tried in a process of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

import onnx
import pytest

from modelserver import errors
from onnx_models import node
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

# Python runs it in every process: a child's session ends it where the condition holds.
CRASH = """
import os, signal, sys
if sys.orig_argv[2:4] == ["-m", "modelserver.start.probe"]:
    import onnxruntime
    class Session(onnxruntime.InferenceSession):
        def run(self, outputs, feeds, options=None):
            rows = len(feeds["x"])
            if {condition}:
                os.kill(os.getpid(), signal.{signal})
            return super().run(outputs, feeds, options)
    onnxruntime.InferenceSession = Session
"""


def foreign() -> onnx.ModelProto:
    """A model with an operator that is not of the standard."""
    tensor = ("FP32", ("N", 4))
    model = onnx_models.build(
        [node("FastGelu", "x", "y", domain="com.microsoft")], {"x": tensor}, {"y": tensor}
    )
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    return model


def crashing(folder: Path, condition: str, signal: str = "SIGSEGV") -> dict[str, str]:
    """The environment of a server whose trial process ends where a condition on `rows` holds."""
    (folder / "sitecustomize.py").write_text(CRASH.format(condition=condition, signal=signal))
    return write_release(folder, foreign()) | {"PYTHONPATH": str(folder)}


@pytest.mark.parametrize(
    ("condition", "step", "signal"),
    [("rows == 1", "a run on one row", "SIGABRT"), ("rows > 2", "a run on many rows", "SIGSEGV")],
)
def test_a_model_that_crashes_is_not_served(
    tmp_path: Path, start: "Start", condition: str, step: str, signal: str
) -> None:
    """The start fails by a name, with the signal and the operators, instead of a crash loop."""
    server = start(crashing(tmp_path, condition, signal))
    code = server.exit_code()

    (failure,) = server.events("start-failed")
    assert errors.ModelCrashes.exit_code == code
    assert "ModelCrashes" == failure["error"]
    assert failure["detail"].startswith(f"{step} ended a trial process by {signal}")
    assert "com.microsoft.FastGelu" in failure["detail"]


def test_a_model_that_crashes_over_nothing_is_never_given_that(
    tmp_path: Path, start: "Start"
) -> None:
    """Requests without elements are answered without the model, others by it."""
    server = start(crashing(tmp_path, "rows == 0"))
    server.until("ready")
    none = server.infer({"inputs": [GOOD["inputs"][0] | {"shape": [0, 4], "data": []}]})

    assert (200, [0, 4]) == (none.status_code, none.json()["outputs"][0]["shape"])
    assert server.infer(GOOD).status_code == 200
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("condition", "signal"),
    [("False", "SIGSEGV"), ("rows > 2", "SIGKILL"), ("rows == 1", "SIGKILL")],
)
def test_a_model_that_survives_or_lacked_memory_is_served(
    tmp_path: Path, start: "Start", condition: str, signal: str
) -> None:
    """What the kernel ended for its memory says nothing of the model: this process tries."""
    server = start(crashing(tmp_path, condition, signal))
    server.until("ready")

    assert server.infer(GOOD).status_code == 200
    assert server.stop() == 0


def test_a_model_of_the_standard_is_not_tried(tmp_path: Path, start: "Start") -> None:
    """A trial takes time; what is known to be sound needs none."""
    (tmp_path / "sitecustomize.py").write_text(CRASH.format(condition="True", signal="SIGSEGV"))
    server = start(write_release(tmp_path, onnx_models.affine()) | {"PYTHONPATH": str(tmp_path)})
    server.until("ready")

    assert server.stop() == 0
