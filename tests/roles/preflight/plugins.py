"""The role's plugins as modules."""

import importlib.util
from pathlib import Path
from typing import Any

ROLES = Path(__file__).parents[3] / "roles"


def load(name: str) -> Any:  # noqa: ANN401 - loaded by path, so its type cannot be named
    """Module of one of the role's plugins."""
    path = next((ROLES / "preflight").glob(f"*_plugins/{name}.py"))
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
