"""Boosted trees of XGBoost, LightGBM and CatBoost through the whole of packaging."""

from pathlib import Path

import numpy as np
import pytest

from modelctl.errors import ConversionError
from modelctl.model.graph import read_graph
from modelctl.packaging import packing
from modelctl.packaging.packing import Wish
from tests.modelctl.packaging.environments import made_in, needs

pytestmark = pytest.mark.timeout(600)

_DATA = """
import numpy as np
chance = np.random.default_rng(0)
X = chance.normal(size=(400, 6))
score = X @ [1, -2, 0.5, 0, 1, 0] + X[:, 0] * X[:, 1]
two, three, real = (score > 0).astype(int), np.digitize(score, [-1, 1]), np.abs(score) * 30
"""
_PROGRAMS = {
    "xgboost": """
import xgboost
K = dict(n_estimators=12, max_depth=3)
xgboost.XGBClassifier(**K).fit(X, two).save_model("binary.json")
xgboost.XGBClassifier(**K).fit(X, three).save_model("classes.ubj")
xgboost.XGBRegressor(**K).fit(X, real).save_model("real.json")
names = xgboost.DMatrix(X, real, feature_names=list("abcdef"))
xgboost.train({"objective": "count:poisson"}, names, 9).save_model("named.json")
xgboost.train({"objective": "multi:softmax", "num_class": 3}, xgboost.DMatrix(X, three),
    9).save_model("softmax.json")
xgboost.train({"booster": "gblinear"}, xgboost.DMatrix(X, real), 3).save_model("linear.json")
""",
    "lightgbm": """
import lightgbm
K = dict(n_estimators=12, verbose=-1)
lightgbm.LGBMClassifier(**K).fit(X, two).booster_.save_model("binary.txt")
lightgbm.LGBMClassifier(**K).fit(X, three).booster_.save_model("classes.txt")
lightgbm.LGBMRegressor(**K).fit(X, real).booster_.save_model("real.txt")
X[:, 1] = chance.integers(0, 6, len(X))
data = lightgbm.Dataset(X, real + 40 * (X[:, 1] % 3), categorical_feature=[1])
settings = {"objective": "regression", "verbose": -1, "min_data_per_group": 5}
lightgbm.train(settings, data, 9).save_model("categories.txt")
lightgbm.train({"objective": "mape", "verbose": -1}, lightgbm.Dataset(X, real),
    3).save_model("mape.txt")
""",
    "catboost": """
import catboost
K = dict(iterations=12, verbose=False, allow_writing_files=False)
words = np.array(["low", "middle", "high"])[three]
catboost.CatBoostClassifier(**K).fit(X, two).save_model("binary.cbm")
catboost.CatBoostClassifier(**K).fit(X, words).save_model("classes.cbm")
catboost.CatBoostRegressor(**K).fit(X, real).save_model("real.cbm")
kinds = [[*row[:5], str(int(row[5] > 0))] for row in X]
catboost.CatBoostRegressor(cat_features=[5], **K).fit(kinds, real).save_model("categories.cbm")
""",
}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Folders with models, made when the first test asks for one."""
    return {name: tmp_path_factory.mktemp(name) for name in _PROGRAMS}


def _model(models: dict[str, Path], name: str, file: str) -> Path:
    folder = models[name]
    if not any(folder.iterdir()):
        made_in(name, folder, _DATA + _PROGRAMS[name])
    return folder / file


@pytest.mark.parametrize(
    ("name", "file", "outputs"),
    [
        pytest.param(name, file, outputs, marks=needs(name))
        for name, file, outputs in (
            ("xgboost", "binary.json", ["label", "probabilities"]),
            ("xgboost", "classes.ubj", ["label", "probabilities"]),
            ("xgboost", "softmax.json", ["label", "probabilities"]),
            ("xgboost", "real.json", ["variable"]),
            ("xgboost", "named.json", ["variable"]),
            ("lightgbm", "binary.txt", ["label", "probabilities"]),
            ("lightgbm", "classes.txt", ["label", "probabilities"]),
            ("lightgbm", "real.txt", ["variable"]),
            ("lightgbm", "categories.txt", ["variable"]),
            ("catboost", "binary.cbm", ["label", "probabilities"]),
            ("catboost", "classes.cbm", ["label", "probabilities"]),
            ("catboost", "real.cbm", ["predictions"]),
        )
    ],
)
def test_trees_are_packaged(
    models: dict[str, Path], name: str, file: str, outputs: list[str]
) -> None:
    """Two classes, several and numbers: parity is proven, missing values included."""
    made = packing.package(Wish(_model(models, name, file)))

    graph = read_graph(made.model)
    assert outputs == [each.name for each in graph.outputs]
    assert {-1} == {each.shape[0] for each in (*graph.inputs, *graph.outputs)}


@pytest.mark.parametrize(
    ("name", "file", "words"),
    [
        pytest.param(name, file, words, marks=needs(name))
        for name, file, words in (
            ("xgboost", "linear.json", "found the booster gblinear"),
            ("lightgbm", "mape.txt", "Unsupported LightGbm objective: 'mape'"),
            ("catboost", "categories.cbm", r"found categories in columns \[5\]"),
        )
    ],
)
def test_what_has_no_onnx_form_is_refused(
    models: dict[str, Path], name: str, file: str, words: str
) -> None:
    """The message says what was found and what to train in its place."""
    with pytest.raises(ConversionError, match=words):
        packing.package(Wish(_model(models, name, file)))


@needs("xgboost")
def test_samples_of_another_width_are_refused(models: dict[str, Path], tmp_path: Path) -> None:
    """The message says how many columns there are."""
    np.savez(tmp_path / "rows.npz", X=np.zeros((9, 5)))

    source = _model(models, "xgboost", "real.json")

    with pytest.raises(ConversionError, match="give the array X with 6 columns"):
        packing.package(Wish(source, samples=tmp_path / "rows.npz"))
