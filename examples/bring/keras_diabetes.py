"""The 128-64-1 network on the diabetes data, in Keras: `model.keras` and rows to compare on.

    python examples/bring/keras_diabetes.py diabetes.csv
    modelctl package model.keras --samples samples.npz --trust --model diabetes-keras …

The data: 442 patients, ten measures and the progression after a year, comma-separated with one
line of headings; scikit-learn's `load_diabetes(scaled=False)` gives it.
"""

import sys
from pathlib import Path

import numpy as np

_EPOCHS = 40
_ROWS = 300  # to compare original and copy on


def train(table: Path, folder: Path, epochs: int = _EPOCHS) -> float:
    """Write the model and its rows; gives the mean squared error of what it was trained on."""
    import keras  # noqa: PLC0415 - of the framework's own environment
    from keras import layers  # noqa: PLC0415

    keras.utils.set_random_seed(7)
    data = np.loadtxt(table, delimiter=",", skiprows=1, dtype=np.float32)
    measures, progression = data[:, :-1], data[:, -1:]
    standard = layers.Normalization()  # in the model: callers send measures as they are
    standard.adapt(measures)
    model = keras.Sequential(
        [
            keras.Input((measures.shape[1],), name="measures"),
            standard,
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1, name="progression"),
        ]
    )
    model.compile("adam", "mse")
    model.fit(measures, progression, epochs=epochs, verbose=0)
    model.save(folder / "model.keras")
    np.savez(folder / "samples.npz", measures=measures[:_ROWS])
    return float(model.evaluate(measures, progression, verbose=0))


if __name__ == "__main__":
    print(f"mean squared error {train(Path(sys.argv[1]), Path.cwd()):.0f}")
