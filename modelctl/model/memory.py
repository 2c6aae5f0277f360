"""How much memory a model server needs, as far as the size of the model file tells."""

from fractions import Fraction
from math import ceil, prod

from modelctl.model.tensors import Contract

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

# The server's own division: so much of the memory is planned with; a body of JSON takes three times
# its size while it is read, and an answer is held in its parts and as a whole.
_PLANNED = Fraction(4, 5)
TIMES_A_BODY = 3
TIMES_AN_ANSWER = 2

_ELEMENT_BYTES = {
    **dict.fromkeys(("BOOL", "UINT8", "INT8"), 1),
    **dict.fromkeys(("UINT16", "INT16", "FP16", "BF16"), 2),
    **dict.fromkeys(("UINT32", "INT32", "FP32"), 4),
    **dict.fromkeys(("UINT64", "INT64", "FP64", "BYTES"), 8),
}


def room_bytes(memory_bytes: int, file_bytes: int) -> int:
    """The most that requests and runs can have of a server's memory, once the model is loaded."""
    return int(_PLANNED * memory_bytes) - (_SERVER_MIB * _MIB) - file_bytes


def row_bytes(contract: Contract) -> int:
    """What each row takes at the least: its inputs and outputs, as far as their sizes are fixed."""
    return sum(
        _ELEMENT_BYTES[spec.datatype] * prod(spec.shape[1:])
        for spec in (*contract.inputs, *contract.outputs)
        if spec.shape[:1] == (-1,) and -1 not in spec.shape[1:]
    )


def least_mib(file_bytes: int) -> int:
    """The least memory, in MiB, with which a server of such a file was seen to become ready."""
    return _SERVER_MIB + ceil(_TIMES_THE_FILE * Fraction(file_bytes, _MIB))


def ample_mib(file_bytes: int) -> int:
    """The memory, in MiB, that a release begins with until somebody has measured what it needs."""
    steps = ceil(Fraction(_AMPLE_TIMES_THE_FILE * file_bytes, _MIB * _AMPLE_STEP_MIB))
    return max(_AMPLE_SERVER_MIB, (steps + 1) * _AMPLE_STEP_MIB)
