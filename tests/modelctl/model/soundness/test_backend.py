"""The models of ONNX's own tests of backends: what ONNX Runtime loads of them passes."""

import importlib
import pkgutil
import warnings
from collections.abc import Iterator
from pathlib import Path

import onnx
import pytest
from onnx.backend.test.case import node

from onnx_oracle import ours, theirs

_STRIDE = 3  # every third: all of them take three times as long and say the same
_HIGHEST_IR_VERSION, _HIGHEST_OPSET = 13, 26

# Refused by ONNX Runtime alone, for a language that the machine has not.
_LOCALE = "Failed to construct locale"


def _models() -> Iterator[tuple[str, bytes]]:
    modules = sorted(each.name for each in pkgutil.iter_modules(node.__path__))[::_STRIDE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # their inputs overflow on purpose
        for name in modules:
            importlib.import_module(f"{node.__name__}.{name}")
    for case in node._NodeTestCases:
        yield case.name, case.model.SerializeToString()
    folder = Path(onnx.__file__).parent / "backend/test/data"
    for file in sorted(folder.glob("**/*.onnx"))[::_STRIDE]:
        yield file.relative_to(folder).as_posix(), file.read_bytes()


def _as_of_the_runtime(content: bytes) -> bytes:
    """The same model of the newest versions that the runtime loads, where its own are newer."""
    model = onnx.ModelProto.FromString(content)
    model.ir_version = min(model.ir_version, _HIGHEST_IR_VERSION)
    for opset in model.opset_import:
        if not opset.domain:
            opset.version = min(opset.version, _HIGHEST_OPSET)
    return model.SerializeToString()


@pytest.fixture(scope="module")
def verdicts() -> dict[str, tuple[str, str]]:
    """What ONNX Runtime and modelctl say of each model, by its name."""
    chosen = dict(_models())
    variants = dict(chosen)
    variants |= {
        f"{name} as of the runtime": _as_of_the_runtime(each) for name, each in chosen.items()
    }
    return {name: (theirs(content), ours(content)) for name, content in variants.items()}


def test_nothing_is_refused_falsely(verdicts: dict[str, tuple[str, str]]) -> None:
    """Each model that ONNX Runtime loads, modelctl lets through."""
    loaded = {name: problem for name, (refusal, problem) in verdicts.items() if not refusal}

    assert len(loaded) > 700
    assert {} == {name: problem for name, problem in loaded.items() if problem}


def test_nothing_is_let_through_falsely(verdicts: dict[str, tuple[str, str]]) -> None:
    """Each model that ONNX Runtime refuses for what it is, modelctl refuses as well."""
    refused = {
        name: (refusal, problem)
        for name, (refusal, problem) in verdicts.items()
        if refusal and _LOCALE not in refusal
    }

    assert len(refused) > 100
    assert {} == {name: refusal for name, (refusal, problem) in refused.items() if not problem}
