"""Compares a release trained here with the files of the same release trained elsewhere.

On one machine a second training gives the same bytes. Another CPU adds numbers in another order;
the differences grow during training, and the tolerances here leave room for that and no more.
"""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from examples import golden
from examples.datasets import Array
from examples.release import Release

# Between the CPU generations tried, answers moved by up to 0.002 and accuracies by one image.
ABSOLUTE = 0.01
RELATIVE = 0.01


def differences(release: Release, artifacts: Path) -> list[str]:
    """What differs, a sentence each with the file first; empty when nothing does."""
    found: list[str] = []
    for name, trained in release.files().items():
        path = artifacts / name
        if not path.is_file():
            found.append(f"{path}: is missing; train it: python -m examples {release.model}")
        elif (kept := path.read_bytes()) != trained:
            found += [f"{path}: {sentence}" for sentence in _compare(name, kept, trained)]
    return found


def _compare(name: str, kept: bytes, trained: bytes) -> Iterator[str]:
    """What differs between two versions of one file whose bytes are not the same."""
    if name.endswith(".onnx"):
        return _contracts(kept, trained)
    if name.endswith(".npz"):
        return _parameters(kept, trained)
    if name.endswith(".golden.json"):
        return _golden(json.loads(kept), json.loads(trained))
    return _provenance(json.loads(kept), json.loads(trained))


def _contracts(kept: bytes, trained: bytes) -> Iterator[str]:
    """Differences in names, types and shapes of inputs and outputs."""
    before, after = (onnx.load_from_string(content).graph for content in (kept, trained))
    for kind in ("input", "output"):
        if list(getattr(before, kind)) != list(getattr(after, kind)):
            yield f"its {kind}s are not those of the newly trained model"


def _parameters(kept: bytes, trained: bytes) -> Iterator[str]:
    """Differences between the arrays of two npz files."""
    with np.load(BytesIO(kept)) as before, np.load(BytesIO(trained)) as after:
        for name in sorted({*before, *after}):
            if name not in before or name not in after or not _close(before[name], after[name]):
                yield f"{name} is not that of the newly trained model"


def _golden(kept: dict[str, Any], trained: dict[str, Any]) -> Iterator[str]:
    """Differences between the recorded cases."""
    if kept["tolerance"] != trained["tolerance"] or len(kept["cases"]) != len(trained["cases"]):
        yield "its tolerance or number of cases is not what the script writes now"
    for number, (before, after) in enumerate(zip(kept["cases"], trained["cases"], strict=False), 1):
        if before["inputs"] != after["inputs"]:
            yield f"case {number} has other inputs than the script takes now"
        elif not _close(*(golden.array(case["outputs"][0]) for case in (before, after))):
            yield f"case {number} is answered differently by the newly trained model"


def _provenance(kept: dict[str, Any], trained: dict[str, Any]) -> Iterator[str]:
    """Differences in script, data or quality."""
    for key in ("trained_from", "data_sha256"):
        if kept[key] != trained[key]:
            yield f"{key} is {kept[key]!r}, now it is {trained[key]!r}"
    for metric, value in trained["metrics"].items():
        before = kept["metrics"].get(metric)
        if before is None or not _close(np.array(before), np.array(value)):
            yield f"{metric} is {before}, the newly trained model has {value}"


def _close(kept: Array, trained: Array) -> bool:
    """Whether all numbers agree within the tolerance between machines."""
    return kept.shape == trained.shape and np.allclose(trained, kept, rtol=RELATIVE, atol=ABSOLUTE)
