"""A golden file of what a run gave, as text that a server reads."""

from collections.abc import Mapping

import numpy as np

from modelserver.codec.answers import Parts, add_values
from modelserver.errors import RequestError
from modelserver.model.contract import Contract
from modelserver.rehearsal.draft import Draft
from modelserver.tensor.bfloat16 import from_bits
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import TensorSpec

MOST_BYTES = 16 << 20
"""A larger golden file is not made of itself: it would hold more of numbers than of a check."""

_TOLERANCE = b'{"tolerance":{"absolute":0.0001,"relative":0.001},"cases":['
"""Another CPU adds up in another order; the kinds of error that matter are far larger."""


def text(draft: Draft) -> tuple[bytes, str]:
    """The file with one case, or nothing and the reason why."""
    values = [*draft.outputs.items(), *draft.feeds.items()]
    specs = {spec.name: spec for spec in (*draft.contract.inputs, *draft.contract.outputs)}
    for name, array in values:
        numbers = from_bits(array) if specs[name].datatype.name == "BF16" else array
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            return b"", f"no golden file was made: {name} has values that are no numbers"
    try:
        content = _TOLERANCE + _case(draft) + b"]}\n"
    except RequestError as error:
        return b"", f"no golden file was made: {error}"
    if len(content) > MOST_BYTES:
        return b"", f"no golden file was made: it would have {len(content)} bytes"
    return content, ""


def _case(draft: Draft) -> bytes:
    contract: Contract = draft.contract
    inputs = _side(contract.inputs, draft.feeds)
    return (
        b'{"inputs":[' + inputs + b'],"outputs":[' + _side(contract.outputs, draft.outputs) + b"]}"
    )


def _side(specs: tuple[TensorSpec, ...], arrays: Mapping[str, Array]) -> bytes:
    tensors = []
    for spec in specs:
        parts = Parts()
        add_values(parts, spec.name, spec.datatype, arrays[spec.name])
        tensors.append(b"".join(parts.all()))
    return b",".join(tensors)
