"""`python -m examples`: training, checking and refusing."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

from examples import linear
from examples.__main__ import main


def edit(path: Path, change: Callable[[dict[str, object]], None]) -> None:
    """Change a JSON document in place."""
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_retraining_reproduces_the_committed_artifacts(capsys: pytest.CaptureFixture[str]) -> None:
    """Training all samples again gives what is committed, within the stated tolerance."""
    status = main(["--check"])

    assert capsys.readouterr().out == "8 releases are what their scripts train\n"
    assert status == 0


def test_training_writes_the_same_bytes_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """On one machine a training is repeatable to the byte, in every file."""
    for folder in ("first", "second"):
        assert main(["linear", "digits-mlp", "--out", str(tmp_path / folder)]) == 0

    first, second = (
        {path.name: path.read_bytes() for path in (tmp_path / folder).rglob("r*.*")}
        for folder in ("first", "second")
    )
    assert first == second
    assert "linear r2: rmse 0.4861, slope 2.0010, intercept 0.0125" in capsys.readouterr().out


def test_check_names_what_differs(
    tmp_path: Path, artifacts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each kind of file that is not what the script trains is one line with the file first."""
    shutil.copytree(artifacts / "linear", tmp_path / "linear")
    folder = tmp_path / "linear"
    np.savez(folder / "r1.npz", slope=np.array([[9]]), intercept=np.array([0]))
    edit(folder / "r1.golden.json", lambda d: d["cases"][0]["outputs"][0].update(data=[9.0]))
    edit(folder / "r2.golden.json", lambda d: d["cases"][0]["inputs"][0].update(data=[9.0]))
    edit(folder / "r2.provenance.json", lambda d: d.update(data_sha256="0", metrics={"rmse": 9}))
    renamed = onnx.load(folder / "r2.onnx")
    renamed.graph.input[0].name = renamed.graph.node[0].input[0] = "z"
    onnx.save(renamed, folder / "r2.onnx")
    (folder / "r2.npz").unlink()
    expected = [
        "r1.golden.json: case 1 is answered differently by the newly trained model",
        "r1.npz: intercept is not that of the newly trained model",
        "r1.npz: slope is not that of the newly trained model",
        "r2.golden.json: case 1 has other inputs than the script takes now",
        "r2.npz: is missing; train it: python -m examples linear",
        "r2.onnx: its inputs are not those of the newly trained model",
        f"r2.provenance.json: data_sha256 is '0', now it is '{linear.sample(400).sha256()}'",
        "r2.provenance.json: intercept is None, the newly trained model has 0.0125",
        "r2.provenance.json: rmse is 9, the newly trained model has 0.4861",
        "r2.provenance.json: slope is None, the newly trained model has 2.001",
    ]

    status = main(["--check", "linear", "--out", str(tmp_path)])

    lines = [line.removeprefix(f"{folder}/") for line in capsys.readouterr().out.splitlines()]
    assert status == 1
    assert expected == sorted(lines)


def test_mnist_trains_a_model_for_its_image_size(mnist_folder: Path, tmp_path: Path) -> None:
    """The digit network learns from IDX files too, and takes 28 x 28 pixels then."""
    status = main(["--mnist", str(mnist_folder), "--out", str(tmp_path)])

    assert status == 0
    for release in ("r1", "r2"):
        graph = onnx.load(tmp_path / f"digits-mlp/{release}.onnx").graph
        assert graph.input[0].type.tensor_type.shape.dim[1].dim_value == 784


def test_missing_mnist_is_a_message_not_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder without the files ends with status 2 and says what to put where."""
    status = main(["--mnist", str(tmp_path), "--out", str(tmp_path)])

    assert status == 2
    assert "put the four IDX files of MNIST there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits-rnn"], "no model digits-rnn: there are linear, diabetes-mlp"),
        (["--mnist", "somewhere"], "--mnist needs --out"),
    ],
)
def test_bad_usage_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that does not exist, or one that would overwrite the samples, is bad usage."""
    with pytest.raises(SystemExit, match="2"):
        main(arguments)

    assert message in capsys.readouterr().err
