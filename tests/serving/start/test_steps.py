"""From start to ready, or to the exit code that says why not, with real processes."""

import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from modelserver import errors
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import contract_of, write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start


def golden_file(folder: Path, data: list[float]) -> dict[str, str]:
    """Settings for a golden file that expects `data` of `onnx_models.identity`."""
    tensor = {"shape": [1, 2], "datatype": "FP32"}
    case = {
        "inputs": [tensor | {"name": "x", "data": [1, 2]}],
        "outputs": [tensor | {"name": "y", "data": data}],
    }
    content = json.dumps({"cases": [case]}).encode()
    (folder / "golden.json").write_bytes(content)
    return {
        "GOLDEN_URI": "file:golden.json",
        "GOLDEN_SHA256": hashlib.sha256(content).hexdigest(),
    }


def external(folder: Path) -> bytes:
    """A model that keeps its weights in another file, reached by a symbolic link."""
    model = onnx_models.affine()
    onnx.save(
        model,
        folder / "split.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=0,
    )
    (folder / "cache" / "sha256").mkdir(parents=True)
    (folder / "cache" / "sha256" / "weights.bin").symlink_to(folder / "weights.bin")
    return (folder / "split.onnx").read_bytes()


def failing_start(folder: Path, kind: str) -> tuple[dict[str, str], type[errors.StartError]]:
    """Environment of a server that cannot start, and the error it must name."""
    model = onnx_models.identity("FP32")
    contract = json.dumps(contract_of(model))
    other = json.dumps(contract_of(onnx_models.affine()))
    content = model.SerializeToString()
    cut, split = content[: len(content) // 2], external(folder)
    affine = json.dumps(contract_of(onnx_models.affine()))
    cases: dict[str, tuple[Any, dict[str, Any], type[errors.StartError]]] = {
        "digest": (model, {"ARTIFACT_SHA256": "0" * 64}, errors.ArtifactDigestWrong),
        "size": (model, {"ARTIFACT_BYTES": 5}, errors.ArtifactSizeWrong),
        "missing": (model, {"ARTIFACT_URI": "file:none.onnx"}, errors.ArtifactMissing),
        "truncated": (cut, {"CONTRACT": contract}, errors.ModelMalformed),
        "external": (split, {"CONTRACT": affine}, errors.ModelNotSelfContained),
        "contract": (model, {"CONTRACT": other}, errors.ContractMismatch),
        "provider": (model, {"PROVIDERS": "tensorrt,cpu"}, errors.ProviderMissing),
        "golden": (model, golden_file(folder, [1, 3]), errors.GoldenMismatch),
        "setting": (model, {"PORT": "many"}, errors.SettingsInvalid),
        "memory": (onnx_models.enormous(), {}, errors.ModelOutOfMemory),
        "full": (model, {"CACHE_DIR": "/dev/full"}, errors.CacheUnusable),
    }
    content_or_model, settings, error = cases[kind]
    return write_release(folder, content_or_model, **settings), error


@pytest.mark.parametrize(
    "kind",
    [
        "digest",
        "size",
        "missing",
        "truncated",
        "external",
        "contract",
        "provider",
        "golden",
        "setting",
        "memory",
        "full",
    ],
)
def test_start_that_fails_says_why(tmp_path: Path, start: "Start", kind: str) -> None:
    """One structured line names the error, what is wrong and the exit code that follows."""
    environment, error = failing_start(tmp_path, kind)
    server = start(environment)

    code = server.exit_code()

    failures = server.events("start-failed")
    assert [failure["error"] for failure in failures] == [error.__name__]
    assert failures[0]["exit_code"] == code == error.exit_code
    assert failures[0]["detail"]
    assert server.events("ready") == []


def test_wrong_digest_never_reaches_the_session(tmp_path: Path, start: "Start") -> None:
    """Bytes that are not the declared ones end the start while they are fetched."""
    server = start(write_release(tmp_path, onnx_models.affine(), ARTIFACT_SHA256="1" * 64))
    server.exit_code()

    (failure,) = server.events("start-failed")

    assert failure["step"] == "fetching the artifact"


def test_exit_codes_are_distinct() -> None:
    """Whoever reads an exit code knows the one error that it stands for."""
    classes = [*errors.StartError.__subclasses__(), errors.GraceExceeded]
    codes = [each.exit_code for each in classes]

    assert len(codes) == len(set(codes))
    assert not {0, 1, 2, 70, 137, 143} & set(codes)


def test_golden_answers_lead_to_ready(tmp_path: Path, start: "Start") -> None:
    """A release that still answers as recorded serves."""
    settings = golden_file(tmp_path, [1, 2])
    server = start(write_release(tmp_path, onnx_models.identity("FP32"), **settings))

    server.until("ready")

    assert server.stop() == 0


def test_port_in_use(tmp_path: Path, start: "Start") -> None:
    """An address that is taken is an error of its own."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = start(write_release(tmp_path, onnx_models.affine(), PORT=port))
        code = server.exit_code()

    assert code == errors.AddressUnavailable.exit_code
    assert f"127.0.0.1:{port}" in server.until("start-failed")["detail"]


def test_starting_server_is_live_and_not_ready(
    tmp_path: Path, start: "Start", stalled_source: str
) -> None:
    """While the artifact is on its way the process answers: live, not ready, and why."""
    server = start(write_release(tmp_path, onnx_models.affine(), ARTIFACT_URI=stalled_source))
    server.until_answer("/v2/health/ready", "fetching the artifact")
    live = server.client.get(f"{server.url}/v2/health/live")
    ready = server.client.get(f"{server.url}/v2/health/ready")
    model = server.client.get(f"{server.url}/v2/models/sample/versions/r1/ready")
    infer = server.infer(GOOD)

    assert (live.status_code, ready.status_code, model.status_code) == (200, 503, 503)
    assert ready.json()["state"] == "starting"
    assert ready.json()["reason"] == "fetching the artifact"
    assert infer.status_code == 503
    assert infer.json()["error"].startswith("not ready: starting")
    assert infer.headers["retry-after"] == "1"
    assert server.metric("modelserver_requests_rejected_total", reason="not_ready") == 1


def test_root_file_system_may_be_read_only(tmp_path: Path, start: "Start") -> None:
    """Nothing is written outside the cache directory."""
    cache = tmp_path / "only-cache"
    server = start(write_release(tmp_path, onnx_models.affine(), CACHE_DIR=cache))
    before = {path for path in tmp_path.iterdir() if path != cache}
    server.until("ready")

    assert {path for path in tmp_path.iterdir() if path != cache} == before
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {
        server_digest(tmp_path),
    }


def server_digest(folder: Path) -> str:
    """Digest of the artifact in a folder."""
    return hashlib.sha256((folder / "model.onnx").read_bytes()).hexdigest()


def big_model() -> onnx.ModelProto:
    """A model of 48 MB that loads in a moment."""
    model = onnx_models.affine()
    weights = np.zeros((4, 3_000_000), np.float32)
    model.graph.initializer.append(numpy_helper.from_array(weights, "unused"))
    return model


def test_health_answers_while_a_large_model_loads(tmp_path: Path, start: "Start") -> None:
    """The event loop is free while another thread hashes and loads."""
    server = start(write_release(tmp_path, big_model()))
    ready = f"{server.url}/v2/health/ready"
    seen = set()
    while (answer := server.client.get(ready).json())["state"] == "starting":
        seen.add(answer["reason"])

    assert {"fetching the artifact", "loading the model"} <= seen
    assert answer["state"] == "ready"


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_server_runs_with_and_without_uvloop(tmp_path: Path, start: "Start", loop: str) -> None:
    """The extra makes the server faster; Python's own event loop serves as well, and says so."""
    (tmp_path / "asyncio").mkdir()
    (tmp_path / "asyncio" / "uvloop.py").write_text("raise ImportError")
    server = start(
        write_release(tmp_path, onnx_models.affine()) | {"PYTHONPATH": str(tmp_path / loop)}
    )

    assert loop == server.until("ready")["event_loop"]
    assert server.infer(GOOD).status_code == 200
    assert server.stop() == 0


def test_garbage_is_collected_once_the_imports_are_done() -> None:
    """It is off while they run, and only then."""
    program = "import gc, modelserver.__main__; print(gc.isenabled(), gc.get_freeze_count() > 0)"
    finished = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    assert finished.stdout == "True True\n"
