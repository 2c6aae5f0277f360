"""Graphs of random nodes: what is proven of them holds."""

from typing import Any

import numpy as np
import onnxruntime

from modelserver.model.graph import reader
from modelserver.model.rows import proof
from modelserver.model.rows.step import Names
from modelserver.model.rows.values import Size, Value
from tests.serving.model.rows.apart import ONE_A_ROW
from tests.serving.model.rows.generated import generated

NUMBER = 4
GRAPHS = 1500


def proven(model: Any) -> Value | None:  # noqa: ANN401 - protobuf messages carry no types here
    """What is proven of the output, if it has rows."""
    rest = {"x": (2, 4), "w": (2, 4)}
    given = {
        each.name: Value(
            (ONE_A_ROW, *map(Size, rest[each.name][: len(each.type.tensor_type.shape.dim) - 1])), 0
        )
        for each in model.graph.input
    }
    file = reader.read_bytes(model.SerializeToString())
    (found,) = proof.follow(file, given, Names()).values()
    return found if isinstance(found, Value) and found.axis is not None else None


def difference(model: Any, value: Value) -> str | None:  # noqa: ANN401 - as above
    """Where rows together are not as alone; None if the model does not run such rows."""
    random = np.random.default_rng(3)
    name = model.graph.output[0].name
    feeds = {}
    for each in model.graph.input:
        shape = [NUMBER, 2, 4][: len(each.type.tensor_type.shape.dim)]
        feeds[each.name] = (random.normal(size=shape) * 3).astype(np.float32)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options)
        (together,) = session.run([name], feeds)
        parts = [slice(0, 1), slice(1, 3), slice(3, 4)]
        alone = [session.run([name], {n: a[part] for n, a in feeds.items()})[0] for part in parts]
    except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no common base
        return None
    joined = np.concatenate(alone, value.axis)
    if joined.shape != together.shape:
        return f"{joined.shape} and {together.shape}"
    return "" if np.allclose(joined, together, rtol=1e-3, atol=1e-4, equal_nan=True) else "differs"


def test_what_is_proven_of_random_graphs_holds() -> None:
    """Of thousands of graphs hundreds are proven, and ONNX Runtime contradicts none."""
    ran, wrong = 0, {}
    for seed in range(GRAPHS):
        model = generated(seed)
        value = proven(model)
        found = value and difference(model, value)
        ran += found is not None
        if found:
            wrong[seed] = found

    assert {} == wrong
    assert ran > GRAPHS / 10
