"""What the API refuses, as a status that clients understand."""

from typing import Any

Json = Any
REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "Conflict",
    415: "UnsupportedMediaType",
    422: "Invalid",
    429: "TooManyRequests",
    503: "ServiceUnavailable",
}


class ApiError(Exception):
    """A request that is answered with a Status object.

    Raises nothing itself; `status` is the HTTP status, `reason` overrides the usual one.
    """

    def __init__(self, status: int, message: str, *, reason: str = "", causes: Json = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.reason = reason or REASONS.get(status, "InternalError")
        self.causes = list(causes)

    def body(self) -> dict[str, Any]:
        """The Status object."""
        return {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "details": {"causes": self.causes},
            "code": self.status,
        }
