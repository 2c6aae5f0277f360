"""Options of execution providers: what a release may write is what the server reads."""

import json
from pathlib import Path

import msgspec

from modelserver.model.provider_options import (
    CpuOptions,
    CudaOptions,
    ProviderOptions,
    TensorrtOptions,
)

ROOT = Path(__file__).parents[3]


def test_the_server_knows_every_provider_option() -> None:
    """Each option that a release may set has the same name and takes the same values there."""
    schema = json.loads((ROOT / "schemas" / "release.schema.json").read_text())
    providers = schema["properties"]["runtime"]["properties"]["provider_options"]["properties"]
    examples = {
        provider: {name: each["examples"][0] for name, each in options["properties"].items()}
        for provider, options in providers.items()
    }

    known = msgspec.convert(examples, ProviderOptions)

    assert {name: set(options) for name, options in examples.items()} == {
        "cpu": set(CpuOptions.__struct_fields__),
        "cuda": set(CudaOptions.__struct_fields__),
        "tensorrt": set(TensorrtOptions.__struct_fields__),
    }
    assert examples == msgspec.to_builtins(known)
