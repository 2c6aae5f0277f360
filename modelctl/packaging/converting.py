"""A model of another format becomes ONNX, in a process that can do little else."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelctl.errors import ConversionError
from modelctl.packaging import arrays, converters
from modelctl.packaging.arrays import Arrays
from modelctl.packaging.converters import Converter
from modelctl.packaging.interpreters import interpreter

WAIT_S = 1800  # of wall time: TensorFlow takes a minute to import on a cold disk
_LAST = 20  # lines of what a converter said that are shown when it ends without an answer

# Frameworks compute alike on one thread, without a GPU, with the same hashes.
_SETTINGS = {
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUTF8": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "",
    "TF_CPP_MIN_LOG_LEVEL": "2",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "ORT_DISABLE_TELEMETRY": "1",
}
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH")


@dataclass(frozen=True, slots=True)
class Converted:
    """What a converter made.

    `samples` are rows by input name of the model, `expected` what the original framework made of
    them, by output name. `environment` has versions by distribution.
    """

    model: bytes
    samples: Arrays
    expected: Arrays
    environment: Mapping[str, str]
    notes: tuple[str, ...]


def convert(
    source: Path,
    converter: Converter,
    *,
    samples: Path | None = None,
    options: Mapping[str, object] | None = None,
    trust: bool = False,
    python: Path | None = None,
) -> Converted:
    """The ONNX model of a file or folder in one of the converter's formats.

    Raises:
        ConversionError: The converter refuses, ends or never ends, or its environment cannot be
            made.
    """
    program = interpreter(converter, python)
    with tempfile.TemporaryDirectory(prefix="modelctl-convert-") as folder:
        out = Path(folder) / "out"
        out.mkdir()
        request = {
            "source": str(source.absolute()),
            "samples": str(samples.absolute()) if samples else None,
            "out": str(out),
            "trust": trust,
            "options": dict(options or {}),
        }
        answer = _asked(program, converter, json.dumps(request), Path(folder))
        if not answer.get("ok"):
            raise _refusal(source, converter, answer)
        return _converted(out, answer)


def _asked(program: Path, converter: Converter, request: str, folder: Path) -> dict[str, Any]:
    """The converter's answer."""
    log = folder / "log"
    own = {name: os.environ[name] for name in _KEPT if name in os.environ}
    with (
        log.open("wb") as errors,
        subprocess.Popen(
            [program, "-s", converters.CHILD, converter.folder / "convert.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=folder,
            env={**own, **_SETTINGS, "HOME": str(folder), "TMPDIR": str(folder)},
            start_new_session=True,
        ) as child,
    ):
        try:
            answer, _ = child.communicate(request.encode(), timeout=WAIT_S)
        except subprocess.TimeoutExpired as error:
            raise ConversionError(
                f"the converter {converter.name} had no answer after {WAIT_S} s: {_said(log)}"
            ) from error
        finally:
            _end(child)
    try:
        fields: dict[str, Any] = json.loads(answer)
    except ValueError as error:
        raise ConversionError(
            f"the converter {converter.name} ended without an answer ({_cause(child.returncode)}): "
            f"{_said(log)}"
        ) from error
    if not fields.get("ok") and not fields.get("remedy"):
        sys.stderr.write(f"{_said(log)}\n")
    return fields


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the converter and whatever it has started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


def _cause(code: int) -> str:
    if code == -signal.SIGXCPU:
        return "more processor time than a conversion may take"
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _said(log: Path) -> str:
    lines = log.read_text("utf-8", errors="replace").strip().splitlines()
    return "\n".join(lines[-_LAST:]) or "it said nothing"


def _refusal(source: Path, converter: Converter, answer: Mapping[str, Any]) -> ConversionError:
    remedy = answer.get("remedy") or (
        "the converter knows no more about it; try another version of its packages with --python, "
        "or export the model to ONNX yourself"
    )
    return ConversionError(f"{source}: {converter.name}: {answer['error']}: {remedy}")


def _converted(out: Path, answer: Mapping[str, Any]) -> Converted:
    return Converted(
        model=(out / "model.onnx").read_bytes(),
        samples=arrays.read(out / "samples.npz"),
        expected=arrays.read(out / "expected.npz"),
        environment={str(name): str(value) for name, value in answer["environment"].items()},
        notes=tuple(map(str, answer["notes"])),
    )
