"""A small student learns what a large teacher says, and is saved as arrays.

The teacher is a network 64-500-10 on scikit-learn's digits. The student 64-32-10 fits the teacher's
logits, which say of each image how much it looks like every digit: more than its label does. Then:
`modelctl package student.npz --model digits-small`.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.neural_network import MLPClassifier, MLPRegressor

from examples import datasets
from examples.datasets import Array, Split

SEED = 7
GREY_LEVELS = 16
TEACHER_UNITS = 500
STUDENT_UNITS = 32
SMALLEST = 1e-6  # of a probability, or its logarithm would say more than the teacher knows


def train(data: Split, *, epochs: int) -> tuple[MLPClassifier, MLPRegressor]:
    """The teacher, and the student that fits the teacher's logits."""
    images = data.train_inputs / GREY_LEVELS
    teacher = MLPClassifier((TEACHER_UNITS,), max_iter=epochs, tol=0, random_state=SEED)
    teacher.fit(images, data.train_targets)
    student = MLPRegressor(
        hidden_layer_sizes=(STUDENT_UNITS,), max_iter=10 * epochs, tol=0, random_state=SEED
    )
    student.fit(images, logits(teacher.predict_proba(images)))
    return teacher, student


def logits(probabilities: Array) -> Array:
    """Scores whose softmax are the probabilities, around zero for each row."""
    scores = np.log(np.maximum(probabilities, SMALLEST))
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))


def save(student: MLPRegressor, path: Path) -> None:
    """Write the layers by the names that the converter of npz files knows."""
    layers = zip(student.coefs_, student.intercepts_, strict=True)
    arrays: dict[str, Array] = {}
    for number, (weights, bias) in enumerate(layers, 1):
        arrays |= {f"w{number}": weights, f"b{number}": bias}
    np.savez(path, scale=float(GREY_LEVELS), output="softmax", allow_pickle=False, **arrays)


def flat(data: Split) -> Split:
    """The same data, with every image as one row of pixels."""
    train_inputs, test_inputs = (
        images.reshape(len(images), -1) for images in (data.train_inputs, data.test_inputs)
    )
    return Split(train_inputs, data.train_targets, test_inputs, data.test_targets)


def main(words: Sequence[str] | None = None) -> int:
    """Train both, say how often each is right, and save the student."""
    parser = argparse.ArgumentParser("python -m examples.bring.distil", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("student.npz"), metavar="FILE")
    parser.add_argument("--epochs", type=int, default=40)
    options = parser.parse_args(words)
    data = flat(datasets.digits())
    teacher, student = train(data, epochs=options.epochs)
    images = data.test_inputs / GREY_LEVELS
    for name, scores in (
        (f"teacher {TEACHER_UNITS}", teacher.predict_proba(images)),
        (f"student {STUDENT_UNITS}", student.predict(images)),
    ):
        right = float(np.mean(scores.argmax(axis=1) == data.test_targets))
        print(f"{name}: accuracy {right:.4f}")
    save(student, options.out)
    print(f"wrote {options.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
