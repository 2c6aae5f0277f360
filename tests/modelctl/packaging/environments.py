"""Whether a converter's environment is there, and programs that make models in it.

An environment takes minutes and up to 1.5 GB: a test that wants one is skipped with the reason,
unless it was made before, or MODELCTL_TEST_CONVERTERS=1 says to make it.
"""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from modelctl.packaging import converters, interpreters

ASKED = "MODELCTL_TEST_CONVERTERS"


def needs(name: str) -> pytest.MarkDecorator:
    """Skips tests where the environment of a converter would have to be made first."""
    lock = converters.named(name).lock
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    made = (base / "modelctl" / "converters" / digest / "complete").exists()
    reason = f"the environment of the converter {name} is not there: {ASKED}=1 makes it"
    return pytest.mark.skipif(not made and not os.environ.get(ASKED), reason=reason)


def made_in(name: str, folder: Path, program: str) -> Path:
    """The folder, after a program has run in it with the interpreter of a converter."""
    python = interpreters.interpreter(converters.named(name), None)
    done = subprocess.run(
        [python, "-s", "-c", program],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "CUDA_VISIBLE_DEVICES": ""},
    )
    assert done.returncode == 0, done.stderr
    return folder
