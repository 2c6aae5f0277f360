"""Models of Keras through the whole of packaging: they answer as Keras does."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from modelctl.errors import ConversionError
from modelctl.model.graph import read_graph
from modelctl.packaging import packing
from modelctl.packaging.packing import Wish
from scratch import PROJECT
from tests.modelctl.packaging.environments import made_in, needs

pytestmark = [needs("keras"), pytest.mark.timeout(600)]

_MADE = f"""
import sys, numpy as np, keras
from pathlib import Path
from keras import layers as L
sys.path.insert(0, {str(PROJECT)!r})
from examples.bring import keras_cifar10, keras_diabetes
keras.utils.set_random_seed(1)
here = Path.cwd()
for name, train in (("diabetes", lambda to: keras_diabetes.train(here / "diabetes.csv", to, 5)),
                    ("cifar", lambda to: keras_cifar10.train(to, epochs=1))):
    (here / name).mkdir()
    train(here / name)
mlp = keras.models.load_model(here / "diabetes" / "model.keras")
mlp.export("saved", verbose=False)
mlp.save("model.h5")
lstm = [L.Input((None,), name="words"), L.Embedding(50, 8), L.LSTM(16), L.Dense(1, name="mood")]
keras.Sequential(lstm).save("lstm.keras")
number, kind = keras.Input((4,), name="number"), keras.Input((1,), name="kind", dtype="int32")
both = L.Concatenate()([number, L.Flatten()(L.Embedding(7, 3)(kind))])
keras.Model([number, kind], [L.Dense(2, name="a")(both), L.Dense(1, name="b")(both)]).save("two.keras")
keras.Sequential([L.Input((3,)), L.Lambda(lambda x: x * 2)]).save("lambda.keras")
"""  # noqa: E501 - a program


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models that Keras trained and saved."""
    folder = tmp_path_factory.mktemp("keras")
    data = load_diabetes(scaled=False)
    table = np.column_stack([data.data, data.target])
    np.savetxt(folder / "diabetes.csv", table, delimiter=",", header="measures")
    return made_in("keras", folder, _MADE)


@pytest.mark.parametrize(
    ("source", "inputs", "outputs"),
    [
        ("diabetes/model.keras", ["measures"], ["progression"]),
        ("cifar/model.keras", ["image"], ["probabilities"]),
        ("lstm.keras", ["words"], ["mood"]),
        ("two.keras", ["number", "kind"], ["a", "b"]),
        ("model.h5", ["measures"], ["progression"]),
        ("saved", ["measures"], ["output"]),
    ],
)
def test_a_model_is_packaged_under_its_own_names(
    models: Path, source: str, inputs: list[str], outputs: list[str]
) -> None:
    """Dense, convolution, recurrent, several inputs, old files and folders; parity is proven."""
    given = models / source.replace("model.keras", "samples.npz")
    samples = given if given.suffix == ".npz" and given.exists() else None

    made = packing.package(Wish(models / source, samples=samples, trust=True))

    graph = read_graph(made.model)
    assert (inputs, outputs) == (
        [each.name for each in graph.inputs],
        [each.name for each in graph.outputs],
    )
    assert {-1} == {each.shape[0] for each in (*graph.inputs, *graph.outputs)}


def test_the_same_model_gives_the_same_bytes(models: Path) -> None:
    """Nothing of the run is in the file."""
    wish = Wish(models / "diabetes" / "model.keras", trust=True)

    assert packing.package(wish).model == packing.package(wish).model


def test_a_lambda_is_not_run_without_trust(models: Path) -> None:
    """Keras's own refusal, with what to do about it."""
    from modelctl.packaging import converters, converting  # noqa: PLC0415 - of this test

    with pytest.raises(ConversionError, match=r"found code of whoever made the file .*--trust"):
        converting.convert(models / "lambda.keras", converters.named("keras"))
