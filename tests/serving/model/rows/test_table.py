"""Every line of the table of operators, held against ONNX Runtime."""

import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations, product
from random import Random
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from modelserver.model.rows.table import TABLE, only_constants
from tests.serving.model.graph.standard import node_tests
from tests.serving.model.rows.apart import Axes, Sample
from tests.serving.model.rows.samples import own_samples

pytestmark = pytest.mark.timeout(600)  # all models take half a minute, on a busy core thrice that

_MOST_WAYS = 60  # to put rows on axes of the inputs of one model
_FEW_WAYS = 8  # the same of models of many nodes, which are the same operators written out
_MOST_RUNS = 3  # of those in which anything is proven


@dataclass
class Tally:
    """How many ways were tried, in how many something was proven and held, by operator."""

    tried: int = 0
    proven: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def add(self, sample: Sample, operator: str, random: np.random.Generator) -> None:
        """Try a model in many ways."""
        runs = 0
        for axes in ways(sample, _MOST_WAYS if operator else _FEW_WAYS):
            self.tried += 1
            found = sample.proven(axes)
            self.proven[operator] += bool(found)
            if not found or runs == _MOST_RUNS:
                continue
            session = sample.session(axes)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # numbers too large for float16
                differences = session and sample.differences(session, axes, found, random)
            if differences is not None:
                runs += 1
                self.held[operator] += not differences
                self.differences += differences


def ways(sample: Sample, most: int) -> list[Axes]:
    """Some inputs, each with an axis for its rows."""
    ranked = [name for name, each in sample.inputs.items() if each.ndim]
    every = [
        dict(zip(names, axes, strict=True))
        for number in range(1, min(len(ranked), 5) + 1)
        for names in combinations(ranked, number)
        for axes in product(*(range(min(sample.inputs[name].ndim, 4)) for name in names))
    ]
    first = [each for each in every if len(set(each.values())) == 1]  # on the same axis of all
    others = [each for each in every if len(set(each.values())) > 1]
    left = max(most - len(first), 0)
    some = Random(7).sample(others, min(len(others), left))  # noqa: S311 - the same every time
    return first[:most] + some


def standard_samples() -> Iterator[tuple[str, Sample]]:
    """The standard's models that take arrays, each with its operator; several count as none."""
    for test in node_tests():
        names = [each.name for each in test.model.graph.input]
        arrays = [_array(each) for each in test.data_sets[0][0]]
        given = {n: a for n, a in zip(names, arrays, strict=False) if a is not None and a.size}
        if len(given) == len(names) == len(arrays):
            nodes = test.model.graph.node
            operator = nodes[0].op_type if len(nodes) == 1 else ""
            yield operator, Sample(test.name, test.model, given)


def _array(given: Any) -> Any:  # noqa: ANN401 - whatever a test of the standard takes
    if isinstance(given, onnx.TensorProto) and given.data_type <= onnx.TensorProto.BFLOAT16:
        return numpy_helper.to_array(given)
    if isinstance(given, np.generic):
        return np.asarray(given)
    return given if isinstance(given, np.ndarray) else None


# Of these nothing can be proven but that what comes of constants is one.
CONSTANTS = frozenset(name for (_, name), rule in TABLE.items() if rule.apply is only_constants)


@pytest.fixture(scope="module")
def tally() -> Tally:
    """All models, each tried in many ways."""
    found, random = Tally(), np.random.default_rng(3)
    for operator, sample in (*standard_samples(), *own_samples()):
        found.add(sample, operator, random)
    return found


def test_what_is_proven_holds(tally: Tally) -> None:
    """Rows together give what each gives alone, and shapes are those that were followed."""
    assert [] == tally.differences
    assert sum(tally.held.values()) > 1500


def test_every_line_of_the_table_proves_something_that_holds(tally: Tally) -> None:
    """A line that never says yes, or whose yes is never tried, is of no use."""
    names = {name for _, name in TABLE} - CONSTANTS

    assert set() == names - set(+tally.held)


def test_what_may_mix_rows_proves_nothing(tally: Tally) -> None:
    """Operators that look at all rows, or at nothing but chance, are never proven."""
    random = {"Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike"}

    assert set() == (CONSTANTS | random) & set(+tally.proven)
