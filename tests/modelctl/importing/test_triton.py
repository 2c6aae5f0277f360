"""A `config.pbtxt` of Triton, in the shapes that its own repository has."""

from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.importing import triton
from modelctl.importing.found import Found
from modelctl.model.tensors import TensorSpec
from modelctl.repo.kinds import Batching, Gpu

_BATCHED = """
name: "resnet50"
platform: "onnxruntime_onnx"
max_batch_size: 16
input [{ name: "input", data_type: TYPE_FP32, format: FORMAT_NCHW, dims: [ 3, 224, 224 ] }]
output [{ name: "output", data_type: TYPE_FP32, dims: [ 1000 ], label_filename: "labels.txt" }]
instance_group [{ count: 2, kind: KIND_GPU, gpus: [ 0, 1 ] }]
dynamic_batching { preferred_batch_size: [ 4, 8 ], max_queue_delay_microseconds: 2500 }
parameters { key: "intra_op_thread_count" value: { string_value: "4" } }
optimization { execution_accelerators { gpu_execution_accelerator: [
  { name: "tensorrt" parameters { key: "precision_mode" value: "FP16" } } ] } }
version_policy: { latest { num_versions: 2 } }
"""


def _read(tmp_path: Path, text: str, *versions: str) -> Found:
    for version in versions:
        (tmp_path / version).mkdir()
        (tmp_path / version / "model.onnx").write_bytes(b"onnx")
    return triton.read(text, tmp_path, "config.pbtxt")


def test_a_batched_model_gets_the_batch_in_front(tmp_path: Path) -> None:
    """`dims` leave the batch out where `max_batch_size` says that there is one."""
    found = _read(tmp_path, _BATCHED)

    assert found.contract is not None
    assert (TensorSpec("input", "FP32", (-1, 3, 224, 224)),) == found.contract.inputs
    assert (TensorSpec("output", "FP32", (-1, 1000)),) == found.contract.outputs


def test_what_has_a_place_is_carried_over(tmp_path: Path) -> None:
    """Batching, threads, GPU and providers become fields of a release."""
    found = _read(tmp_path, _BATCHED)

    assert ("onnx", Batching(16, 2.5), 4) == (found.kind, found.batching, found.threads)
    assert Gpu("nvidia.com/gpu", 1) == found.gpu
    assert ("tensorrt", "cuda", "cpu") == found.providers


def test_what_has_none_is_told_with_its_reason(tmp_path: Path) -> None:
    """Labels, instances, versions and options of the accelerator are in the list."""
    left = {left.where: left.why for left in _read(tmp_path, _BATCHED).left}

    assert {
        "input.format",
        "output.label_filename",
        "instance_group",
        "version_policy",
    } <= left.keys()
    assert any("scale" in why for why in left.values())


def test_without_a_batch_the_shape_is_that_of_the_graph(tmp_path: Path) -> None:
    """`reshape` says what the graph takes; `dims` what Triton's callers send."""
    text = """name: "densenet_onnx" platform: "onnxruntime_onnx" max_batch_size : 0
      input [{ name: "data_0" data_type: TYPE_FP32 dims: [3, 224, 224]
               reshape { shape: [1, 3, 224, 224] } }]
      output [{ name: "fc6_1" data_type: TYPE_STRING dims: [1000] }]"""
    found = _read(tmp_path, text)

    assert found.contract is not None
    assert (TensorSpec("data_0", "FP32", (1, 3, 224, 224)),) == found.contract.inputs
    assert (TensorSpec("fc6_1", "BYTES", (1000,)),) == found.contract.outputs


def test_the_latest_version_is_imported(tmp_path: Path) -> None:
    """Versions are numbers, not words; the older ones are releases that somebody may add."""
    found = _read(tmp_path, 'name: "m"', "2", "10")

    assert tmp_path / "10" / "model.onnx" == found.path
    assert ("onnx", None) == (found.kind, found.contract)
    assert ["2/model.onnx"] == [left.where for left in found.left]


def test_tensors_that_triton_completes_are_left_to_the_graph(tmp_path: Path) -> None:
    """A configuration may name an input without type or sizes."""
    found = _read(tmp_path, 'backend: "onnxruntime" input [{ name: "x" }]')

    assert (None, "onnx") == (found.contract, found.kind)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('platform: "ensemble" ensemble_scheduling { step [] }', "found an ensemble"),
        ("sequence_batching { }", "found sequence_batching"),
        ('input [{ name: "x" data_type: TYPE_FP33 dims: 1 }]', "found the data_type 'TYPE_FP33'"),
        ("max_batch_size: many", "max_batch_size: found 'many', expected a whole number"),
    ],
)
def test_what_is_no_single_model_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """Ensembles, models with memory and faulty fields say what to do."""
    with pytest.raises(UsageError, match=words):
        _read(tmp_path, text)
