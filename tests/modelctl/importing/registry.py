"""A registry that answers as MLflow 3.17 does, with what it was seen to say."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

_VERSION = {
    "name": "iris",
    "version": "2",
    "creation_timestamp": 1795890332197,
    "last_updated_timestamp": 1795890332197,
    "current_stage": "None",
    "description": "",
    "source": "models:/m-1747",
    "run_id": "7e1f",
    "status": "READY",
    "run_link": "",
}
_RUN = {"data": {"metrics": [{"key": "accuracy", "value": 0.97, "timestamp": 1, "step": 0}]}}
_FOLDER = "0/models/m-1747/artifacts"
_MLMODEL = """artifact_path: mlflow-artifacts:/0/models/m-1747/artifacts
flavors:
  {flavour}
  python_function:
    loader_module: mlflow.{name}
    python_version: 3.11.7
mlflow_version: 3.17.2
signature:
  inputs: '[{{"type": "tensor", "tensor-spec": {{"dtype": "float32", "shape": [-1, 1]}}}}]'
  outputs: '[{{"type": "double", "name": "y"}}]'
  params: null
"""
ONNX = _MLMODEL.format(name="onnx", flavour="onnx: {data: model.onnx, onnx_version: 1.23.2}")
SKLEARN = _MLMODEL.format(
    name="sklearn", flavour="sklearn: {pickled_model: model.pkl, sklearn_version: 1.9.1}"
)


def _answers(files: Mapping[str, bytes]) -> dict[str, object]:
    model = {
        "name": "iris",
        "description": "Tells irises apart.",
        "latest_versions": [_VERSION, _VERSION | {"version": "1", "current_stage": "Production"}],
    }
    calls: dict[str, object] = {
        "registered-models/get?name=iris": {"registered_model": model},
        "registered-models/alias?name=iris&alias=champion": {"model_version": _VERSION},
        "model-versions/get?name=iris&version=2": {"model_version": _VERSION},
        "runs/get?run_id=7e1f": {"run": _RUN},
    }
    for version in ("1", "2"):
        call = f"model-versions/get-download-uri?name=iris&version={version}"
        calls[call] = {"artifact_uri": f"mlflow-artifacts:/{_FOLDER}"}
    answers: dict[str, object] = {f"/api/2.0/mlflow/{call}": body for call, body in calls.items()}
    prefix = f"/api/2.0/mlflow-artifacts/artifacts/{_FOLDER}"
    return answers | {f"{prefix}/{name}?": content for name, content in files.items()}


@contextmanager
def registry(files: Mapping[str, bytes], token: str = "") -> Iterator[str]:
    """The address of a registry with one model, whose version 2 has these files."""
    answers = _answers(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            query = "&".join(f"{key}={value}" for key, value in parse_qsl(place.query))
            body = answers.get(f"{place.path}?{query}")
            missing = {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "Model not found"}
            status = 404 if body is None else 200
            if token and self.headers["Authorization"] != f"Bearer {token}":
                status, body = 401, {"message": "You are not authenticated"}
            content = body if isinstance(body, bytes) else json.dumps(body or missing).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
