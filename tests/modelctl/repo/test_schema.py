"""Violations of the schemas: each once, at its place, under its rule, with a remedy."""

import time

import pytest

from modelctl.finding import Finding
from modelctl.repo import schema
from modelctl.repo.documents import Document, parse

LIMIT_S = 20.0  # of processor time: others on the machine do not count
SERVING = "stable: r1\nweights: {r1: 100}\nscale: {min: 1, max: 2, metric: cpu, target: 70}\n"


def _document(text: str) -> Document:
    document, faults = parse("a.yaml", text.encode())
    assert document is not None
    assert [] == faults
    return document


def _violations(text: str, kind: str = "serving") -> list[Finding]:
    return schema.violations(kind, _document(text))


def _told(text: str, kind: str = "serving") -> list[tuple[int, int, str, str]]:
    return [
        (f.position.line, f.position.column, f.rule, f.message) for f in _violations(text, kind)
    ]


def test_a_valid_file_has_none() -> None:
    """What the schema admits has no finding."""
    assert [] == _violations(SERVING)


@pytest.mark.parametrize(
    ("old", "new", "place", "rule", "said"),
    [
        ("r1: 100", "r1: 99.5", (2, 15), "weight-integer-range", "found 99.5, expected a whole"),
        ("r1: 100", "r1: 95.0", (2, 15), "weight-integer-range", "found 95.0, expected a whole"),
        ("r1: 100", "r1: 1.0e+2", (2, 15), "weight-integer-range", "found 100.0, expected a whole"),
        ("r1: 100", "r1: true", (2, 15), "weight-integer-range", "found true, expected a whole"),
        ("r1: 100", "r1: '5'", (2, 15), "weight-integer-range", 'found "5", expected a whole'),
        ("r1: 100", "r1: null", (2, 15), "weight-integer-range", "found null, expected a whole"),
        ("r1: 100", "r1: -1", (2, 15), "weight-integer-range", "found -1, expected at least 0"),
        ("r1: 100", "r0: 100", (2, 11), "schema-valid", "expected r and a number"),
        ("{r1: 100}", "{}", (2, 10), "schema-valid", "expected at least 1 entries"),
        ("{r1: 100}", "[r1]", (2, 10), "schema-valid", 'found ["r1"], expected a mapping'),
        ("stable: r1", 'stable: "r1\\n"', (1, 9), "schema-valid", "expected r and a number"),
        ("stable: r1", "stable: 1", (1, 9), "schema-valid", "found 1, expected text"),
        ("target: 70", "target: 0", (3, 46), "schema-valid", "found 0, expected at least 1"),
    ],
)
def test_one_violation(old: str, new: str, place: tuple[int, int], rule: str, said: str) -> None:
    """One thing wrong is one finding, at the value, under the rule that explains it."""
    ((line, column, found_rule, message),) = _told(SERVING.replace(old, new))

    assert (*place, rule) == (line, column, found_rule)
    assert said in message


def test_a_misspelt_field_is_one_finding() -> None:
    """A near name is proposed, and the field that it stands for is not called missing."""
    (finding,) = _violations(SERVING.replace("weights", "wieghts"))

    assert 'found the unknown field "wieghts"' in finding.message
    assert "did you mean weights?" == finding.remedy


def test_an_unknown_field_names_the_known_ones() -> None:
    """Where no name is near, the message lists what could stand there."""
    (finding,) = _violations(SERVING + "zzz: 1\n")

    assert finding.message.endswith(", expected one of stable, weights, shadow, scale, paused")
    assert "remove it" == finding.remedy


def test_a_missing_field_says_what_it_is() -> None:
    """The remedy for a missing field is its description."""
    (finding,) = _violations(SERVING.replace("stable: r1\n", ""))

    assert "found no stable, expected one" == finding.message
    assert finding.remedy.startswith("add `stable`: Release that is the reference")


def test_a_digest_is_an_example_of_its_rule() -> None:
    """A keyword, and a missing field, may belong to a rule of their own."""
    told = _told("artifact: {uri: 's3://a/b', sha256: ABC}\n", "release")

    assert (1, 37, "model-digest-pinned") in [entry[:3] for entry in told]
    assert (1, 1, "artifact-size-declared") in [entry[:3] for entry in told]


HOSTILE = {
    "unknown fields": "{" + ",".join(f"k{number}: 1" for number in range(20_000)) + "}",
    "bad weights": "weights: {" + ",".join(f"x{number}: no-no" for number in range(20_000)) + "}",
    "mixed items": "runtime: {providers: [" + ",".join(["1", "a"] * 10_000) + "]}",
    "long text": f"stable: {'r' * 1_000_000}",
    "long host": "environments: [{gateway: {hostname: '" + "a." * 400_000 + "!'}}]",
    "text for all": "weights: a-b\nstable: {}\nscale: []\nshadow: 1\n",
}


@pytest.mark.parametrize("kind", schema.KINDS)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_cheap(kind: str, text: str) -> None:
    """However much is wrong, it is told in bounded time, number and length."""
    start = time.process_time()
    findings = _violations(text, kind)

    assert time.process_time() - start < LIMIT_S
    assert 0 < len(findings) <= 100
    assert all(len(f.message) + len(f.remedy) < 1000 for f in findings)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (("service_level", "error_rate"), 0.5, None),
        (
            ("service_level", "error_rate"),
            2,
            "found 2, expected at most 1 (write a number from 0 to 1)",
        ),
        (("owner",), "Vision", 'found "Vision", expected lower-case letters, digits and hyphens'),
    ],
)
def test_one_field(field: tuple[str, ...], value: object, said: str | None) -> None:
    """A value that is meant for one field is judged by that field's schema alone."""
    found = schema.fault("model", field, value)

    assert found is None if said is None else str(found).startswith(said)
