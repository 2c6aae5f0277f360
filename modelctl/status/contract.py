"""The contract of a model as its servers are told it. Pure."""

import json

from modelctl.model.tensors import Contract, TensorSpec


def contract(written: str) -> Contract | None:
    """The contract in the value of `MODELSERVER_CONTRACT`; None where it holds none."""
    try:
        sides = json.loads(written)
        inputs, outputs = (
            tuple(
                TensorSpec(str(item["name"]), str(item["datatype"]), tuple(map(int, item["shape"])))
                for item in sides[side]
            )
            for side in ("inputs", "outputs")
        )
    except (ValueError, TypeError, KeyError):
        return None
    return Contract(inputs, outputs)
