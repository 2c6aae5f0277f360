"""How much memory a model server needs, as far as the size of the model file tells."""

from fractions import Fraction
from math import ceil

_MIB = 1 << 20

# Measured by control groups of ever less memory, on a CPU: a server of a model of 228 bytes was
# killed at 48 MiB and ready at 56, one of 48 MiB killed at 112 and ready at 128, one of 200 MiB
# killed at 300 and ready at 340. ONNX Runtime holds a part of the weights twice while it loads.
_SERVER_MIB = 48
_TIMES_THE_FILE = Fraction(6, 5)

# Room for requests, tensors and batches of a model that nobody has measured yet.
_AMPLE_SERVER_MIB = 512
_AMPLE_TIMES_THE_FILE = 2
_AMPLE_STEP_MIB = 256


def least_mib(file_bytes: int) -> int:
    """The least memory, in MiB, with which a server of such a file was seen to become ready."""
    return _SERVER_MIB + ceil(_TIMES_THE_FILE * Fraction(file_bytes, _MIB))


def ample_mib(file_bytes: int) -> int:
    """The memory, in MiB, that a release begins with until somebody has measured what it needs."""
    steps = ceil(Fraction(_AMPLE_TIMES_THE_FILE * file_bytes, _MIB * _AMPLE_STEP_MIB))
    return max(_AMPLE_SERVER_MIB, (steps + 1) * _AMPLE_STEP_MIB)
