"""The environment of the scikit-learn converter, and models that are trained in it."""

import subprocess
from pathlib import Path

import pytest

from modelctl.packaging import converters, interpreters

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def sklearn_python() -> Path:
    """The interpreter of the converter's own environment, made where it is not there yet."""
    return interpreters.interpreter(converters.named("sklearn"), None)


@pytest.fixture(scope="session")
def trained(sklearn_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with models as people save them; what each is stands in `train_sklearn.py`."""
    folder = tmp_path_factory.mktemp("trained")
    subprocess.run([sklearn_python, "-W", "ignore", HERE / "train_sklearn.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def converted(
    trained: Path, sklearn_python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """For each of these models a folder with what the converter's function made of it."""
    out = tmp_path_factory.mktemp("converted")
    sources = [path for path in trained.iterdir() if path.suffix not in {".npz", ".npy"}]
    where = [converters.named("sklearn").folder, converters.CHILD.parent, out]
    program = [sklearn_python, "-W", "ignore", HERE / "convert_many.py"]
    subprocess.run([*program, *where, *sources], check=True)
    return out
