"""What the server and its model say about themselves, as the protocol words it."""

from collections.abc import Sequence

from pydantic import BaseModel, Field

from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.tensor.spec import TensorSpec

EXTENSIONS = ("binary_tensor_data",)
PLATFORM = "onnxruntime_onnx"


class ServerMetadata(BaseModel):
    """What this server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """One input or output; -1 in `shape` where any size goes."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """What a model takes and gives."""

    name: str
    versions: list[str] = Field(description="The one release that this process serves.")
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]
    parameters: dict[str, str] = Field(description="How it is run; empty until it is loaded.")


class Live(BaseModel):
    """The process answers."""

    live: bool = True


class Ready(BaseModel):
    """Whether requests are wanted; `error` says why not."""

    ready: bool
    state: str
    reason: str
    error: str | None = None


class ModelReady(BaseModel):
    """Whether the release is loaded, warmed up and replayed: true ever after."""

    name: str
    version: str
    ready: bool
    error: str | None = None


def of_model(model: str, release: str, contract: Contract, lifecycle: Lifecycle) -> ModelMetadata:
    """Metadata of the release, known from its contract before it is loaded."""
    return ModelMetadata(
        name=model,
        versions=[release],
        platform=PLATFORM,
        inputs=_tensors(contract.inputs),
        outputs=_tensors(contract.outputs),
        parameters=_execution(lifecycle),
    )


def of_readiness(lifecycle: Lifecycle) -> Ready:
    """The state and its reason."""
    state, reason = lifecycle.phase.value, lifecycle.reason
    error = None if lifecycle.is_ready else f"not ready: {state}: {reason}"
    return Ready(ready=lifecycle.is_ready, state=state, reason=reason, error=error)


def _tensors(specs: Sequence[TensorSpec]) -> list[TensorMetadata]:
    return [
        TensorMetadata(name=spec.name, datatype=spec.datatype.name, shape=list(spec.shape))
        for spec in specs
    ]


def _execution(lifecycle: Lifecycle) -> dict[str, str]:
    serving = lifecycle.serving
    if serving is None:
        return {}
    return {
        "providers": ",".join(serving.model.providers),
        "batching": serving.batching,
        "batch_rows": str(serving.profile.useful_rows),
        "execution": "event loop" if serving.profile.inline else "worker thread",
    }
