"""Plain scalars mean the same to every YAML reader, or are refused."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelctl.repo.scalars import Scalar, key, plain

# Whatever scalars of YAML 1.1 and 1.2 are made of.
PIECES = "0 1 9 60 _ : . - + e E x o b y n t T ~ a true Off null inf nan = << 2001-01-01"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-0", 0),
        ("95", 95),
        ("-7", -7),
        ("-" + "9" * 18, 1 - 10**18),
        ("0.5", 0.5),
        ("-1.0e-5", -1e-05),
        ("r1", "r1"),
        ("v1.2.3", "v1.2.3"),
        ("2 GiB", "2 GiB"),
        ("one", "one"),
        ("-", "-"),
        ("9f86d081884c7d65", "9f86d081884c7d65"),
    ],
)
def test_plain_values(text: str, value: Scalar) -> None:
    """What every reader reads the same way has that value."""
    found, fault = plain(text)

    assert (value, type(value)) == (found, type(found))
    assert fault is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("no", "boolean"),
        ("On", "boolean"),
        ("y", "boolean"),
        ("True", "boolean"),
        ("NULL", "null"),
        ("010", "octal"),
        ("08", "octal"),
        ("0x1F", "octal"),
        ("0o17", "octal"),
        ("12:30", "base 60"),
        ("190:20:30.15", "base 60"),
        ("2026-01-31", "date"),
        ("2026-01-31T10:00:00Z", "date"),
        (".inf", "infinity"),
        ("-.INF", "infinity"),
        (".NaN", "infinity"),
        ("1_000", "a number to some"),
        ("1_0.5", "a number to some"),
        ("+1", "a number to some"),
        (".5", "a number to some"),
        ("5.", "a number to some"),
        ("1e5", "a number to some"),
        ("1.0e5", "a number to some"),
        ("=", "a meaning of its own"),
        ("<<", "a meaning of its own"),
    ],
)
def test_doubtful_values(text: str, why: str) -> None:
    """What readers disagree about is a fault that says why."""
    _, fault = plain(text)

    assert fault is not None
    assert why in fault.message


@pytest.mark.parametrize("text", ["9" * 19, "-" + "9" * 4000, "1.0e+999"])
def test_numbers_have_bounds(text: str) -> None:
    """A number that some reader would round or refuse is a fault, however long it is."""
    _, fault = plain(text)

    assert fault is not None


@pytest.mark.parametrize("text", ["1", "~", "true", "on", "2026-01-31", "0.5"])
def test_keys_are_text(text: str) -> None:
    """A key that is not text to every reader is a fault."""
    assert key(text) is not None


def test_a_key_tells_its_own_fault() -> None:
    """Of a key that is a number out of bounds the bound is said, which quotes do away with."""
    fault = key("9" * 19)

    assert fault is not None
    assert "found a number of 19 digits" in fault.message


@pytest.mark.parametrize("text", ["r1", "weights", "ai.onnx", "https://models.example.com/"])
def test_names_are_keys(text: str) -> None:
    """A key that is text to every reader is none."""
    assert key(text) is None


@given(st.lists(st.sampled_from(PIECES.split()), min_size=1, max_size=6).map("".join))
def test_agrees_with_a_reader_of_yaml_1_1(text: str) -> None:
    """What is not a fault here is the same value to PyYAML, a reader of YAML 1.1."""
    try:
        theirs = yaml.safe_load(f"[{text}]")
    except (yaml.YAMLError, ValueError):
        return
    if not isinstance(theirs, list) or len(theirs) != 1 or isinstance(theirs[0], dict | list):
        return
    ours, fault = plain(text.strip())

    assert fault is not None or (theirs[0], type(theirs[0])) == (ours, type(ours))
