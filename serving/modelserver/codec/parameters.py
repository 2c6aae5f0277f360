"""Parameters of requests and tensors: what this server understands, and what it refuses by name.

Others are ignored, as the protocol has it: they may be hints, which change no answer.
Source: Triton's extensions of the protocol (binary data, classification, sequences, shared memory).
"""

from collections.abc import Mapping
from types import MappingProxyType

from modelserver.errors import InvalidRequest

_REFUSED: Mapping[str, str] = MappingProxyType(
    {
        "classification": "this server gives outputs as they are; find the largest in the client",
        "sequence_id": "requests of this server know nothing of each other",
        "sequence_start": "requests of this server know nothing of each other",
        "sequence_end": "requests of this server know nothing of each other",
        "shared_memory_region": "send tensors as JSON or as binary data",
        "shared_memory_byte_size": "send tensors as JSON or as binary data",
        "shared_memory_offset": "send tensors as JSON or as binary data",
    }
)
"""What would change the answer, and what to do instead; 0 and false ask for nothing."""


def check(given: Mapping[str, object], field: str) -> None:
    """Return if none of these parameters asks for what this server does not do.

    Raises:
        InvalidRequest: One does; the error names it, below `field`.
    """
    for name in given.keys() & _REFUSED.keys():
        if given[name]:
            raise InvalidRequest(
                f"{field}.{name}",
                f"found {str(given[name])[:64]!r}, not supported; {_REFUSED[name]}",
            )


def read_flag(given: Mapping[str, object], name: str, field: str, *, default: bool = False) -> bool:
    """The parameter that says yes or no, of parameters that are otherwise supported.

    Raises:
        InvalidRequest: It says something else, or another one is not supported.
    """
    check(given, field)
    value = given.get(name, default)
    if not isinstance(value, bool):
        raise InvalidRequest(
            f"{field}.{name}", f"found {str(value)[:64]!r}, expected true or false"
        )
    return value
