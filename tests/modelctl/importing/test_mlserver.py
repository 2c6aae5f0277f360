"""A `model-settings.json` of MLServer, in the shapes that its own repository has."""

import json
from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.importing import mlserver
from modelctl.importing.found import Found
from modelctl.model.tensors import TensorSpec
from modelctl.repo.kinds import Batching

_SETTINGS = {
    "name": "iris",
    "implementation": "mlserver_sklearn.SKLearnModel",
    "max_batch_size": 300,
    "max_batch_time": 0.3,
    "parallel_workers": 2,
    "inputs": [
        {
            "name": "input-0",
            "datatype": "FP32",
            "shape": [1, 4],
            "parameters": {"content_type": "np"},
        }
    ],
    "outputs": [{"name": "output-0", "datatype": "INT64", "shape": [1]}],
    "parameters": {"uri": "./model.onnx", "version": "v1.2.3", "extra": {"a": {"b": 1}}},
}


def _read(folder: Path, **changed: object) -> Found:
    return mlserver.read(json.dumps(_SETTINGS | changed), folder, "model-settings.json")


def test_the_file_beside_it_decides_the_format(tmp_path: Path) -> None:
    """An implementation may load several formats; an ONNX file is one whatever loads it."""
    (tmp_path / "model.onnx").write_bytes(b"onnx")

    found = _read(tmp_path)

    assert ("iris", "onnx", tmp_path / "model.onnx") == (found.name, found.kind, found.path)
    assert (Batching(300, 300.0), "version v1.2.3") == (found.batching, found.trained_from)


def test_tensors_have_an_open_batch(tmp_path: Path) -> None:
    """The first size in the description is that of one example."""
    found = _read(tmp_path)

    assert found.contract is not None
    assert (TensorSpec("input-0", "FP32", (-1, 4)),) == found.contract.inputs
    assert (TensorSpec("output-0", "INT64", (-1,)),) == found.contract.outputs


@pytest.mark.parametrize(
    ("implementation", "kind"),
    [
        ("mlserver_sklearn.SKLearnModel", "sklearn"),
        ("mlserver_xgboost.XGBoostModel", "xgboost"),
        ("mlserver.models.SKLearnModel", "sklearn"),
        ("models.MyModel", "models.MyModel"),
    ],
)
def test_the_implementation_names_the_format(
    tmp_path: Path, implementation: str, kind: str
) -> None:
    """Old and new names of MLServer's own runtimes; code of one's own is told as it stands."""
    assert kind == _read(tmp_path, implementation=implementation).kind


def test_what_has_no_place_is_told(tmp_path: Path) -> None:
    """Workers, content types, extras and the server's own settings have a reason each."""
    (tmp_path / "settings.json").write_text('{"http_port": 9000, "debug": true}')

    left = {left.where for left in _read(tmp_path).left}

    assert {"parallel_workers", "parameters.extra", "settings"} <= left


def test_what_is_no_json_is_refused_with_its_place(tmp_path: Path) -> None:
    """The message names file, line and column."""
    with pytest.raises(UsageError, match=r"^settings is no JSON: .*line 1 column 2"):
        mlserver.read("{'name': 1}", tmp_path, "settings")
