"""Kubernetes quantities are read as Kubernetes reads them."""

from fractions import Fraction

import pytest

from modelctl.repo.quantities import amount


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        *(("2", 2), ("0.5", Fraction(1, 2)), (".5", Fraction(1, 2)), ("2.", 2), ("+2", 2)),
        *(("-1", -1), ("500m", Fraction(1, 2)), ("1500m", Fraction(3, 2)), ("0", 0)),
        *(("1u", Fraction(1, 10**6)), ("1n", Fraction(1, 10**9)), ("0.1", Fraction(1, 10))),
        *(("1k", 1000), ("1M", 10**6), ("1G", 10**9), ("1T", 10**12), ("1P", 10**15)),
        *(("1Ki", 1 << 10), ("512Mi", 512 << 20), ("1.5Gi", 3 << 29), ("1Ti", 1 << 40)),
        *(("1Pi", 1 << 50), ("1Ei", 1 << 60), ("1E", 10**18), ("1E3", 1000), ("2e-3", 2 * 10**-3)),
    ],
)
def test_a_quantity_is_an_exact_number(quantity: str, expected: float | Fraction) -> None:
    """Suffixes to the power of ten and of two, exponents and fractions give what they say."""
    assert Fraction(str(expected)) == amount(quantity)


@pytest.mark.parametrize(
    "quantity", ["", "Mi", "1MB", "1 Gi", "1K", "1mi", "1e", "1e999", "1.2.3", "²", "0x10", "1Gi\n"]
)
def test_what_is_no_quantity_is_refused(quantity: str) -> None:
    """Text that Kubernetes would not take is an error, not a guess."""
    with pytest.raises(ValueError, match="expected a quantity"):
        amount(quantity)
