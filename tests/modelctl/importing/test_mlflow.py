"""An MLflow registry by its REST interface: versions, aliases, flavours, refusals."""

import pytest

from modelctl.errors import ModelctlError, UsageError
from modelctl.importing import mlflow
from modelctl.importing.mlflow import Reference
from modelctl.model.tensors import TensorSpec
from tests.modelctl.importing.registry import ONNX, SKLEARN, registry

_FILES = {"MLmodel": ONNX.encode(), "model.onnx": b"onnx"}
_TOKEN = "abc"  # noqa: S105 - of a server of this test
_SERVER = "https://mlflow.models.test"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("models:/iris/2", Reference(_SERVER, "iris", "2")),
        ("models:/iris@champion", Reference(_SERVER, "iris", alias="champion")),
        ("models:/iris", Reference(_SERVER, "iris")),
        (f"{_SERVER}/#/models/my%20iris/versions/7", Reference(_SERVER, "my iris", "7")),
        (f"{_SERVER}/base/#/models/iris/versions/7", Reference(f"{_SERVER}/base", "iris", "7")),
        ("isvc.yaml", None),
        (f"{_SERVER}/model.onnx", None),
    ],
)
def test_a_reference_or_the_address_of_a_page_names_a_version(
    source: str, expected: Reference | None
) -> None:
    """Other words name none, and go on to be files."""
    environ = {"MLFLOW_TRACKING_URI": f"{_SERVER}/"}

    assert expected == mlflow.reference(source, None, environ)


@pytest.mark.parametrize("address", ["", "sqlite:///mlflow.db", "databricks"])
def test_a_reference_needs_a_registry_with_an_address(address: str) -> None:
    """The message names option and variable."""
    with pytest.raises(UsageError, match=r"--registry URL, or MLFLOW_TRACKING_URI"):
        mlflow.reference("models:/iris/2", None, {"MLFLOW_TRACKING_URI": address})


@pytest.mark.parametrize(
    "wanted", [{"version": "2"}, {"alias": "champion"}, {}, {"version": "latest"}]
)
def test_a_version_is_read_with_its_file(wanted: dict[str, str]) -> None:
    """By number, alias or as the latest: description, signature, metrics and bytes."""
    with registry(_FILES) as address:
        found, content = mlflow.read(Reference(address, "iris", **wanted), {})

    assert ("onnx", b"onnx") == (found.kind, content)
    assert ("Tells irises apart.", "MLflow run 7e1f") == (found.description, found.trained_from)
    assert {"accuracy": 0.97} == found.metrics
    assert found.contract is not None
    assert (TensorSpec("column_0", "FP32", (-1, 1)),) == found.contract.inputs
    assert (TensorSpec("y", "FP64", (-1, 1)),) == found.contract.outputs


def test_another_flavour_is_named() -> None:
    """A model of scikit-learn has no ONNX file; nothing is downloaded."""
    with registry({"MLmodel": SKLEARN.encode()}) as address:
        found, content = mlflow.read(Reference(address, "iris", "2"), {})

    assert ("sklearn", None) == (found.kind, content)


def test_a_stage_is_a_version() -> None:
    """Registries before aliases have stages."""
    with registry(_FILES) as address:
        found, _ = mlflow.read(Reference(address, "iris", "production"), {})

    assert "iris" == found.name


def test_what_the_registry_refuses_is_told_in_its_words() -> None:
    """A model that is not there, and a stage that no version is in."""
    with registry(_FILES) as address:
        with pytest.raises(UsageError, match="Model not found"):
            mlflow.read(Reference(address, "other", "2"), {})
        with pytest.raises(UsageError, match="found no version in 'Staging', expected a number"):
            mlflow.read(Reference(address, "iris", "Staging"), {})


def test_credentials_are_those_of_mlflow_itself() -> None:
    """Without them the refusal names the variables."""
    with registry(_FILES, token=_TOKEN) as address:
        with pytest.raises(UsageError, match="MLFLOW_TRACKING_TOKEN"):
            mlflow.read(Reference(address, "iris", "2"), {})
        found, _ = mlflow.read(Reference(address, "iris", "2"), {"MLFLOW_TRACKING_TOKEN": _TOKEN})

    assert "iris" == found.name


def test_a_registry_that_is_not_there_is_told() -> None:
    """The message has its address."""
    with registry(_FILES) as address:
        pass

    with pytest.raises(ModelctlError, match=f"{address} cannot be reached"):
        mlflow.read(Reference(address, "iris", "2"), {})
