"""What a start imports: what a plain release does not need is left to those who need it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serving import onnx_models
from tests.serving.conftest import write_release

SCRIPT = """
import sys
from modelserver import __main__, process, settings
from modelserver.start import steps
chosen = settings.read()
process._Process(chosen)
steps.load(chosen.wanted(), lambda _: None)
print(*sys.modules, sep="\\n")
"""

NEVER = (
    # What answers people and scrapers, and what such packages bring with them.
    *(
        "fastapi",
        "pydantic",
        "click",
        "multiprocessing",
        "http.client",
        "starlette",
        "anyio",
        "prometheus_client",
        "modelserver.observe.exposition",
    ),
    *("modelserver.http.openapi", "modelserver.http.json_schemas", "modelserver.http.page"),
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


def imported(release: dict[str, str]) -> set[str]:
    """All modules of a process that has loaded a release and could begin to serve."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | release,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.splitlines())


@pytest.mark.parametrize(
    ("batching", "unneeded"), [({}, (*NEVER, *UNBATCHED)), ({"BATCHING_MAX_SIZE": 8}, NEVER)]
)
def test_start_imports_what_it_needs(
    tmp_path: Path, batching: dict[str, int], unneeded: tuple[str, ...]
) -> None:
    """A release from a file, without a golden file, imports nothing of what others need."""
    found = imported(write_release(tmp_path, onnx_models.affine(), **batching))

    assert "modelserver.start.steps" in found
    assert [] == [name for name in unneeded if name in found]
