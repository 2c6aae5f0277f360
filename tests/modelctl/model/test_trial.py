"""A model is tried with the model server's own code before a release of it is written."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import onnx_models
from modelctl.model import trial
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.model.trial import Refusal, Trial
from onnx_models import node, value

_ENCODED = Path(__file__).parents[1] / "packaging" / "models" / "one-hot-codes.onnx"
_XY = Contract((TensorSpec("x", "FP32", (-1, 4)),), (TensorSpec("y", "FP32", (-1, 4)),))


def _tried(model: onnx.ModelProto, **options: object) -> Trial:
    found = trial.run(model.SerializeToString(), **options)  # type: ignore[arg-type]
    assert isinstance(found, Trial), str(found)
    return found


def _refused(model: onnx.ModelProto, **options: object) -> Refusal:
    found = trial.run(model.SerializeToString(), **options)  # type: ignore[arg-type]
    assert isinstance(found, Refusal), str(found)
    return found


def _shapes(contract: Contract) -> dict[str, tuple[int, ...]]:
    return {spec.name: spec.shape for spec in (*contract.inputs, *contract.outputs)}


def _picky() -> onnx.ModelProto:
    """Looks texts up in a table of its own, and has a place for no other."""
    lookup = node("LabelEncoder", "t", "i", domain="ai.onnx.ml", keys_strings=["a"],
                  values_int64s=[0], default_int64=9)  # fmt: skip
    return onnx_models.model(
        node("StringConcat", "x suffix", "t"),
        lookup,
        node("Gather", "table i", "y"),
        inputs=[value("x", TensorProto.STRING, ("N", 1))],
        outputs=[value("y", shape=("N", 1))],
        tensors=[
            helper.make_tensor("suffix", TensorProto.STRING, [1], [b"!"]),
            numpy_helper.from_array(np.ones(1, np.float32), "table"),
        ],
        opsets={"": 20, "ai.onnx.ml": 2},
    )


def test_says_what_a_start_showed() -> None:
    """Contract, memory with room at the peak, batches, and a golden file that was replayed."""
    found = _tried(onnx_models.model(node("Relu", "x", "y")))

    assert {"x": (-1, 4), "y": (-1, 4)} == _shapes(found.contract)
    assert found.peak_bytes <= found.batch_peak_bytes < found.memory_bytes
    assert 0 == found.memory_bytes % (64 << 20)
    assert "proven from the graph" == found.independence
    assert found.golden is not None
    assert {"inputs", "outputs"} == json.loads(found.golden)["cases"][0].keys()


def test_proposes_memory_that_grows_with_the_weights() -> None:
    """A large model is not given what a small one needs."""
    weights = numpy_helper.from_array(np.zeros((4, 20_000_000), np.float32), "w")
    model = onnx_models.model(
        node("MatMul", "x w", "p"),
        node("ReduceMax", "p", "y", axes=[1], keepdims=1),
        outputs=[value("y", shape=("N", 1))],
        tensors=[weights],
    )

    found = _tried(model)

    assert found.memory_bytes > found.batch_peak_bytes > (320 << 20)


def test_gives_a_free_size_that_only_one_number_will_do_as_that_number() -> None:
    """Callers are promised what runs, not what the graph leaves open."""
    model = onnx_models.model(
        node("Reshape", "x one", "y"),
        tensors=[numpy_helper.from_array(np.array([1, 4]), "one")],
        outputs=[value("y", shape=None)],
    )

    found = _tried(model)

    assert {"x": (1, 4), "y": (1, 4)} == _shapes(found.contract)
    assert "x.shape[0] is 1" in found.notes[0]


def test_refuses_a_model_that_would_refuse_what_its_contract_promises() -> None:
    """A release of a model that takes any number of rows has to take two."""
    model = onnx_models.model(
        node("Reshape", "x one", "y"),
        tensors=[numpy_helper.from_array(np.array([1, 4]), "one")],
    )

    found = _refused(model, contract=_XY)

    assert "ContractMismatch" == found.error
    assert "inputs.x.shape[0]" in found.detail


@pytest.mark.parametrize("declared", [None, (1,)])
def test_takes_the_shape_of_an_output_from_runs(declared: tuple[int] | None) -> None:
    """What a graph does not say, or says wrongly, runs tell."""
    model = onnx_models.model(
        node("ArgMax", "x", "y", axis=1, keepdims=0),
        outputs=[value("y", TensorProto.INT64, declared)],
    )

    assert {"x": (-1, 4), "y": (-1,)} == _shapes(_tried(model).contract)


def test_gives_the_shapes_of_outputs_that_the_graph_declares_wrongly() -> None:
    """A server goes by what is declared: a rank that no run has has to be mended in the file."""
    model = onnx_models.model(
        node("Shape", "x", "sizes"),
        node("Cast", "sizes", "f", to=TensorProto.FLOAT),
        node("Concat", "f one", "g", axis=0),
        node("Compress", "g all", "h", axis=0),  # of a length that nobody knows before it runs
        node("Cast", "h", "s", to=TensorProto.INT64),
        node("Reshape", "x s", "y"),
        tensors=[
            numpy_helper.from_array(np.ones(1, np.float32), "one"),
            numpy_helper.from_array(np.ones(3, bool), "all"),
        ],
    )

    assert {"y": (-1, 4, 1)} == _refused(model).shapes


def test_records_a_number_by_itself() -> None:
    """An input without dimensions is one in the golden file as well."""
    model = onnx_models.model(
        node("Mul", "x k", "y"),
        inputs=[value("x"), value("k", shape=())],
    )

    found = _tried(model)

    assert found.golden is not None
    assert [[1, 4], []] == [e["shape"] for e in json.loads(found.golden)["cases"][0]["inputs"]]


def test_finds_a_value_that_runs_in_the_categories_of_the_graph() -> None:
    """An encoder that refuses what it has not seen is given what it has seen."""
    found = trial.run(_ENCODED)

    assert isinstance(found, Trial), str(found)
    assert found.golden is not None
    assert [3] == json.loads(found.golden)["cases"][0]["inputs"][0]["data"]


def test_refuses_what_runs_on_nothing_made_up_with_the_option_to_give() -> None:
    """The owner knows a value; the command says how it is told."""
    found = _refused(_picky())

    assert "WarmUpFailed" == found.error
    assert "--example" in str(found)


def test_runs_the_example_first_and_records_what_it_gave() -> None:
    """A golden file of the owner's own input is worth more than one of made-up input."""
    example = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4],
                           "data": [-1, 2, -3, 4]}]}  # fmt: skip

    found = _tried(onnx_models.model(node("Relu", "x", "y")), example=json.dumps(example).encode())

    assert found.golden is not None
    assert [0, 2, 0, 4] == json.loads(found.golden)["cases"][0]["outputs"][0]["data"]


