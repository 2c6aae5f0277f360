"""The module and the tables under test."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.plugins import load
from roles.gpu.gpu_trees import ROLES


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
