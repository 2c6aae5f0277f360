"""What holds of each converter without its framework: its files, and what it refuses first."""

import json
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelctl.errors import ConversionError
from modelctl.packaging import converters
from modelctl.packaging.converting import convert
from modelctl.packaging.formats import FORMATS

# A framework that is not in this interpreter, by converter.
FRAMEWORKS = {
    "keras": "keras",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "torch": "torch",
}


@pytest.mark.parametrize("name", converters.NAMES)
def test_formats_and_converters_name_each_other(name: str) -> None:
    """Each format that a converter accepts says that it is that converter's."""
    accepted = converters.named(name).accepts

    assert [name] * len(accepted) == [FORMATS[form].converter for form in accepted]


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_each_package_has_its_reason_and_its_hashes(name: str) -> None:
    """What a converter wants is said with why, and resolved with hashes."""
    converter = converters.named(name)
    wanted = (converter.folder / "requirements.in").read_text("utf-8").splitlines()
    lock = converter.lock.read_text("utf-8")

    assert all("  # " in line for line in wanted)
    assert all(f"\n{line.split('>')[0]}==" in lock for line in wanted)
    assert lock.count("==") <= lock.count("--hash=sha256:")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_an_interpreter_without_the_framework_is_told(name: str, tmp_path: Path) -> None:
    """The message names module and interpreter, and that an environment can be made."""
    if find_spec(FRAMEWORKS[name]):
        pytest.skip(f"{FRAMEWORKS[name]} is installed here")
    source = tmp_path / "model"
    source.write_bytes(b"tree\n")

    with pytest.raises(ConversionError) as caught:
        convert(source, converters.named(name), trust=True, python=Path(sys.executable))

    told = str(caught.value)
    assert f"found no module {FRAMEWORKS[name]}" in told or "found no module" in told
    assert "leave --python out" in told


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("xgboost", b"\x80\x04", "found a pickle, which runs code"),
        ("lightgbm", b"\x80\x04", "found a pickle, which runs code"),
        ("torch", b"PK\x03\x04", "found a PyTorch file, which may run code"),
    ],
)
def test_code_is_not_run_without_trust(
    name: str, content: bytes, words: str, tmp_path: Path
) -> None:
    """It is refused before the framework is there, whatever it would do."""
    source = tmp_path / "model"
    source.write_bytes(content)

    with pytest.raises(ConversionError, match=words) as caught:
        convert(source, converters.named(name), python=Path(sys.executable))

    assert "--trust" in str(caught.value)


def test_a_saved_model_wants_trust(tmp_path: Path) -> None:
    """Its graph may read and write files."""
    with pytest.raises(ConversionError, match=r"found a SavedModel.*--trust"):
        convert(tmp_path, converters.named("keras"), python=Path(sys.executable))


def test_the_declarations_are_complete() -> None:
    """Each says formats, trust and interpreter, and nothing else."""
    for name in converters.NAMES:
        path = converters.named(name).folder / "converter.json"
        fields: Mapping[str, object] = json.loads(path.read_text("utf-8"))

        assert {"accepts", "needs_trust", "python"} == fields.keys()
