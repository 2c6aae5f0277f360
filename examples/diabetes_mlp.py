"""A 128-64-1 regression network on scikit-learn's diabetes data: ten features, one number.

Both releases take the features as a clinic measures them. r1 feeds them to the network as they are,
for a fixed number of epochs. r2 standardises them inside its graph and stops training when a
validation share no longer improves, which lowers the error on held-out patients.
"""

import numpy as np
from sklearn.neural_network import MLPRegressor

from examples import golden
from examples.datasets import Array, Split, diabetes
from examples.onnx_export import Port, Step, chain, dense, serialize
from examples.release import Release, root_mean_square_error

SEED = 7
HIDDEN_UNITS = (128, 64)
R1_EPOCHS = 50


def releases() -> tuple[Release, ...]:
    """r1 and r2, trained."""
    data = diabetes()
    return (_raw(data), _standardised(data))


def _raw(data: Split) -> Release:
    """r1: raw features, a fixed number of epochs."""
    network = MLPRegressor(hidden_layer_sizes=HIDDEN_UNITS, random_state=SEED)
    for _ in range(R1_EPOCHS):
        network.partial_fit(data.train_inputs, data.train_targets)
    return _release("r1", data, _layers(network), trained=f"raw features, {R1_EPOCHS} epochs")


def _standardised(data: Split) -> Release:
    """r2: features standardised in the graph, training stopped early."""
    mean = data.train_inputs.mean(axis=0)
    deviation = data.train_inputs.std(axis=0)
    network = MLPRegressor(
        hidden_layer_sizes=HIDDEN_UNITS,
        random_state=SEED,
        alpha=1.0,  # weight decay; the default overfits 353 patients
        batch_size=32,
        max_iter=1000,
        early_stopping=True,
        validation_fraction=0.15,
        n_iter_no_change=20,
    )
    network.fit((data.train_inputs - mean) / deviation, data.train_targets)
    standardise = [
        Step("Sub", {"features.mean": mean}),
        Step("Div", {"features.deviation": deviation}),
    ]
    return _release(
        "r2",
        data,
        [*standardise, *_layers(network)],
        trained=f"standardised features, stopped after {network.n_iter_} epochs",
    )


def _layers(network: MLPRegressor) -> list[Step]:
    """The trained network as steps: dense layers with ReLU between them."""
    steps: list[Step] = []
    for i, (weights, bias) in enumerate(zip(network.coefs_, network.intercepts_, strict=True), 1):
        steps += [dense(i, weights, bias), Step("Relu")]
    return steps[:-1]


def _release(name: str, data: Split, steps: list[Step], *, trained: str) -> Release:
    """Export and measure one network."""
    graph = chain(
        steps,
        source=Port("features", (10,)),
        result=Port("progression", (1,)),
        summary=f"Diabetes progression after a year, from ten measurements; {trained}",
    )
    predicted = golden.run(serialize(graph), data.test_inputs).ravel()
    return Release(
        model="diabetes-mlp",
        name=name,
        graph=graph,
        trained_from=f"examples/diabetes_mlp.py seed {SEED}, {trained}",
        data_sha256=data.sha256(),
        metrics={
            "rmse": root_mean_square_error(predicted, data.test_targets),
            "r_squared": _r_squared(predicted, data.test_targets),
        },
        golden_inputs=(data.test_inputs[:1], data.test_inputs[1:5]),
        tolerance=golden.Tolerance(absolute=1e-2, relative=1e-4),
    )


def _r_squared(predicted: Array, actual: Array) -> float:
    """The share of the target's variance that the prediction explains; at most 1."""
    return float(1 - np.mean((predicted - actual) ** 2) / np.var(actual))
