"""A person's own model becomes a release with a name alone, or is refused with what to do."""

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import yaml

from modelctl.store import folder
from onnx_models import model, node, value

Modelctl = Callable[..., str]
MODELS = Path(__file__).parents[1] / "packaging" / "models"
ROW = [5.1, 3.5, 1.4, 0.2]


@pytest.fixture
def own(scratch: Path) -> Path:
    """A repository of one's own: one team, and no folder that a mirror reads."""
    environments = scratch / "argocd" / "environments.yaml"
    text = environments.read_text()
    environments.write_text(re.sub(r"\n +artifact_mirrors:.*", "", text))
    teams = scratch / "argocd" / "teams.yaml"
    text = yaml.safe_load(teams.read_text())
    text["teams"] = text["teams"][:1]
    teams.write_text(yaml.safe_dump(text))
    return scratch


def _release(root: Path, name: str, release: str = "r1") -> dict[str, object]:
    text = (root / "apps" / name / "releases" / f"{release}.yaml").read_text()
    fields: dict[str, object] = yaml.safe_load(text)
    return fields


def _golden(root: Path, fields: dict[str, object]) -> dict[str, object]:
    path = folder.path(root, fields["golden"]["sha256"])  # type: ignore[index]
    assert path is not None
    cases: dict[str, object] = json.loads(path.read_bytes())["cases"][0]
    return cases


def test_a_model_needs_a_file_and_a_name(own: Path, modelctl: Modelctl) -> None:
    """The rest has defaults that are true, and the bytes lie where they are read from."""
    said = modelctl("new", "churn", "--artifact", str(MODELS / "zipmap-texts.onnx"))

    fields = _release(own, "churn")
    assert "note: output_probability: the list of maps is given as a tensor" in said
    assert re.fullmatch(r"store:///[0-9a-f]{64}\.onnx", fields["artifact"]["uri"])  # type: ignore[index]
    assert folder.path(own, fields["artifact"]["sha256"]) is not None  # type: ignore[index]
    assert "image" not in fields
    assert "example.com" not in json.dumps(fields)
    assert "image:" not in (own / "apps/churn/rendered/local/deployment-churn-r1.yaml").read_text()
    assert "setosa" in said
    modelctl("render")
    modelctl("check")


def test_an_image_is_named_by_the_environments(own: Path, modelctl: Modelctl) -> None:
    """A cluster pulls it; whoever brings a model need not know it."""
    image = f"registry.models.test/modelserver@sha256:{'cd' * 32}"
    file = own / "argocd" / "environments.yaml"
    file.write_text(f'{file.read_text()}\nmodel_server: {{image: "{image}"}}\n')

    modelctl("new", "flowers", "--artifact", str(MODELS / "forest.onnx"))

    assert image == _release(own, "flowers")["image"]


def test_several_teams_are_named_where_none_is_said(scratch: Path, modelctl: Modelctl) -> None:
    """Nobody has to look for the names of teams."""
    said = modelctl("new", "m", "--artifact", str(MODELS / "forest.onnx"), exit_code=2)

    assert "--owner: found none, expected one of " in said
    assert "vision" in said
    assert not (scratch / "apps" / "m").exists()


@pytest.mark.parametrize("name", ["zipmap-numbers", "one-hot-texts", "one-hot-codes"])
def test_what_a_converter_writes_is_taken(name: str, own: Path, modelctl: Modelctl) -> None:
    """Each gets a golden file of a value that runs, without anybody giving one."""
    modelctl("new", name, "--artifact", str(MODELS / f"{name}.onnx"), "--commit")

    assert _golden(own, _release(own, name))["outputs"]