def test_refuses_an_example_that_does_not_fit_the_contract() -> None:
    """The words name the place in the example."""
    example = b'{"inputs": [{"name": "z", "datatype": "FP32", "shape": [1], "data": [1]}]}'

    found = _refused(onnx_models.model(node("Relu", "x", "y")), example=example)

    assert "example: inputs[0].name" in found.detail


def test_makes_no_golden_file_of_answers_that_differ_from_run_to_run() -> None:
    """Such a file would keep the next server from starting."""
    model = onnx_models.model(
        node("RandomUniformLike", "x", "r"),
        node("Add", "x r", "y"),
    )

    found = _tried(model)

    assert found.golden is None
    assert "other answers" in found.notes[-1]


def test_refuses_a_golden_file_of_another_model() -> None:
    """It is replayed as a server replays it."""
    other = _tried(onnx_models.model(node("Neg", "x", "y")))

    found = _refused(onnx_models.model(node("Relu", "x", "y")), golden=other.golden)

    assert "GoldenMismatch" == found.error


def test_refuses_a_model_that_asks_for_more_memory_than_there_is() -> None:
    """The child alone is out of memory."""
    model = onnx_models.model(
        node("ConstantOfShape", "size", "large"),
        node("ReduceSum", "large", "sum", keepdims=0),
        node("Add", "x sum", "y"),
        tensors=[numpy_helper.from_array(np.array([1 << 44]), "size")],
    )

    assert _refused(model).error in {"ModelOutOfMemory", "WarmUpFailed"}


def test_refuses_what_onnx_runtime_does_not_load_in_the_servers_words() -> None:
    """The words are those that the server's log would have."""
    found = _refused(onnx_models.model(node("Relu", "x", "y", domain="own"), opsets={"own": 1}))

    assert "ModelUnsupported" == found.error
    assert "cannot load the model" in found.detail


def test_says_that_the_model_ended_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the child, the command goes on and says so."""
    monkeypatch.setattr(trial, "_MODULE", "modelserver.start.reclaim")

    found = _refused(onnx_models.model(node("Ceil", "x", "y")))

    assert "ModelCrashes" == found.error


def test_ends_a_start_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model keeps a command waiting for ever."""
    monkeypatch.setattr(trial, "MAX_WALL_S", 0.01)

    found = _refused(onnx_models.model(node("Floor", "x", "y")))

    assert "took more than" in found.detail
