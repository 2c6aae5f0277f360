"""What can go wrong, without a word about the transport.

Two families: a `StartError` ends the process with its own exit code, a `RequestError` is told to
the client, each transport in its way (`http.status` has a status code for each class). Every
message says what was found, what was expected, where, and, of a start, what to do next.
"""
# ruff: noqa: N818 - the names are operators' words for what happened; they stand in logs as they are

from typing import ClassVar


class ModelServerError(Exception):
    """Anything this package raises on purpose."""


class StartError(ModelServerError):
    """The release cannot be served; the process ends with `exit_code`."""

    exit_code: ClassVar[int] = 70  # EX_SOFTWARE of sysexits.h; each subclass has a code of its own


class SettingsInvalid(StartError):
    """An environment variable is missing or malformed."""

    exit_code = 78


class AddressUnavailable(StartError):
    """HOST:PORT cannot be listened on."""

    exit_code = 71


class ArtifactRefused(StartError):
    """The URI may not be used: unknown scheme, plain http, outside ARTIFACT_ROOT, no permission."""

    exit_code = 80


class ExtraMissing(StartError):
    """The scheme needs a Python package that this image does not have."""

    exit_code = 81


class ArtifactMissing(StartError):
    """Nothing exists at the URI."""

    exit_code = 82


class ArtifactUnreachable(StartError):
    """The source did not answer, or answered with a fault of its own, at every attempt."""

    exit_code = 83


class ArtifactTruncated(StartError):
    """The transfer ended early at every attempt."""

    exit_code = 84


class ArtifactSizeWrong(StartError):
    """The source's size differs from ARTIFACT_BYTES."""

    exit_code = 85


class ArtifactDigestWrong(StartError):
    """The sha256 of the bytes differs from the declared one."""

    exit_code = 86


class CacheFull(StartError):
    """No room is left for the artifact in CACHE_DIR."""

    exit_code = 87


class CacheUnusable(StartError):
    """CACHE_DIR cannot be created or written."""

    exit_code = 88


class ModelMalformed(StartError):
    """The verified bytes are not a whole ONNX model."""

    exit_code = 89


class ModelNotSelfContained(StartError):
    """The model reads other files (external data, engine contexts), whose bytes nobody verified."""

    exit_code = 90


class ModelUnsupported(StartError):
    """ONNX Runtime has no operator, opset or datatype that the model needs."""

    exit_code = 91


class ContractMismatch(StartError):
    """The graph's inputs or outputs are not what CONTRACT says."""

    exit_code = 92


class ProviderMissing(StartError):
    """An execution provider that PROVIDERS asks for is not there."""

    exit_code = 93


class GoldenMalformed(StartError):
    """The golden file is not of its format, or does not fit the contract."""

    exit_code = 94


class GoldenMismatch(StartError):
    """The model answers a golden case otherwise than recorded."""

    exit_code = 95


class ModelOutOfMemory(StartError):
    """The model does not fit into memory."""

    exit_code = 96


class WarmUpFailed(StartError):
    """The model cannot run once."""

    exit_code = 97


class ModelCrashes(StartError):
    """The model ends the process that loads or runs it."""

    exit_code = 99


class GraceExceeded(ModelServerError):
    """Requests were still in flight when GRACE_S was over."""

    exit_code: ClassVar[int] = 98


class RequestError(ModelServerError):
    """One request cannot be answered; the server goes on."""


class InvalidRequest(RequestError):
    """The body does not say what the model needs; the message begins with the field's path."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem

    def within(self, outer: str) -> "InvalidRequest":
        """The same error, of a field that lies in the field `outer`."""
        return type(self)(f"{outer}.{self.field}", self.problem)


class InvalidBinary(InvalidRequest):
    """The binary part of a request does not fit its JSON part."""


class UnknownModel(RequestError):
    """This process serves another model."""


class UnknownRelease(RequestError):
    """This process serves another release of the model."""


class BodyTooLarge(RequestError):
    """The body is larger than MAX_BODY_BYTES."""


class RequestTooLarge(RequestError):
    """The request would make this process hold more memory than there is for one request."""


class UnsupportedContent(RequestError):
    """The content type or the content encoding of the request is not supported."""


class BodyTooSlow(RequestError):
    """The client stopped sending in the middle of a body."""


class NotReady(RequestError):
    """The model is not loaded yet."""


class Overloaded(RequestError):
    """Requests that are being answered already leave no room: MAX_INFLIGHT of them, or memory."""


class DeadlineExceeded(RequestError):
    """The time that the client gave was over before its request began to run."""


class InferenceFailed(RequestError):
    """ONNX Runtime failed on a request that fits the contract."""


class InfiniteOutput(RequestError):
    """An output holds an infinity, which JSON has no number for."""


class RequestCrashed(RequestError):
    """This server has a fault; `__cause__` is what was raised."""


class Disconnected(RequestError):
    """The client went away before its request began to run; nobody reads an answer."""
