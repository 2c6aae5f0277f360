"""MLflow's model folders: the flavour decides, and its file is packaged."""

from pathlib import Path

import pytest

from modelctl.errors import UsageError
from modelctl.packaging import mlmodel, packing
from modelctl.packaging.packing import Wish

_FLAVOURS = {
    "onnx": ("onnx: {data: model.onnx, onnx_version: 1.23.2}", "model.onnx"),
    "sklearn": ("sklearn: {pickled_model: model.skops, sklearn_version: 1.9.1}", "model.skops"),
    "xgboost": ("xgboost: {data: model.ubj, xgb_version: 3.2.0}", "model.ubj"),
    "lightgbm": ("lightgbm: {data: model.pkl, model_class: LGBMClassifier}", "model.pkl"),
    "catboost": ("catboost: {data: model.cb, save_format: cbm}", "model.cb"),
    "keras": ("keras: {data: data, keras_version: 3.15.1}", "data/model.keras"),
    "pytorch": ("pytorch: {model_data: data, pytorch_version: 2.15.0}", "data/model.pth"),
}


def _folder(tmp_path: Path, flavour: str, file: str = "") -> Path:
    text = f"flavors:\n  python_function: {{loader_module: mlflow}}\n  {flavour}\n"
    (tmp_path / "MLmodel").write_text(text)
    if file:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_bytes(b"model")
    return tmp_path


@pytest.mark.parametrize("flavour", _FLAVOURS)
def test_the_flavour_names_the_models_own_file(tmp_path: Path, flavour: str) -> None:
    """Each framework's flavour has its file in a field of its own."""
    text, file = _FLAVOURS[flavour]

    found = mlmodel.inside(_folder(tmp_path, text, file))

    assert (tmp_path / file, flavour) == found


def test_python_alone_is_refused_with_the_way(tmp_path: Path) -> None:
    """Code of one's own has no graph; the model that it loads may have one."""
    with pytest.raises(UsageError, match=r"python_function alone is code .* --before and --after"):
        mlmodel.inside(_folder(tmp_path, ""))


def test_a_flavour_without_onnx_is_refused(tmp_path: Path) -> None:
    """The message has the flavours that were found and those that are known."""
    with pytest.raises(UsageError, match="found the flavour python_function, spark, expected"):
        mlmodel.inside(_folder(tmp_path, "spark: {model_data: sparkml}"))


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    """A folder that was downloaded in part."""
    with pytest.raises(UsageError, match=r"found no model\.onnx, which MLmodel names"):
        mlmodel.inside(_folder(tmp_path, "onnx: {data: model.onnx}"))


@pytest.mark.parametrize("content", [b"", b"a: [", b"flavors: []", b"\xff"])
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """The message has its path."""
    (tmp_path / "MLmodel").write_bytes(content)

    with pytest.raises(UsageError, match="MLmodel"):
        mlmodel.inside(tmp_path)


def test_a_folder_is_packaged_by_what_is_in_it(tmp_path: Path) -> None:
    """A pickle of LightGBM goes to LightGBM's converter, and wants to be trusted."""
    folder = _folder(tmp_path, "lightgbm: {data: model.pkl}", "model.pkl")
    (folder / "model.pkl").write_bytes(b"\x80\x04N.")

    with pytest.raises(UsageError, match=r"model\.pkl is a LightGBM model.*--trust"):
        packing.package(Wish(folder))
