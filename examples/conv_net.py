"""A small convolutional network in NumPy: forward pass, gradients, and training with Adam.

Two blocks, each a 3x3 convolution, ReLU and 2x2 max pooling, then one dense layer to the classes.
Images are `[n, channels, height, width]`, as in ONNX. The gradients are written out by hand and
checked against finite differences in the tests.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

Floats = npt.NDArray[np.floating]
Labels = npt.NDArray[np.int64]
Parameters = dict[str, Floats]

KERNEL = 3
POOL = 2
CHANNELS = (16, 32)
BATCH_SIZE = 32
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8  # Adam's usual constants


@dataclass(frozen=True)
class Recipe:
    """How to train; with `shift` every image moves by up to one pixel each time it is seen."""

    epochs: int
    learning_rate: float
    shift: bool


@dataclass(frozen=True)
class Block:
    """One block's forward pass, kept for its backward pass."""

    columns: Floats  # [n, height, width, channels * 9], the window around every pixel
    activated: Floats  # [n, filters, height, width], after ReLU
    pooled: Floats  # [n, filters, height / 2, width / 2]


def train(images: Floats, labels: Labels, *, recipe: Recipe, seed: int, classes: int) -> Parameters:
    """The parameters after training on images scaled to 0..1; the same seed gives the same."""
    random = np.random.default_rng(seed)
    parameters = initial(random, side=images.shape[-1], classes=classes)
    mean = {name: np.zeros_like(value) for name, value in parameters.items()}
    square = {name: np.zeros_like(value) for name, value in parameters.items()}
    last_step = recipe.epochs * -(-len(images) // BATCH_SIZE)
    for step, chosen in enumerate(_batches(random, len(images), recipe.epochs), 1):
        batch = shifted(random, images[chosen]) if recipe.shift else images[chosen]
        _, gradients = loss_and_gradients(parameters, batch, labels[chosen])
        rate = recipe.learning_rate * (1 + np.cos(np.pi * step / last_step)) / 2  # falls to 0
        rate *= np.sqrt(1 - SQUARE_DECAY**step) / (1 - MEAN_DECAY**step)  # both averages start at 0
        for name, gradient in gradients.items():
            mean[name] += (1 - MEAN_DECAY) * (gradient - mean[name])
            square[name] += (1 - SQUARE_DECAY) * (gradient**2 - square[name])
            parameters[name] -= float(rate) * mean[name] / (np.sqrt(square[name]) + EPSILON)
    return parameters


def initial(random: np.random.Generator, *, side: int, classes: int) -> Parameters:
    """He-initialised float32 parameters for grey images of `side` x `side` pixels."""
    first, second = CHANNELS
    shapes = {
        "conv1": (first, 1, KERNEL, KERNEL),
        "conv2": (second, first, KERNEL, KERNEL),
        "dense": (second * (side // POOL**2) ** 2, classes),
    }
    parameters: Parameters = {}
    for layer, shape in shapes.items():
        inputs = shape[0] if layer == "dense" else int(np.prod(shape[1:]))
        outputs = shape[1] if layer == "dense" else shape[0]
        weights = random.normal(scale=np.sqrt(2 / inputs), size=shape)
        parameters[f"{layer}.weights"] = weights.astype(np.float32)
        parameters[f"{layer}.bias"] = np.zeros(outputs, dtype=np.float32)
    return parameters


def loss_and_gradients(
    parameters: Parameters, images: Floats, labels: Labels
) -> tuple[float, Parameters]:
    """Mean cross-entropy of the batch, and its derivative by every parameter."""
    block1 = _forward(images, parameters["conv1.weights"], parameters["conv1.bias"])
    block2 = _forward(block1.pooled, parameters["conv2.weights"], parameters["conv2.bias"])
    flat = block2.pooled.reshape(len(images), -1)
    logits = flat @ parameters["dense.weights"] + parameters["dense.bias"]
    loss, d_logits = _cross_entropy(logits, labels)

    d_pooled2 = (d_logits @ parameters["dense.weights"].T).reshape(block2.pooled.shape)
    d_pooled1, d_weights2, d_bias2 = _backward(d_pooled2, block2, parameters["conv2.weights"])
    _, d_weights1, d_bias1 = _backward(d_pooled1, block1, parameters["conv1.weights"])
    return loss, {
        "conv1.weights": d_weights1,
        "conv1.bias": d_bias1,
        "conv2.weights": d_weights2,
        "conv2.bias": d_bias2,
        "dense.weights": flat.T @ d_logits,
        "dense.bias": d_logits.sum(axis=0),
    }


def shifted(random: np.random.Generator, images: Floats) -> Floats:
    """Every image moved by -1, 0 or 1 pixel in each direction; what moves in is black."""
    height, width = images.shape[2:]
    positions = sliding_window_view(_padded(images), (height, width), axis=(2, 3))
    down, right = random.integers(0, 3, size=(2, len(images)))
    return positions[np.arange(len(images)), :, down, right]


def _batches(random: np.random.Generator, count: int, epochs: int) -> Iterator[Labels]:
    """The indices of every batch; each epoch takes all images, in a new order."""
    for _ in range(epochs):
        order = random.permutation(count)
        for start in range(0, count, BATCH_SIZE):
            yield order[start : start + BATCH_SIZE]


def _cross_entropy(logits: Floats, labels: Labels) -> tuple[float, Floats]:
    """Mean cross-entropy of softmax(logits), and its derivative by the logits."""
    exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = exponents / exponents.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -float(np.mean(np.log(probabilities[rows, labels])))
    probabilities[rows, labels] -= 1
    return loss, probabilities / len(labels)


def _forward(images: Floats, weights: Floats, bias: Floats) -> Block:
    """Convolution, ReLU and max pooling of `[n, channels, height, width]`."""
    count, _, height, width = images.shape
    windows = sliding_window_view(_padded(images), (KERNEL, KERNEL), axis=(2, 3))
    columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(count, height, width, -1)
    convolved = columns @ weights.reshape(len(weights), -1).T + bias
    activated = np.maximum(convolved, 0).transpose(0, 3, 1, 2)
    pools = activated.reshape(count, -1, height // POOL, POOL, width // POOL, POOL)
    return Block(columns, activated, pools.max(axis=(3, 5)))


def _backward(d_pooled: Floats, block: Block, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """The loss's derivatives by the block's images, weights and bias."""
    filters, channels = weights.shape[:2]
    is_maximum = (block.activated == _upsampled(block.pooled)) & (block.activated > 0)
    d_convolved = (_upsampled(d_pooled) * is_maximum).transpose(0, 2, 3, 1)
    flat = d_convolved.reshape(-1, filters)
    d_weights = flat.T @ block.columns.reshape(len(flat), -1)
    d_windows = (d_convolved @ weights.reshape(filters, -1)).reshape(
        *d_convolved.shape[:3], channels, KERNEL, KERNEL
    )
    return _folded(d_windows), d_weights.reshape(weights.shape), flat.sum(axis=0)


def _folded(windows: Floats) -> Floats:
    """Adds up the windows of all pixels where they overlap: the reverse of taking windows."""
    count, height, width, channels = windows.shape[:4]
    padded = np.zeros((count, channels, height + 2, width + 2), dtype=windows.dtype)
    for row in range(KERNEL):
        for column in range(KERNEL):
            part = windows[..., row, column].transpose(0, 3, 1, 2)
            padded[:, :, row : row + height, column : column + width] += part
    return padded[:, :, 1:-1, 1:-1]


def _padded(images: Floats) -> Floats:
    """The images with a border of one black pixel."""
    return np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)))


def _upsampled(pooled: Floats) -> Floats:
    """Every value repeated over the 2x2 pixels that it was pooled from."""
    return pooled.repeat(POOL, axis=2).repeat(POOL, axis=3)
