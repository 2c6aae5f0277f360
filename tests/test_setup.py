"""`make setup` says what it does: its steps, and which package of how many."""

import importlib.util
import re
import subprocess
import sys
from types import ModuleType

import pytest

from scratch import PROJECT

SAID = """\
Collecting numpy==2.4.0 (from -r requirements.lock (line 1))
  Downloading numpy-2.4.0.whl (16 MB)
Requirement already satisfied: onnx==1.23.0 in ./lib
Installing collected packages: numpy
Successfully installed numpy-2.4.0
"""


@pytest.fixture(scope="module")
def installing() -> ModuleType:
    """The script that the Makefile runs."""
    spec = importlib.util.spec_from_file_location("install", PROJECT / ".ci" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_packages_of_another_system_do_not_count(name: str, installing: ModuleType) -> None:
    """Of a lock file for all systems, only what this one gets is counted."""
    text = (PROJECT / name).read_text()
    found = {pin.name for pin in installing.pins(text)}

    assert {"onnxruntime", "jsonschema"} <= found
    assert set() == {pin for pin in found if pin in ("colorama", "pywin32", "win32-setctime")}
    assert len(found) <= len(re.findall(r"^[A-Za-z0-9].*==", text, re.MULTILINE))


def test_it_says_how_far_it_is(
    installing: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each package that pip fetches is counted, then what is unpacked."""
    monkeypatch.setattr(installing, "EVERY", 1)
    words = [sys.executable, "-c", f"print({SAID!r}, end='')"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as pip:
        installing.follow(pip, pip.stdout, {"numpy", "onnx"})
    said = capsys.readouterr().out.splitlines()

    assert ["setup: fetched 1 of 2: numpy", "setup: fetched 2 of 2: onnx"] == said[:2]


def test_every_step_is_announced() -> None:
    """The recipe of `setup` says each of its steps, with its number, and what comes next."""
    made = (PROJECT / "Makefile").read_text()
    steps = re.findall(r"setup: (\d) of (\d): ", made)

    assert [("1", "3"), ("2", "3"), ("3", "3")] == sorted(steps)
    assert "setup: done; next: source" in made
