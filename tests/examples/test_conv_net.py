"""The convolutional network's gradients and training."""

import numpy as np
import pytest

from examples.conv_net import Floats, Labels, Recipe, initial, loss_and_gradients, shifted, train

STEP = 1e-6


@pytest.fixture
def random() -> np.random.Generator:
    """A source of numbers that are the same in every run."""
    return np.random.default_rng(3)


def pictures(random: np.random.Generator, count: int) -> tuple[Floats, Labels]:
    """Noise of two kinds, float64: bright on the left is class 0, bright on the right class 1."""
    labels = random.integers(0, 2, size=count)
    images = random.random((count, 1, 8, 8))
    images[labels == 0, :, :, :4] += 1
    images[labels == 1, :, :, 4:] += 1
    return images, labels


@pytest.mark.parametrize(
    "name",
    [f"{layer}.{kind}" for layer in ("conv1", "conv2", "dense") for kind in ("weights", "bias")],
)
def test_gradient_matches_finite_differences(name: str, random: np.random.Generator) -> None:
    """Every analytic derivative equals the change of the loss for a small change of the number."""
    images, labels = pictures(random, 4)
    parameters = {
        key: value.astype(np.float64) + random.normal(scale=0.1, size=value.shape)
        for key, value in initial(random, side=8, classes=2).items()
    }
    _, gradients = loss_and_gradients(parameters, images, labels)
    values, gradient = parameters[name].reshape(-1), gradients[name].reshape(-1)

    for i in random.choice(values.size, size=min(values.size, 20), replace=False):
        original = values[i]
        values[i] = original + STEP
        above, _ = loss_and_gradients(parameters, images, labels)
        values[i] = original - STEP
        below, _ = loss_and_gradients(parameters, images, labels)
        values[i] = original

        assert pytest.approx((above - below) / (2 * STEP), rel=1e-4, abs=1e-8) == gradient[i]


def test_training_separates_two_kinds_of_pictures(random: np.random.Generator) -> None:
    """A few epochs are enough to bring the loss on an easy task close to zero."""
    images, labels = pictures(random, 64)
    recipe = Recipe(epochs=15, learning_rate=0.005, shift=False)

    parameters = train(images.astype(np.float32), labels, recipe=recipe, seed=0, classes=2)
    loss, _ = loss_and_gradients(parameters, images, labels)

    assert loss < 0.01


def test_training_with_one_seed_gives_the_same_numbers(random: np.random.Generator) -> None:
    """The seed decides initial weights, order and shifts: two trainings are equal bit by bit."""
    images, labels = pictures(random, 40)
    recipe = Recipe(epochs=1, learning_rate=0.005, shift=True)

    first, second = (train(images, labels, recipe=recipe, seed=5, classes=2) for _ in range(2))

    assert first.keys() == second.keys()
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_shifted_moves_by_at_most_one_pixel(random: np.random.Generator) -> None:
    """A bright pixel in the middle is, after a shift, in one of the nine places around it."""
    images = np.zeros((500, 1, 8, 8))
    images[:, :, 4, 4] = 1

    moved = shifted(random, images)

    places = {tuple(map(int, place[2:])) for place in np.argwhere(moved)}
    assert {(row, column) for row in (3, 4, 5) for column in (3, 4, 5)} == places
    assert moved.sum() == 500
