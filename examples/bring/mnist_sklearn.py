"""The network 784-500-10 with scikit-learn, as a pickle with rows to compare on.

Without MNIST's files it learns generated images of 28 by 28, where a bright spot says the class.
Then: `modelctl package mnist.pkl --trust --model mnist --samples mnist.npz --labels
mnist-labels.npy --quantize auto --aim size`.
"""

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from examples import datasets
from examples.bring.distil import flat
from examples.datasets import CLASSES, Split

SEED = 7
PIXELS = 28 * 28
HIDDEN_UNITS = 500
COMPARED = 512  # rows
SPOT = 40  # pixels that are bright


def generated(rows: int) -> Split:
    """Grey images `float32[rows, 784]` from 0 to 255 and their classes, to learn and to test."""
    chance = np.random.default_rng(SEED)
    labels = chance.integers(0, CLASSES, 2 * rows)
    images = chance.uniform(0, 60, (2 * rows, PIXELS)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        start = label * (PIXELS // CLASSES)
        image[start : start + SPOT] += 180
    return Split(images[:rows], labels[:rows], images[rows:], labels[rows:])


def main(words: Sequence[str] | None = None) -> int:
    """Train, say how often it is right, and save it as people do."""
    parser = argparse.ArgumentParser("python -m examples.bring.mnist_sklearn", description=__doc__)
    parser.add_argument("--mnist", type=Path, metavar="DIR", help="MNIST's IDX files")
    parser.add_argument("--out", type=Path, default=Path(), metavar="DIR")
    parser.add_argument("--rows", type=int, default=2000, help="of generated images")
    parser.add_argument("--epochs", type=int, default=5)
    options = parser.parse_args(words)
    data = flat(datasets.mnist(options.mnist)) if options.mnist else generated(options.rows)
    network = MLPClassifier((HIDDEN_UNITS,), max_iter=options.epochs, tol=0, random_state=SEED)
    model = make_pipeline(MinMaxScaler(), network).fit(data.train_inputs, data.train_targets)
    print(f"accuracy {model.score(data.test_inputs, data.test_targets):.4f}")
    (options.out / "mnist.pkl").write_bytes(pickle.dumps(model))
    np.savez(options.out / "mnist.npz", X=data.test_inputs[:COMPARED])
    np.save(options.out / "mnist-labels.npy", data.test_targets[:COMPARED])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
