"""The engine that runs on a state folder, for commands that ask it about one model."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelctl.errors import ModelctlError, UsageError
from modelctl.local.running import ask
from modelctl.local.state import StateFolder, default_state
from modelctl.nearest import hint

Json = Mapping[str, Any]


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add the option that says which engine is meant."""
    parser.add_argument(
        "--state", type=Path, metavar="DIR", help="state directory (default: .modelctl)"
    )


def folder(arguments: argparse.Namespace) -> StateFolder:
    """The state folder that is meant."""
    return StateFolder((arguments.state or default_state()).resolve())


def status(arguments: argparse.Namespace, typed: str) -> Json:
    """What the engine says of itself now; errors begin with what was typed.

    Raises:
        ModelctlError: None runs, or it does not answer.
    """
    answer = ask(folder(arguments))
    if answer.fault:
        raise ModelctlError(f"{typed}: {answer.fault}")
    return answer.status


def model(found: Json, name: str) -> Json:
    """The status of a model.

    Raises:
        UsageError: The engine serves none of that name.
    """
    for each in found["models"]:
        if each["model"] == name:
            served: Json = each
            return served
    names = [each["model"] for each in found["models"]]
    environment = found["addresses"]["environment"]
    raise UsageError(
        f"{name}: found no such model in the environment {environment}, which `modelctl up` "
        f"serves: {hint(name, names)}"
    )
