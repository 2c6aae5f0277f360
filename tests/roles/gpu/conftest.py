"""The module and the tables under test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from roles.gpu.gpu_trees import ROLES


def load(path: Path) -> ModuleType:
    """A plugin of a role, imported from its file."""
    specification = importlib.util.spec_from_file_location(f"roles_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def gpu_facts() -> ModuleType:
    """The module gpu_facts."""
    return load(ROLES / "gpu_facts/library/gpu_facts.py")


@pytest.fixture(scope="session")
def tables() -> dict[str, Any]:
    """The decision tables of the role."""
    path = ROLES / "gpu_facts/vars/main.yml"
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[str, Any] = document["__gpu_facts_tables"]
    return found