@pytest.mark.usefixtures("own")
def test_weights_beside_the_file_come_along(
    modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One file, one digest, as `torch.onnx.export` would have been asked for."""
    outside = tmp_path_factory.mktemp("outside")
    weights = onnx.numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    whole = model(node("MatMul", "x w", "y"), tensors=[weights])
    onnx.save(whole, outside / "f.onnx", save_as_external_data=True, location="f.onnx.data",
              size_threshold=0)  # fmt: skip

    said = modelctl("new", "net", "--artifact", str(outside / "f.onnx"))

    assert "the weights in f.onnx.data were brought into the one file" in said


@pytest.mark.parametrize("kind", ["pickle", "folder"])
def test_another_format_is_named_with_the_way_to_a_release(
    kind: str, own: Path, modelctl: Modelctl
) -> None:
    """The path is that which was typed, and the command is one that can be run."""
    (own / "m.pkl").write_bytes(pickle.dumps({}))
    (own / "saved").mkdir()
    (own / "saved" / "saved_model.pb").write_bytes(b"x")
    path = {"pickle": "m.pkl", "folder": "saved"}[kind]

    said = modelctl("new", "m", "--artifact", path, exit_code=2)

    assert f"modelctl: {path} is a" in said
    assert f"`modelctl package {path} --model NAME --trust`" in said


def test_a_file_that_is_too_large_for_git_is_stored(
    scratch: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Hosts refuse large files, and every clone has them for ever."""
    file = tmp_path_factory.mktemp("outside") / "large.onnx"
    weights = onnx.numpy_helper.from_array(np.ones((4, 80_000), np.float32), "w")
    outputs = [value("y", shape=("N", 80_000))]
    whole = model(node("MatMul", "x w", "y"), tensors=[weights], outputs=outputs)
    file.write_bytes(whole.SerializeToString())

    modelctl("new", "large", "--artifact", str(file), "--owner", "vision", "--commit")

    assert _release(scratch, "large")["artifact"]["uri"].startswith("store:///")  # type: ignore[index]
    assert not list(scratch.glob("examples/artifacts/large/*.onnx"))


@pytest.mark.parametrize("ending", ["json", "npz", "csv"])
def test_an_example_is_run_and_recorded(
    ending: str, own: Path, modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The golden file holds the owner's own input and what the model gave for it."""
    file = tmp_path_factory.mktemp("outside") / f"input.{ending}"
    if ending == "json":
        file.write_text(json.dumps([ROW]))
    elif ending == "npz":
        np.savez(file, X=np.array([ROW], np.float32))
    else:
        file.write_text("a,b,c,d\n" + ",".join(map(str, ROW)) + "\n")

    modelctl("new", "iris", "--artifact", str(MODELS / "zipmap-texts.onnx"), "--example", str(file))

    case = _golden(own, _release(own, "iris"))
    assert np.allclose(ROW, case["inputs"][0]["data"])  # type: ignore[index]
    assert ["setosa"] == case["outputs"][0]["data"]  # type: ignore[index]


def test_a_release_records_another_golden_file_of_the_same_bytes(
    own: Path, modelctl: Modelctl
) -> None:
    """The bytes are the latest release's, and they were run."""
    modelctl("new", "iris", "--artifact", str(MODELS / "zipmap-texts.onnx"), "--commit")
    (own / "input.json").write_text(json.dumps([ROW]))

    modelctl("release", "iris", "--example", "input.json")

    before, after = _release(own, "iris"), _release(own, "iris", "r2")
    assert before["artifact"] == after["artifact"]
    assert before["golden"] != after["golden"]
    golden = folder.path(own, after["golden"]["sha256"])  # type: ignore[index]
    assert golden is not None
    (own / "kept.json").write_bytes(golden.read_bytes())
    modelctl("release", "iris", "--golden", "kept.json")
    assert after["golden"] == _release(own, "iris", "r3")["golden"]


@pytest.mark.usefixtures("own")
def test_a_release_that_breaks_the_contract_is_not_written(
    modelctl: Modelctl, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """What a server would refuse, the command that would write it refuses."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.onnx").write_bytes(model(node("Relu", "x", "y")).SerializeToString())
    shape = onnx.numpy_helper.from_array(np.array([1, 4]), "s")
    one = model(node("Reshape", "x s", "y"), tensors=[shape])
    (outside / "b.onnx").write_bytes(one.SerializeToString())
    modelctl("new", "m", "--artifact", str(outside / "a.onnx"), "--commit")

    said = modelctl("release", "m", "--artifact", str(outside / "b.onnx"), exit_code=2)

    assert f"{outside / 'b.onnx'}: a server would not serve it (ContractMismatch)" in said


@pytest.mark.usefixtures("own")
def test_a_place_that_nothing_is_uploaded_to_is_told(modelctl: Modelctl) -> None:
    """Somebody has to bring the bytes there, and is told which."""
    said = modelctl(
        "new", "m", "--artifact", str(MODELS / "forest.onnx"), "--artifacts-at", "s3://b/models/"
    )

    assert "nothing was uploaded: copy " in said
    assert "to s3://b/models/m/r1.onnx" in said
