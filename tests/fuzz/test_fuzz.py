"""A short run of the fuzzer: what it sends, and that it sees what it must never see."""

import random

import pytest

from modelctl.finding import Finding, Position
from tests.fuzz import __main__ as fuzz
from tests.fuzz import corpus, onnx_mutations, yaml_mutations
from tests.fuzz.judging import UnjustError, judge
from tests.fuzz.targets import TARGETS

SEED = 17  # any; another one is another three hundred inputs
INPUTS = {"document": 120, "whole": 40, "change": 30, "model": 60, "edit": 40, "history": 2}


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_fails(target: str) -> None:
    """Some inputs of every target end as they must."""
    result = fuzz.Result()
    for number in range(INPUTS[target]):
        fuzz.one(SEED, number, result, [target])

    assert {} == result.faults
    assert INPUTS[target] == result.inputs[target]


def test_the_same_seed_gives_the_same_input() -> None:
    """A fault can be seen again: an input follows from its seed and number alone."""
    files = [corpus.mutated(chance, corpus.tree(chance)).files for chance in _chances()]
    models = [onnx_mutations.mutated(chance, onnx_mutations.samples()[0]) for chance in _chances()]

    assert files[0] == files[1]
    assert models[0] == models[1]


def test_most_mutations_of_values_are_yaml() -> None:
    """What is mutated by its structure passes the reader, so that it reaches the rules."""
    chance = random.Random(SEED)
    content = b"# a comment\na: {b: [1, 2], c: text}\nd: 0.5\n"
    made = [yaml_mutations.with_other_value(chance, content, [content]) for _ in range(100)]
    read = [yaml_mutations.value_of(each) for each in made]

    assert sum(value is not None for value in read) > 80
    assert len(set(made)) > 50


@pytest.mark.parametrize("line", [0, 3])
def test_a_place_outside_of_its_file_is_a_fault(line: int) -> None:
    """A finding on a line that its file does not have is not let pass."""
    finding = Finding("apps/x", Position(line, 1), "yaml-strict", "found x, expected y", "mend it")

    with pytest.raises(UnjustError, match="told outside of the file"):
        judge([finding], corpus.FuzzTree({"apps/x": b"a: 1\n"}))


def test_a_failing_target_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault is kept with the command that shows it again; the same one is counted."""
    monkeypatch.setattr(fuzz, "TARGETS", {"document": _failing})
    result = fuzz.Result()
    fuzz.one(SEED, 4, result, ["document"])
    fuzz.one(SEED, 5, result, ["document"])

    (told,) = result.faults.values()
    assert told.startswith("python -m tests.fuzz --seed 17 --from 4 --inputs 1 --target document\n")
    assert "ZeroDivisionError" in told
    assert 1 == result.repeated


def _failing(chance: random.Random) -> None:
    chance.randrange(2) / 0


def _chances() -> tuple[random.Random, random.Random]:
    return random.Random(SEED), random.Random(SEED)
