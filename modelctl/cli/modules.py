"""Which module of this package is a command."""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType

_MODULES: Mapping[str, str] = {"import": "import_"}  # a word of Python is no module's name


def module_of(command: str) -> ModuleType:
    """The module of a command, imported."""
    return import_module(f"modelctl.cli.{_MODULES.get(command, command)}")
