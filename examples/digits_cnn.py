"""A convolutional digit classifier, trained briefly (r1) and well (r2).

Both releases are the same network. r2 sees the data more often, each time moved by up to a pixel,
so it learns shapes rather than positions and makes fewer mistakes on held-out digits.
"""

import numpy as np

from examples import golden
from examples.conv_net import KERNEL, POOL, Parameters, Recipe, train
from examples.datasets import CLASSES, Split, digits
from examples.onnx_export import Port, Step, chain, dense, serialize
from examples.release import Release, accuracy

SEED = 7
GREY_LEVELS = 16
R1 = Recipe(epochs=5, learning_rate=0.002, shift=False)
R2 = Recipe(epochs=40, learning_rate=0.004, shift=True)


def releases() -> tuple[Release, ...]:
    """r1 and r2, trained."""
    data = digits()
    return (_release("r1", data, R1), _release("r2", data, R2))


def steps(parameters: Parameters) -> list[Step]:
    """The trained network as ONNX steps; the graph takes raw grey levels and scales them."""
    scale = np.array(1 / GREY_LEVELS, dtype=np.float32)
    pool = Step("MaxPool", attributes={"kernel_shape": [POOL, POOL], "strides": [POOL, POOL]})
    return [
        Step("Mul", {"image.scale": scale}),
        _convolution(1, parameters),
        Step("Relu"),
        pool,
        _convolution(2, parameters),
        Step("Relu"),
        pool,
        Step("Flatten"),
        dense(1, parameters["dense.weights"], parameters["dense.bias"]),
        Step("Softmax", attributes={"axis": 1}),
    ]


def _convolution(layer: int, parameters: Parameters) -> Step:
    """One convolution that keeps height and width."""
    names = (f"conv{layer}.weights", f"conv{layer}.bias")
    return Step(
        "Conv",
        {name: parameters[name] for name in names},
        {"kernel_shape": [KERNEL, KERNEL], "pads": [1, 1, 1, 1]},
    )


def _release(name: str, data: Split, recipe: Recipe) -> Release:
    """Train by a recipe, export, and measure on the held-out images."""
    images = "shifted images" if recipe.shift else "images as they are"
    parameters = train(
        data.train_inputs / GREY_LEVELS,
        data.train_targets,
        recipe=recipe,
        seed=SEED,
        classes=CLASSES,
    )
    graph = chain(
        steps(parameters),
        source=Port("image", data.train_inputs.shape[1:]),
        result=Port("probabilities", (CLASSES,)),
        summary=f"Handwritten digit from grey levels 0 to {GREY_LEVELS}, two convolutions",
    )
    probabilities = golden.run(serialize(graph), data.test_inputs)
    return Release(
        model="digits-cnn",
        name=name,
        graph=graph,
        trained_from=f"examples/digits_cnn.py seed {SEED}, {recipe.epochs} epochs of {images}",
        data_sha256=data.sha256(),
        metrics={"accuracy": accuracy(probabilities, data.test_targets)},
        golden_inputs=(data.test_inputs[:1], data.test_inputs[1:5]),
        tolerance=golden.Tolerance(absolute=1e-4, relative=1e-3),
    )
