"""BF16 as numpy does not know it: the upper half of a float32."""

import numpy as np
from numpy.typing import NDArray


def to_bits(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Bits of the nearest BF16, ties to even; NaN stays NaN."""
    bits = values.view(np.uint32)
    rounded = (bits + (np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1)))) >> np.uint32(
        16
    )
    quiet_nan = (bits >> np.uint32(16)) | np.uint32(0x40)
    return np.where(np.isnan(values), quiet_nan, rounded).astype(np.uint16)


def from_bits(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """float32 of the same value and shape, exact."""
    return (bits.astype(np.uint32) << np.uint32(16)).view(np.float32)
