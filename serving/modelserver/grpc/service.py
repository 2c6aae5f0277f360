"""Both services of gRPC as parts of the HTTP server."""

from importlib.util import find_spec

from modelserver.grpc.infer import METHOD, SERVICE, Grpc
from modelserver.grpc.methods import Methods
from modelserver.http.asgi import ASGIApp
from modelserver.http.dialect import Dialect
from modelserver.inference.shared import Inference
from modelserver.model.contract import Contract


def service(
    app: ASGIApp, inference: Inference, *, model: str, release: str, contract: Contract
) -> tuple[ASGIApp, dict[str, Dialect]]:
    """The application with the calls in front of it, and where the model is asked in gRPC's way.

    Without protobuf, which is the extra `grpc`, that is the application alone.
    """
    if not _has_protobuf():
        return app, {}
    metrics = inference.metrics
    calls = Methods(
        app,
        model=model,
        release=release,
        contract=contract,
        lifecycle=inference.lifecycle,
        metrics=metrics,
    )
    return calls, {f"/{SERVICE}/{METHOD}": Grpc(metrics)}


def _has_protobuf() -> bool:
    """Whether it is installed; looking does not import it, which takes longer."""
    return find_spec("google") is not None and find_spec("google.protobuf") is not None
