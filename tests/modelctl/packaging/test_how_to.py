"""The graphs that the how-to page on pre- and post-processing shows."""

import re
from pathlib import Path

import numpy as np
import pytest

from modelctl.packaging import running
from modelctl.packaging.packing import Wish, package
from scratch import PROJECT
from tests.modelctl.packaging import nets

PAGE = PROJECT / "docs" / "how-to" / "pre-and-post-processing.md"


@pytest.fixture
def graphs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page's programs write."""
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for program in re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL):
        exec(program, names)  # noqa: S102 - the page is this project's own
    return tmp_path


def test_makes_a_tensor_of_pixels(graphs: Path) -> None:
    """Bytes of any size become a normalised image of one size."""
    pixels = np.full((2, 50, 40, 3), 123, np.uint8)
    image = running.run(graphs / "pixels.onnx", {"pixels": pixels})["image"]

    assert (2, 3, 224, 224) == image.shape
    np.testing.assert_allclose((123 - 123.7) / 58.4, image[:, 0], rtol=1e-4)


def test_joins_categories_and_labels_to_a_model(graphs: Path) -> None:
    """Text in, text out: the model between them is arrays."""
    weights = np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 9.0]])
    np.savez(graphs / "model.npz", w=weights, b=np.zeros(3), output="softmax")
    plans, amounts = np.array([["basic"], ["plus"]] * 8), nets.rows(16, 1)
    np.savez(graphs / "raw.npz", plan=plans, amount=amounts * 0.1 + 1)
    made = package(
        Wish(
            graphs / "model.npz",
            samples=graphs / "raw.npz",
            before=graphs / "table.onnx",
            after=graphs / "names.onnx",
        )
    )
    asked = {"plan": plans[:2], "amount": np.ones((2, 1), np.float32)}

    assert ["cat", "owl"] == running.run(made.model, asked)["label"].tolist()
    assert made.golden is not None
    assert b'"owl"' in made.golden
