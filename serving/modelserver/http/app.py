"""The ASGI application, built from explicit parts; importing this imports FastAPI."""

from http import HTTPStatus

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from modelserver import __version__
from modelserver.errors import RequestError
from modelserver.http.health import Health
from modelserver.http.openapi import DescribedApp
from modelserver.http.routes import Routes
from modelserver.http.status import STATUS
from modelserver.inference.lifecycle import Lifecycle
from modelserver.model.contract import Contract
from modelserver.observe.metrics import Metrics


def create_app(
    *,
    model: str,
    release: str,
    contract: Contract,
    lifecycle: Lifecycle,
    metrics: Metrics,
    health: Health,
) -> DescribedApp:
    """FastAPI for all that a person or a probe asks."""
    app = DescribedApp(
        model=model,
        release=release,
        contract=contract,
        title="modelserver",
        version=__version__,
        description="Serves one ONNX release over the Open Inference Protocol V2.",
        redirect_slashes=False,
    )
    routes = Routes(
        model=model,
        release=release,
        version=app.version,
        contract=contract,
        lifecycle=lifecycle,
        metrics=metrics,
        health=health,
    )
    app.include_router(routes.router())
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _crash)
    app.openapi()  # made here, and kept: it takes longer than the event loop may be held
    app.middleware_stack = app.build_middleware_stack()
    return app


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status, headers)


async def _request_error(_request: Request, error: Exception) -> JSONResponse:
    status = STATUS[type(error)] if isinstance(error, RequestError) else 500
    return _error(status, str(error))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        return _error(500, "the server failed")
    headers = dict(error.headers or {})
    path = request.url.path[:200]
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        return _error(405, f"method: found {request.method} for {path}", headers)
    return _error(error.status_code, f"path: found {path}: {error.detail}", headers)


async def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    return _error(400, str(error))


async def _crash(_request: Request, _unused: Exception) -> JSONResponse:
    return _error(500, "the server failed; its log says why")
