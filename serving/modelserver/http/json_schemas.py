"""JSON Schemas of one model's requests and answers, made from its contract. Pure.

They say what a schema can say: names, datatypes, ranges, numbers of dimensions, fixed sizes. They
cannot say that `data` has as many elements as `shape` asks for, nor that no output is named twice.
"""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import msgspec

from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import Datatype
from modelserver.tensor.spec import ANY_SIZE, TensorSpec

Schema = dict[str, Any]

_SIZE = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
_UINT64_MAX = 2**64 - 1  # msgspec's ranges end at 63 bits
_PARAMETER_TYPES = ["string", "number", "boolean"]
_EXAMPLES = {"BOOL": False, "BYTES": "text"}


def infer_request(contract: Contract) -> Schema:
    """The schema of a request, with an example that the model takes."""
    return {
        "title": "InferRequest",
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string", "description": "Echoed in the answer."},
            "parameters": _parameters(
                "binary_data_output", "Answer with every output as raw bytes, not as JSON."
            ),
            "inputs": _each_once("Every input, in any order.", contract.inputs, _input),
            "outputs": _wanted(contract.outputs),
        },
        "examples": [{"inputs": [_example(spec) for spec in contract.inputs]}],
    }


def infer_response(contract: Contract, *, model: str, release: str) -> Schema:
    """The schema of an answer."""
    return {
        "title": "InferResponse",
        "type": "object",
        "required": ["model_name", "model_version", "outputs"],
        "properties": {
            "model_name": {"const": model},
            "model_version": {"const": release},
            "id": {"type": "string", "description": "That of the request, where it had one."},
            "outputs": {
                "type": "array",
                "maxItems": len(contract.outputs),
                "description": "The outputs that were asked for, in that order.",
                "items": _one_of([_output(spec) for spec in contract.outputs]),
            },
        },
    }


def element(datatype: Datatype) -> Schema:
    """The schema of one element, with its range."""
    schema = msgspec.json.schema(datatype.element)
    return schema | ({"maximum": _UINT64_MAX} if datatype.name == "UINT64" else {})


def shape(sizes: Sequence[int]) -> Schema:
    """The schema of the sizes of an input, of which each fixed one is a constant."""
    each = [_SIZE if size == ANY_SIZE else {"const": size} for size in sizes]
    return _shape_of_rank(sizes) | ({"prefixItems": each} if each else {})


def data(spec: TensorSpec) -> Schema:
    """The schema of a tensor's elements: flat in row-major order, or nested like its shape."""
    flat = {"type": "array", "items": element(spec.datatype)}
    if len(spec.shape) == 1:
        return flat
    nested = element(spec.datatype)
    for size in reversed(spec.shape):
        fixed = {} if size == ANY_SIZE else {"minItems": size, "maxItems": size}
        nested = {"type": "array", "items": nested, **fixed}
    return {"anyOf": [flat, nested]}


def _shape_of_rank(sizes: Sequence[int]) -> Schema:
    words = f"{list(sizes)}, where -1 is any size."
    return {
        "type": "array",
        "description": words,
        "minItems": len(sizes),
        "maxItems": len(sizes),
    }


def _input(spec: TensorSpec) -> Schema:
    return _tensor(spec, shape(spec.shape), data(spec))


def _output(spec: TensorSpec) -> Schema:
    """The schema of an output; numbers that JSON cannot say, such as NaN, are null."""
    kind = element(spec.datatype)["type"]
    types = [kind, "null"] if kind == "number" else [kind]
    # No prefixItems here: readers of answers' schemas often know only those of JSON Schema draft 7.
    sizes = _shape_of_rank(spec.shape) | {"items": _SIZE}
    return _tensor(spec, sizes, {"type": "array", "items": {"type": types}})


def _tensor(spec: TensorSpec, sizes: Schema, elements: Schema) -> Schema:
    return {
        "title": spec.name,
        "type": "object",
        "required": ["name", "shape", "datatype", "data"],
        "properties": {
            "name": {"const": spec.name},
            "shape": sizes,
            "datatype": {"const": spec.datatype.name},
            "parameters": _parameters("binary_data_size", "Only in a body with binary tensors."),
            "data": elements,
        },
    }


def _parameters(understood: str, what: str) -> Schema:
    return {
        "type": ["object", "null"],
        "additionalProperties": {"type": _PARAMETER_TYPES},
        "description": f"Protocol parameters; understood is {understood}: {what}",
    }


def _each_once(
    description: str, specs: Sequence[TensorSpec], tensor: Callable[[TensorSpec], Schema]
) -> Schema:
    schema: Schema = {
        "type": "array",
        "description": description,
        "minItems": len(specs),
        "maxItems": len(specs),
    }
    if specs:
        schema["items"] = _one_of([tensor(spec) for spec in specs])
    if len(specs) > 1:
        schema["allOf"] = [{"contains": _named(spec.name)} for spec in specs]
    return schema


def _named(name: str) -> Schema:
    return {"type": "object", "required": ["name"], "properties": {"name": {"const": name}}}


def _one_of(schemas: Sequence[Schema]) -> Schema:
    return schemas[0] if len(schemas) == 1 else {"oneOf": list(schemas)}


def _wanted(outputs: Sequence[TensorSpec]) -> Schema:
    return {
        "type": ["array", "null"],
        "description": "Outputs to compute, each once; all where it is absent or empty.",
        "maxItems": len(outputs),
        "items": {
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": {"enum": [spec.name for spec in outputs]},
                "parameters": _parameters("binary_data", "Answer with this output as raw bytes."),
            },
        },
    }


def _example(spec: TensorSpec) -> Schema:
    sizes = [1 if size == ANY_SIZE else size for size in spec.shape]
    values = [_EXAMPLES.get(spec.datatype.name, 0)] * prod(sizes)
    return {"name": spec.name, "shape": sizes, "datatype": spec.datatype.name, "data": values}
