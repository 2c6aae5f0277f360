"""How an exchange ends over HTTP: its status and body, and the traces that it leaves."""

import random

from modelserver.codec.calls import Answer
from modelserver.errors import RequestCrashed
from modelserver.http.dialect import REST, Dialect
from modelserver.http.headers import Given
from modelserver.http.status import STATUS
from modelserver.inference.exchange import Exchange, Result
from modelserver.inference.shared import Inference
from modelserver.observe import logs, tracing
from modelserver.observe.tracing import Tracer

_OK = 200


Reply = tuple[int, Answer, bytes]
"""Status, body and the header `traceresponse`, which is empty where no tracer made a span."""


def conclude(
    inference: Inference,
    exchange: Exchange,
    given: Given,
    result: Result,
    dialect: Dialect = REST,
) -> Reply:
    """The reply to an exchange that has ended; counted, and traced and logged where that is on."""
    if isinstance(result, Answer):
        status, answer = _OK, result
    else:
        status, answer = STATUS[type(result)], dialect.refusal(result)
        if isinstance(result, RequestCrashed):
            fields = _identity(exchange, given, b"")
            logs.LOGGER.error(
                "request-crashed", exc_info=result.__cause__, extra={"fields": fields}
            )
    inference.metrics.requests[exchange.role, status] += 1
    traceresponse = b""
    if inference.tracer is not None:
        traceresponse = _trace(inference.tracer, exchange, given, status, dialect.name)
    sample = inference.access_log_sample
    if sample and random.random() < sample:  # noqa: S311 - a choice of log lines
        logs.info(
            "request",
            **_identity(exchange, given, traceresponse),
            protocol=dialect.name,
            role=exchange.role,
            code=status,
            duration_s=round(exchange.ended_at - exchange.started_at, 6),
            body_bytes=exchange.body_bytes,
            answer_bytes=answer.size,
        )
    return status, answer, traceresponse


def _trace(tracer: Tracer, exchange: Exchange, given: Given, status: int, protocol: str) -> bytes:
    """The header `traceresponse` of the span that is made of an exchange."""
    return tracer.record(
        given,
        exchange.steps(),
        status=status,
        protocol=protocol,
        role=exchange.role,
        request_id=exchange.request_id.decode(),
        batch_rows=exchange.ran.rows if exchange.ran else 0,
    )


def _identity(exchange: Exchange, given: Given, traceresponse: bytes) -> dict[str, str]:
    """The ids by which a request is found in the logs of others as well."""
    found = {"request_id": exchange.request_id.decode()}
    if traceresponse:
        return found | tracing.ids(traceresponse)
    trace_id = tracing.trace_id(given)
    return found | {"trace_id": trace_id} if trace_id else found
