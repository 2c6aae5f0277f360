"""A convolutional network for CIFAR-10 in Keras: `model.keras` and rows to compare on.

    python examples/bring/keras_cifar10.py cifar-10.npz
    modelctl package model.keras --samples samples.npz --trust --model cifar-keras …

The data: an npz with `images` uint8[rows, 32, 32, 3] and `labels` from 0 to 9. Without a file,
images are made up: a patch whose place is the label.
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_EPOCHS, _MADE_UP = 5, 2000
_ROWS = 256  # to compare original and copy on
_PATCH, _ACROSS = 6, 5  # pixels; ten places are in two lines of five


def made_up(count: int = _MADE_UP) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Noise with a bright patch, whose place is the label."""
    chance = np.random.default_rng(7)
    labels = chance.integers(0, 10, count)
    images = chance.integers(0, 128, (count, 32, 32, 3), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 4 + 16 * (label // _ACROSS), _PATCH * (label % _ACROSS)
        image[top : top + _PATCH, left : left + _PATCH] = 255
    return images, labels


def train(folder: Path, source: Path | None = None, epochs: int = _EPOCHS) -> float:
    """Write the model and its rows; gives the share of right answers on what it was trained on."""
    import keras  # noqa: PLC0415 - of the framework's own environment
    from keras import layers  # noqa: PLC0415

    keras.utils.set_random_seed(7)
    if source:
        data = np.load(source, allow_pickle=False)
        images, labels = data["images"], data["labels"].reshape(-1)
    else:
        images, labels = made_up()
    images = images.astype(np.float32)
    convolution = {"padding": "same", "activation": "relu"}
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3), name="image"),
            layers.Rescaling(1 / 255),  # in the model: callers send pixels as they are
            layers.Conv2D(16, 3, **convolution),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, **convolution),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.2),
            layers.Dense(10, activation="softmax", name="probabilities"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(images, labels, epochs=epochs, batch_size=64, verbose=0)
    model.save(folder / "model.keras")
    np.savez(folder / "samples.npz", image=images[:_ROWS])
    return float(model.evaluate(images, labels, verbose=0)[1])


if __name__ == "__main__":
    given = Path(sys.argv[1]) if sys.argv[1:] else None
    print(f"accuracy {train(Path.cwd(), given):.3f}")
