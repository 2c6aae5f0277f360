"""How inference is asked for and answered over HTTP: in REST's way, or another transport's."""

from typing import Protocol

from modelserver.codec.calls import Answer
from modelserver.codec.protocol import ErrorBody, encode
from modelserver.errors import RequestError
from modelserver.http import headers
from modelserver.http.headers import Given
from modelserver.inference.terms import Terms


class Dialect(Protocol):
    """What differs between the transports that HTTP carries; `name` stands in logs and traces."""

    name: str

    def terms(self, given: Given) -> Terms:
        """The terms of a request with these headers.

        Raises:
            RequestError: They cannot be met.
        """

    def refusal(self, error: RequestError) -> Answer:
        """The answer that says what is wrong."""

    def head(
        self, status: int, answer: Answer, *, request_id: bytes, closing: bool, traceresponse: bytes
    ) -> tuple[int, bytes]:
        """The status and the header lines under which an answer is sent.

        `status` is what came of the request in HTTP's words, under which it is counted; `closing`
        asks the client to use another connection next.
        """


class Rest:
    """JSON and binary tensors, errors as JSON with a status of their own."""

    name = "rest"
    terms = staticmethod(headers.terms)

    def refusal(self, error: RequestError) -> Answer:
        """JSON with the error's words."""
        return Answer(error_body(str(error)))

    def head(
        self, status: int, answer: Answer, *, request_id: bytes, closing: bool, traceresponse: bytes
    ) -> tuple[int, bytes]:
        """The status itself."""
        return status, headers.of_answer(
            status,
            answer,
            request_id=request_id,
            closing=closing,
            traceresponse=traceresponse,
        )


def error_body(message: str) -> bytes:
    """The JSON of every answer of REST with a status of 400 or more."""
    return encode(ErrorBody(message))


REST = Rest()
