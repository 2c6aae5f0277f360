"""What a connection hands a request to: all that the server answers beside inference."""

from modelserver.http.asgi import ASGIApp
from modelserver.http.dialect import REST, Dialect
from modelserver.http.health import Health, Probes
from modelserver.http.lazily import Lazily
from modelserver.http.request_id import RequestId
from modelserver.inference.shared import Inference
from modelserver.model.contract import Contract


def infer_paths(model: str, release: str) -> dict[str, Dialect]:
    """Where the model is asked in REST's way; a connection answers these itself."""
    paths = f"/v2/models/{model}/infer", f"/v2/models/{model}/versions/{release}/infer"
    return dict.fromkeys(paths, REST)


def front(*, model: str, release: str, contract: Contract, inference: Inference) -> RequestId:
    """Health at once, and FastAPI for all else that a person or a probe asks.

    FastAPI takes as long to import as all the rest of a start, and many servers are never asked.
    """
    health = Health(model=model, release=release, lifecycle=inference.lifecycle)

    def build() -> ASGIApp:
        from modelserver.http.app import create_app  # noqa: PLC0415 - imports FastAPI

        return create_app(
            model=model,
            release=release,
            contract=contract,
            metrics=inference.metrics,
            lifecycle=inference.lifecycle,
            health=health,
        )

    return RequestId(Probes(health, Lazily(build)))
