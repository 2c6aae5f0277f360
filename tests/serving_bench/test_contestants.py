"""Every contestant is started as its table row says."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from serving.bench.contestant import Contestant, Launch, free_ports
from serving.bench.contestants import NAIVE, OURS, PEERS
from serving.bench.environments import ENVIRONMENTS
from serving.bench.models import MODELS, ModelFile

EVERY = pytest.mark.parametrize("contestant", [OURS, NAIVE, *PEERS], ids=lambda each: each.name)


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    """A start of the tiny model on port 1234."""
    file = ModelFile(MODELS[0], Path("/models/tiny.onnx"), "f" * 64, 1000)
    return Launch(file, 1234, 1, Path("/venv/bin/python"), tmp_path)


@EVERY
def test_a_contestant_runs_with_its_interpreter(contestant: Contestant, launch: Launch) -> None:
    """The interpreter, or a tool beside it, of its own environment."""
    command = contestant.command(launch)

    assert command.arguments[0].startswith("/venv/bin/")


@EVERY
def test_the_port_is_told(contestant: Contestant, launch: Launch) -> None:
    """As an argument, in the environment or in a file."""
    command = contestant.command(launch)
    files = [path.read_text() for path in launch.folder.iterdir()]

    assert any(
        "1234" in text for text in (*command.arguments, *command.environment.values(), *files)
    )


@EVERY
def test_its_server_exists(contestant: Contestant, launch: Launch) -> None:
    """A module that the command or a settings file names is there."""
    command = contestant.command(launch)
    files = [path.read_text() for path in launch.folder.iterdir()]

    named = re.findall(r"serving\.bench\.servers\.\w+", " ".join([*command.arguments, *files]))
    assert (contestant is OURS) == (not named)
    assert all(importlib.util.find_spec(module) for module in named)


def test_names_are_unique_and_environments_known() -> None:
    """A name finds one row."""
    names = [each.name for each in (OURS, NAIVE, *PEERS)]

    assert len(set(names)) == len(names)
    assert {each.name for each in ENVIRONMENTS} == {each.environment for each in PEERS}


def test_every_requirement_is_pinned() -> None:
    """Exactly one version, so that a table can be made again."""
    pins = [pin for each in ENVIRONMENTS for pin in each.requirements]

    assert all(re.fullmatch(r"[\w\[\]-]+==\d+(\.\d+)+", pin) for pin in pins)


def test_ours_never_waits_for_a_batch(launch: Launch) -> None:
    """The settings are those of production: batching on, no added wait, one thread."""
    environment = OURS.command(launch).environment

    assert "0" == environment["MODELSERVER_BATCHING_MAX_DELAY_MS"]
    assert "1" == environment["MODELSERVER_THREADS"]
    assert "file:tiny.onnx" == environment["MODELSERVER_ARTIFACT_URI"]


@pytest.mark.parametrize(("name", "size"), [("mlserver", 0), ("mlserver-batching", 32)])
def test_mlserver_reads_its_batching_from_a_file(launch: Launch, name: str, size: int) -> None:
    """The two rows differ in that alone."""
    contestant = next(each for each in PEERS if each.name == name)

    contestant.command(launch)

    settings = json.loads((launch.folder / "model-settings.json").read_text())
    assert size == settings["max_batch_size"]


def test_free_ports_differ() -> None:
    """A server that listens on three ports gets three."""
    assert 3 == len(set(free_ports(3)))
