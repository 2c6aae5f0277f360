"""What the server and its model say about themselves, in the protocol's structures.

They are plain, so that health and gRPC need no framework for them; FastAPI reads their types and
texts for its document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.tensor.spec import TensorSpec

EXTENSIONS = ("binary_tensor_data",)
"""Extensions of the protocol that this server has."""

PLATFORM = "onnxruntime_onnx"
"""The protocol's word for what runs the model."""


@dataclass(frozen=True)
class ServerMetadata:
    """The server's name, version and extensions of the protocol."""

    name: str
    version: str
    extensions: list[str]


@dataclass(frozen=True)
class TensorMetadata:
    """One input or output; `shape` has -1 where any size is allowed."""

    name: str
    datatype: str
    shape: list[int]


@dataclass(frozen=True)
class ModelMetadata:
    """The release that is served, what it takes and gives, and how it is run."""

    name: str
    versions: list[str] = field(
        metadata={"description": "The one release that this process serves."}
    )
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, str] = field(
        metadata={"description": "How it is run; empty until it is loaded."}
    )


@dataclass(frozen=True)
class Live:
    """That the process answers."""

    live: bool = True


@dataclass(frozen=True)
class Ready:
    """Whether new requests are wanted; `error` says why not."""

    ready: bool
    state: str
    reason: str
    error: str | None = None


@dataclass(frozen=True)
class ModelReady:
    """Whether the release is loaded, warmed up and replayed: once true, it stays true."""

    name: str
    version: str
    ready: bool
    error: str | None = None


def of_server(version: str) -> ServerMetadata:
    """The metadata of the server."""
    return ServerMetadata(name="modelserver", version=version, extensions=list(EXTENSIONS))


def of_model(
    model: str,
    release: str,
    contract: Contract,
    lifecycle: Lifecycle,
    limits: Mapping[str, int],
) -> ModelMetadata:
    """The metadata of the release, which its contract tells before it is loaded."""
    return ModelMetadata(
        name=model,
        versions=[release],
        platform=PLATFORM,
        inputs=_tensors(contract.inputs),
        outputs=_tensors(contract.outputs),
        parameters=_execution(lifecycle, limits),
    )


def of_readiness(lifecycle: Lifecycle) -> Ready:
    """The phase of the server, and the reason for it."""
    state, reason = lifecycle.phase.value, lifecycle.reason
    error = None if lifecycle.is_ready else f"not ready: {state}: {reason}"
    return Ready(ready=lifecycle.is_ready, state=state, reason=reason, error=error)


def of_model_readiness(model: str, release: str, lifecycle: Lifecycle) -> ModelReady:
    """Whether the release is loaded, and what it waits for."""
    ready = lifecycle.serving is not None
    error = None if ready else f"not loaded: {lifecycle.reason}"
    return ModelReady(name=model, version=release, ready=ready, error=error)


def _tensors(specs: Sequence[TensorSpec]) -> list[TensorMetadata]:
    return [
        TensorMetadata(name=spec.name, datatype=spec.datatype.name, shape=list(spec.shape))
        for spec in specs
    ]


def _execution(lifecycle: Lifecycle, limits: Mapping[str, int]) -> dict[str, str]:
    serving = lifecycle.serving
    if serving is None:
        return {}
    bounds = {f"max_{name}": str(value) for name, value in limits.items()}
    return bounds | {
        "providers": ",".join(serving.model.providers),
        "batching": serving.batching,
        "independence": serving.independence,
        "batch_rows": str(serving.profile.useful_rows),
        "execution": "event loop" if serving.pace.any_quick else "worker thread",
    }
