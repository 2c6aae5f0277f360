"""What to write instead: a next step that fits the value that was found."""

import pytest

from modelctl.repo.remedies import remedy

PERCENT = {"type": "integer", "minimum": 0, "maximum": 100, "examples": [5]}
RATE = {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "examples": [0.5]}
CPU = {"type": "string", "examples": ["2"]}
KIND = {"enum": ["FP32", "INT64"], "examples": ["FP32"]}
DIGEST = {"type": "string", "x-remedy": "run sha256sum", "examples": ["ab" * 32]}


@pytest.mark.parametrize(
    ("keyword", "value", "part", "said"),
    [
        ("type", 95.0, PERCENT, "write 95"),
        ("type", 2.5, PERCENT, "for example 5"),
        ("type", "05", PERCENT, "write 5 without quotes"),
        ("type", True, PERCENT, "for example 5"),
        ("type", "1", RATE, "write 1 without quotes"),
        ("type", 2, CPU, "put it in quotes"),
        ("type", ["2"], CPU, 'for example "2"'),
        ("maximum", 101, PERCENT, "write a number from 0 to 100"),
        ("minimum", -1, PERCENT, "write a number from 0 to 100"),
        ("exclusiveMinimum", 0, RATE, "write a number above 0 and at most 1"),
        ("minimum", 0, {"minimum": 1}, "write a number from 1"),
        ("enum", "fp32", KIND, "did you mean FP32?"),
        ("enum", "float", KIND, 'for example "FP32"'),
        ("enum", "gpu", {"enum": ["cpu"], "examples": ["cpu"]}, "write cpu"),
        ("maxLength", "x" * 99, CPU, "shorten it"),
        ("pattern", "x", DIGEST, "run sha256sum"),
        ("pattern", "x", {"examples": ["y" * 99]}, "see schemas/README.md"),
        ("pattern", "x", {}, "see schemas/README.md"),
    ],
)
def test_a_remedy_fits_the_value(
    keyword: str, value: object, part: dict[str, object], said: str
) -> None:
    """The value in the wanted type, the bounds, the nearest name; an example where none fits."""
    assert said == remedy(keyword, value, part)
