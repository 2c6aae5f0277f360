"""What a server imports: what a plain release does not need is left to those who ask for it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import Server, write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

# The server itself, which leaves the names of its modules behind.
PROGRAM = """
import os, runpy, sys
leave = os._exit
def leave_word(code):
    with open("modules", "w") as file:
        print(*sys.modules, sep="\\n", file=file)
    leave(code)
os._exit = leave_word
runpy.run_module("modelserver", run_name="__main__", alter_sys=True)
"""

PEOPLE = ("fastapi", "pydantic", "starlette", "anyio", "prometheus_client")
"""Brought by what answers people and scrapers."""

NEVER = (
    *PEOPLE,
    *("modelserver.http.app", "modelserver.http.openapi", "modelserver.observe.exposition"),
    # Parts of uvicorn and of Python that nothing here uses.
    *("click", "multiprocessing", "http.client"),
    # Extras, and sources of artifacts that are no files.
    *("obstore", "opentelemetry", "google.protobuf", "zstandard"),
    *("modelserver.artifact.web", "modelserver.artifact.registry", "modelserver.artifact.objects"),
    # What few graphs or releases need.
    *("modelserver.start.probe", "modelserver.start.golden", "modelserver.start.empty_shapes"),
    *("modelserver.model.guard.rewrite", "modelserver.model.bounded"),
)
UNBATCHED = (
    "modelserver.model.rows.proof",
    "modelserver.model.rows.rules",
    "modelserver.start.trial",
)

Imports = Callable[..., set[str]]


@pytest.fixture
def imports(tmp_path: Path, start: "Start") -> Imports:
    """All modules of a server that has started and was then used in a way."""

    def one(use: Callable[[Server], object], **settings: int) -> set[str]:
        release = write_release(tmp_path, onnx_models.affine(), **settings)
        server = start(release, ("-c", PROGRAM))
        server.until("ready")
        use(server)
        assert 0 == server.stop()
        return set((tmp_path / "modules").read_text().splitlines())

    return one


def ask_for_health(server: Server) -> None:
    """As the kubelet does."""
    for path in ("/health/live", "/health/ready", "/models/sample/versions/r1/ready"):
        server.client.get(f"{server.url}/v2{path}").raise_for_status()


@pytest.mark.parametrize(
    ("batching", "unneeded"), [({}, (*NEVER, *UNBATCHED)), ({"BATCHING_MAX_SIZE": 8}, NEVER)]
)
@pytest.mark.parametrize("use", [ask_for_health, lambda server: server.infer(GOOD)])
def test_start_and_inference_import_what_they_need(
    imports: Imports,
    batching: dict[str, int],
    unneeded: tuple[str, ...],
    use: Callable[[Server], object],
) -> None:
    """A release from a file, without a golden file, imports nothing of what others need."""
    found = imports(use, **batching)

    assert "modelserver.start.steps" in found
    assert [] == [name for name in unneeded if name in found]


@pytest.mark.parametrize("path", ["/v2", "/metrics", "/openapi.json", "/nothing"])
def test_first_question_of_people_brings_the_framework(imports: Imports, path: str) -> None:
    """FastAPI answers all that is neither inference nor health, and it comes when it is asked."""
    found = imports(lambda server: server.client.get(server.url + path))

    assert set(PEOPLE) <= found
