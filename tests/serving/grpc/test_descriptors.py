"""The messages are those of the protocol, and of the protos that lie beside their generator."""

import warnings
from typing import Any

import pytest

from modelserver.codec.protobuf import descriptors, messages
from serving.protobuf import generate


def test_generated_module_is_current() -> None:
    """`make protobuf` would write what is committed."""
    assert generate.digest() == descriptors.SHA256
    assert generate.module(generate.compiled()) == generate.GENERATED.read_text(encoding="utf-8")


def fields(descriptor: Any) -> dict[str, tuple[Any, ...]]:  # noqa: ANN401
    """What decides over the bytes of each field."""
    return {
        field.name: (field.number, field.type, field.is_repeated) for field in descriptor.fields
    }


SHARED = [
    name
    for name, each in vars(messages).items()
    if getattr(getattr(each, "DESCRIPTOR", None), "full_name", "").startswith("inference.")
]
"""All messages but those of grpc.health.v1, which the other implementation does not have."""


@pytest.mark.parametrize("name", SHARED)
def test_messages_are_those_of_another_implementation(name: str) -> None:
    """Field by field, number and type, as far as this server knows the fields."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tritonclient.grpc import service_pb2  # noqa: PLC0415 - it warns

    ours = getattr(messages, name).DESCRIPTOR
    theirs = getattr(service_pb2, ours.name).DESCRIPTOR

    assert ours.full_name == theirs.full_name
    assert fields(ours).items() <= fields(theirs).items()
    for nested in ours.nested_types:
        assert fields(nested).items() <= fields(theirs.nested_types_by_name[nested.name]).items()
