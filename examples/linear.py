"""Linear regression by gradient descent on y = 2x + noise.

r1 stops after a few steps on little data, so its slope is still far from 2. r2 trains on ten times
the data until the gradient has vanished: its error is the noise alone.
"""

from dataclasses import dataclass

import numpy as np

from examples import golden
from examples.datasets import Array, Split
from examples.onnx_export import Port, chain, dense, serialize
from examples.release import Release, root_mean_square_error

SEED = 7
SLOPE = 2.0
NOISE = 0.5  # standard deviation
TEST_SAMPLES = 200
LEARNING_RATE = 0.02


@dataclass(frozen=True)
class Line:
    """y = slope * x + intercept."""

    slope: float
    intercept: float


def releases() -> tuple[Release, ...]:
    """r1 and r2, trained."""
    return (_release("r1", samples=40, steps=5), _release("r2", samples=400, steps=1000))


def sample(samples: int) -> Split:
    """Points `float32[n, 1]` around the line, `float32[n, 1]` their y, and the test points.

    The test points are the same for every number of samples.
    """
    test_inputs, test_targets = _points(np.random.default_rng(SEED), TEST_SAMPLES)
    inputs, targets = _points(np.random.default_rng(SEED + 1), samples)
    return Split(inputs, targets, test_inputs, test_targets)


def fit(inputs: Array, targets: Array, *, steps: int) -> Line:
    """The line after a number of gradient steps on the mean squared error, from slope 0."""
    slope = intercept = 0.0
    for _ in range(steps):
        error = slope * inputs + intercept - targets
        slope -= LEARNING_RATE * 2 * float(np.mean(error * inputs))
        intercept -= LEARNING_RATE * 2 * float(np.mean(error))
    return Line(slope, intercept)


def _release(name: str, *, samples: int, steps: int) -> Release:
    """Train on a number of samples and pack the line as npz and as a graph."""
    data = sample(samples)
    line = fit(data.train_inputs, data.train_targets, steps=steps)
    weights = np.array([[line.slope]], dtype=np.float32)
    bias = np.array([line.intercept], dtype=np.float32)
    graph = chain(
        [dense(1, weights, bias)],
        source=Port("x", (1,)),
        result=Port("y", (1,)),
        summary=f"y = 2x learned from {samples} noisy points in {steps} gradient steps",
    )
    predicted = golden.run(serialize(graph), data.test_inputs)
    return Release(
        model="linear",
        name=name,
        graph=graph,
        trained_from=f"examples/linear.py seed {SEED}, {samples} samples, {steps} steps",
        data_sha256=data.sha256(),
        metrics={
            "rmse": root_mean_square_error(predicted, data.test_targets),
            "slope": line.slope,
            "intercept": line.intercept,
        },
        golden_inputs=(
            np.array([[3.0]], dtype=np.float32),
            np.array([[-5.0], [0.0], [0.25], [5.0]], dtype=np.float32),
        ),
        tolerance=golden.Tolerance(absolute=1e-5, relative=1e-5),
        parameters={"slope": weights, "intercept": bias},
    )


def _points(random: np.random.Generator, count: int) -> tuple[Array, Array]:
    """x, uniform from -5 to 5, and y = 2x + noise, each `float32[count, 1]`."""
    x = random.uniform(-5, 5, size=(count, 1))
    y = SLOPE * x + random.normal(scale=NOISE, size=x.shape)
    return x.astype(np.float32), y.astype(np.float32)
