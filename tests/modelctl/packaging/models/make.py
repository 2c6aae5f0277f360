"""Writes the ONNX files beside it with the real converter; the README names its versions."""

from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FOLDER = Path(__file__).parent


def write(name: str, model: object) -> None:
    """Save a converted model as it comes from the converter."""
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def main() -> None:
    """Train and convert each model, with the converter's defaults."""
    x, y = load_iris(return_X_y=True)
    x = x.astype(np.float32)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    logistic = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y)
    write("zipmap-numbers", to_onnx(logistic, x[:1]))
    write("zipmap-texts", to_onnx(LogisticRegression(max_iter=500).fit(x, names), x[:1]))
    forest = RandomForestClassifier(n_estimators=3, max_depth=3, random_state=0).fit(x, y)
    write("forest", to_onnx(forest, x[:1]))
    table = np.array([["red", "s"], ["blue", "m"], ["red", "l"], ["green", "m"]], object)
    encoded = ColumnTransformer([("kinds", OneHotEncoder(), [0, 1])])
    kinds = make_pipeline(encoded, LinearRegression()).fit(table, [1.0, 2.0, 3.0, 4.0])
    write("one-hot-texts", to_onnx(kinds, initial_types=[("x", StringTensorType([None, 2]))]))
    codes = np.array([[3.0], [7.0], [9.0]], np.float32)
    strict = make_pipeline(OneHotEncoder(handle_unknown="error"), LinearRegression())
    strict.fit(codes, [1.0, 2.0, 3.0])
    write("one-hot-codes", to_onnx(strict, initial_types=[("x", FloatTensorType([None, 1]))]))


if __name__ == "__main__":
    main()
