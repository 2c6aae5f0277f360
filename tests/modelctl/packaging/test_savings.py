"""What a smaller model must bring, and what it may cost."""

import numpy as np
import pytest

from modelctl.packaging import savings
from modelctl.packaging.savings import Cost

BASE = Cost(size_bytes=1000, seconds_a_row=100e-6, loss_percent=0.0, quality=90.0)


@pytest.mark.parametrize(
    ("aim", "cost", "is_kept", "words"),
    [
        ("latency", Cost(2000, 89e-6, 0.5), True, "11 % less"),
        ("latency", Cost(100, 95e-6, 0.0), False, "5 % less, wanted are 10 % less"),
        ("latency", Cost(100, 150e-6, 0.0), False, "50 % more"),
        ("size", Cost(700, 900e-6, 0.0), True, "30 % less"),
        ("size", Cost(710, 1e-6, 0.0), False, "29 % less, wanted are 30 % less"),
        ("size", Cost(100, 1e-6, 1.01), False, "loses 1.01 %, allowed are 1 %"),
        ("size", Cost(100, 1e-6, 1.0, 89.4), False, "loses 0.60 points against the labels"),
        ("size", Cost(100, 1e-6, 1.0, 89.6), True, "90 % less"),
    ],
)
def test_keeps_what_pays(aim: str, cost: Cost, is_kept: bool, words: str) -> None:  # noqa: FBT001 - a table
    """A variant is kept for enough gain in the aim, within the loss, against the truth as well."""
    base = Cost(1000, 100e-6, 0.0, 90.0 if cost.quality else None)
    found = savings.judged("int8", cost, base=base, aim=aim, max_loss_percent=1.0)

    assert is_kept == found.is_kept
    assert words in found.verdict


def test_counts_rows_whose_label_differs() -> None:
    """The loss of a classifier is the share of rows with another label, told or by score."""
    scores = np.eye(4, dtype=np.float32)
    other = scores[[0, 1, 2, 0]]

    assert 25.0 == savings.loss_percent({"p": scores}, {"p": other})
    assert 25.0 == savings.loss_percent(
        {"p": scores, "label": np.array(list("abcd"))},
        {"p": scores, "label": np.array(list("abcc"))},
    )


def test_counts_rows_without_numbers() -> None:
    """A row whose scores are no numbers any more is lost, whichever of them looks best."""
    scores = np.eye(4, dtype=np.float32)
    other = scores.copy()
    other[1, 1] = np.nan

    assert 25.0 == savings.loss_percent({"p": scores}, {"p": other})


def test_measures_a_regression_by_its_spread() -> None:
    """The loss of a regression is the typical difference, in percent of how answers vary."""
    wanted = np.array([[-1.0], [1.0]], dtype=np.float32)

    assert pytest.approx(10.0, rel=1e-5) == savings.loss_percent({"y": wanted}, {"y": wanted + 0.1})
    assert 100.0 == savings.loss_percent({"y": wanted}, {"y": wanted * np.nan})


def test_measures_quality_against_the_truth() -> None:
    """Right labels in percent, as numbers or text; of a regression R² in percent."""
    outputs = {"label": np.array(["0", "1", "1", "0"])}

    assert 75.0 == savings.quality(outputs, np.array([0, 1, 1, 1]))
    assert 100.0 == savings.quality({"y": np.array([[1.0], [2.0]])}, np.array([1.0, 2.0]))


def test_prints_a_table() -> None:
    """The table has the original and each variant with its verdict."""
    found = savings.judged("static", Cost(300, 50e-6, 0.2), base=BASE, aim="size",
                           max_loss_percent=1.0)  # fmt: skip
    lines = savings.table(BASE, [found])

    assert [line.split()[0] for line in lines] == ["variant", "original", "static"]
    assert "0.3 KiB  50 µs" in lines[2]
    assert lines[2].endswith("dropped: loses 90.00 points against the labels, allowed are 0.5")
