"""Trains small scikit-learn models on generated data and saves them as people do.

Runs in the converter's environment: `python train_sklearn.py FOLDER`.
"""

# ruff: noqa: D103
import pickle
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import skops.io
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

ROWS = 300
chance = np.random.default_rng(7)
X = chance.normal(size=(ROWS, 4))
y = (X[:, 0] + X[:, 1] > 0).astype(int)
z = X @ [1.0, 2.0, 3.0, 4.0]
TEXTS = np.array([["a", "x"], ["b", "y"], ["c", "x"]] * 100)
FRAME = pd.DataFrame(
    {
        "monthly charge": chance.uniform(10, 100, ROWS),
        "months": chance.integers(1, 72, ROWS),
        "plan": chance.choice(["basic", "plus"], ROWS),
        "région": chance.choice(["nord", "süd", "ost"], ROWS),
    }
)


def images() -> tuple[np.ndarray, np.ndarray]:
    """Grey images of 28 by 28 with a bright spot that says the class, as MNIST is shaped."""
    labels = chance.integers(0, 10, 600)
    pixels = chance.uniform(0, 60, (600, 784))
    for row, label in enumerate(labels):
        pixels[row, label * 78 : label * 78 + 40] += 180
    return pixels.astype(np.float32), labels


def table() -> Pipeline:
    return make_pipeline(
        make_column_transformer(
            (StandardScaler(), ["monthly charge", "months"]),
            (OneHotEncoder(handle_unknown="ignore"), ["plan", "région"]),
        ),
        LogisticRegression(),
    )


def doubled(values: np.ndarray) -> np.ndarray:
    return values * 2


PIXELS, DIGITS = images()
MODELS = {
    "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(X * 100 + 50, y),
    "forest": RandomForestClassifier(10, random_state=0).fit(X, y),
    "boosting": GradientBoostingRegressor(n_estimators=10, random_state=0).fit(X, z),
    "text-labels": LogisticRegression().fit(X, np.array(["no", "yes"])[y]),
    "bool-labels": RandomForestClassifier(5, random_state=0).fit(X, y.astype(bool)),
    "two-outputs": LinearRegression().fit(X, X[:, :2]),
    "clusters": KMeans(3, n_init=1, random_state=0).fit(X),
    "outliers": IsolationForest(n_estimators=10, random_state=0).fit(X),
    "margins": LinearSVC().fit(X, y),
    "kernel": SVC().fit(X, (X[:, 0] * 2).astype(int)),
    "ridge": RidgeClassifier().fit(X, y),
    "projection": PCA(2).fit(X),
    "searched": GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}).fit(X, y),
    "categories": make_pipeline(OneHotEncoder(), LogisticRegression()).fit(TEXTS, TEXTS[:, 0]),
    "codes": make_pipeline(OneHotEncoder(), LogisticRegression()).fit(
        np.array([[0, 5], [1, 6], [2, 5]] * 100), [0, 1, 1] * 100
    ),
    "columns": table().fit(FRAME, chance.integers(0, 2, ROWS)),
    "named": LogisticRegression().fit(pd.DataFrame(X, columns=["a", "b", "c", "d"]), y),
    "documents": make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(
        ["good fine movie", "bad awful film", "great good plot", "poor bad acting"] * 75, y
    ),
    "several": MultiOutputClassifier(LogisticRegression()).fit(X, np.stack([y, 1 - y], axis=1)),
    "voting": VotingClassifier(
        [("a", LogisticRegression()), ("b", GaussianNB())], voting="soft"
    ).fit(X, y),
    "remainder": make_pipeline(
        make_column_transformer((OneHotEncoder(), ["plan"]), remainder="passthrough"),
        LogisticRegression(),
    ).fit(FRAME.drop(columns="région"), y),
    "digits": MLPClassifier((500,), max_iter=3, random_state=0).fit(PIXELS / 255, DIGITS),
    "hist-regressor": HistGradientBoostingRegressor(max_iter=3).fit(X, z),
    "hist-classifier": HistGradientBoostingClassifier(max_iter=3).fit(X, y),
    "ada-bool": AdaBoostClassifier(n_estimators=3).fit(X, y.astype(bool)),
    "text-gaps": make_pipeline(
        SimpleImputer(strategy="most_frequent"), OneHotEncoder(), LogisticRegression()
    ).fit(TEXTS.astype(object), TEXTS[:, 0]),
    "own-function": make_pipeline(FunctionTransformer(doubled), LogisticRegression()).fit(X, y),
    "unfitted": LogisticRegression(),
    "no-estimator": {"weights": [1, 2]},
}


class Elsewhere:
    """Pickled under the name of a module that is nowhere."""


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, model in MODELS.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))
    joblib.dump(MODELS["forest"], folder / "forest.joblib")
    skops.io.dump(MODELS["pipeline"], folder / "pipeline.skops")
    skops.io.dump(MODELS["own-function"], folder / "own-function.skops")
    (folder / "missing.pkl").write_bytes(b"cchurn_training\nModel\n.")
    old = pickle.dumps(MODELS["pipeline"])
    version = MODELS["pipeline"].__getstate__()["_sklearn_version"].encode()
    other = version.replace(b"1.", b"0.", 1)
    (folder / "old.pkl").write_bytes(old.replace(version, other))
    np.savez(folder / "digits.npz", X=(PIXELS / 255)[:300])
    np.save(folder / "digits-labels.npy", DIGITS[:300])
    columns = {name: FRAME[name].to_numpy() for name in FRAME}
    np.savez(
        folder / "columns.npz",
        **{n: each.astype(str) if each.dtype == object else each for n, each in columns.items()},
    )
