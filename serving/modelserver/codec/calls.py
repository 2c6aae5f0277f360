"""Between the bytes of a request and the arrays of one model, checked against its contract."""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
import numpy as np
from msgspec import UNSET, Struct, UnsetType

from modelserver.codec import binary, json_path, outline, protocol, tensors
from modelserver.codec.malformed import malformed
from modelserver.codec.wording import found_and_expected, quoted
from modelserver.errors import InvalidBinary, InvalidRequest
from modelserver.model.contract import Contract, SharedSize
from modelserver.tensor.datatypes import Array
from modelserver.tensor.spec import ANY_SIZE
from modelserver.tensor.values import to_values

_NONE: frozenset[str] = frozenset()


class Call(Struct, gc=False):
    """One checked request.

    `feeds` are the input arrays by name, `outputs` the names to compute, of which the client wants
    those in `binary` as raw bytes. Calls with an equal `key` may run as one batch: their arrays
    differ in the first dimension only, in which all of this one's have `rows`.
    """

    id: str | UnsetType
    feeds: dict[str, Array]
    outputs: tuple[str, ...]
    rows: int
    key: Hashable
    binary: frozenset[str] = _NONE


class Answer(Struct, gc=False):
    """The body of an answer.

    `json_bytes` of it are JSON, and binary tensors follow (None: all of it is JSON). `nonfinite`
    says whether the outputs hold NaN or an infinity.
    """

    body: bytes
    json_bytes: int | None = None
    nonfinite: bool = False


class Codec:
    """Reads requests for one model, and writes their answers.

    `shared` are sizes that have to be equal in several inputs; `takes_no_rows` says whether the
    model runs on a batch of 0 rows.
    """

    def __init__(
        self,
        *,
        model: str,
        release: str,
        contract: Contract,
        shared: Sequence[SharedSize] = (),
        takes_no_rows: bool = True,
    ) -> None:
        self._model = model
        self._release = release
        self._inputs = {spec.name: spec for spec in contract.inputs}
        self._outputs = {spec.name: spec for spec in contract.outputs}
        self._all_outputs = contract.output_names
        self._all_binary = frozenset(contract.output_names)
        self._shared = tuple(shared)
        self._takes_no_rows = takes_no_rows
        self._counted = _counted_apart(contract, shared)
        self._varying = tuple(spec.name for spec in contract.inputs if -1 in spec.shape[1:])
        elements = {spec.datatype.name: spec.datatype.unbounded for spec in contract.inputs}
        self._decode_flat = None
        if len(elements) == 1:
            self._decode_flat = protocol.flat_request_decoder(*elements.values()).decode

    def decode(self, body: bytes, json_bytes: int | None = None) -> Call:
        """The checked call in a body, of which the first `json_bytes` are JSON (None: all of it).

        Raises:
            InvalidRequest: A field is wrong; the error names the path of the first one.
        """
        tail = None
        if json_bytes is not None:
            if json_bytes > len(body):
                raise InvalidBinary(
                    "header Inference-Header-Content-Length",
                    f"found {json_bytes}, expected at most the body's {len(body)} bytes",
                )
            tail = binary.Tail(memoryview(body)[json_bytes:])
            body = body[:json_bytes]
        request, feeds = self._read(body, tail)
        outputs, wanted = self._wanted(request)
        first = next(iter(feeds.values())) if feeds else None
        rows = first.shape[0] if first is not None and first.ndim else 1
        if rows == 0 and not self._takes_no_rows:
            raise InvalidRequest("inputs[0].shape[0]", "found 0, this model needs at least 1")
        key: Hashable = outputs
        if self._varying:
            key = (outputs, *(feeds[name].shape[1:] for name in self._varying))
        if self._counted and len({feeds[name].shape[0] for name in self._counted}) > 1:
            key = object()  # like no other: it runs alone
        return Call(request.id, feeds, outputs, rows, key, wanted)

    def encode(self, call: Call, arrays: Sequence[Array]) -> Answer:
        """The answer to a call. NaN and infinities, which JSON cannot say, become null."""
        outputs, tail = [], []
        for name, array in zip(call.outputs, arrays, strict=True):
            datatype = self._outputs[name].datatype
            if name in call.binary:
                content = binary.to_bytes(datatype, array)
                size: protocol.Parameters = {"binary_data_size": len(content)}
                outputs.append(
                    protocol.ResponseOutput(name, datatype.name, array.shape, UNSET, size)
                )
                tail.append(content)
            else:
                data = to_values(datatype, array)
                outputs.append(protocol.ResponseOutput(name, datatype.name, array.shape, data))
        head = protocol.encode(protocol.InferResponse(self._model, self._release, outputs, call.id))
        # NaN becomes null in JSON, and finding no null is much cheaper than looking at floats.
        nonfinite = (b"null" in head or bool(tail)) and any(map(_has_nonfinite, arrays))
        if tail:
            return Answer(b"".join((head, *tail)), len(head), nonfinite)
        return Answer(head, None, nonfinite)

    def _read(self, body: bytes, tail: binary.Tail | None) -> tuple[Any, dict[str, Array]]:
        """The request and its arrays: read in parts if the body is long, else at once."""
        if len(body) > outline.LONG_BYTES and tail is None and (request := outline.decode(body)):
            try:
                return request, self._feeds(request.inputs, None)
            except (InvalidRequest, msgspec.DecodeError):
                pass  # something is wrong: what it is and where, the whole text tells
        request = self._parse(body)
        feeds = self._feeds(request.inputs, tail)
        if tail is not None:
            tail.check_used_up()
        return request, feeds

    def _parse(self, body: bytes) -> Any:  # noqa: ANN401 - InferRequest or its flat likeness
        if self._decode_flat is not None:
            try:
                return self._decode_flat(body)
            except (ValueError, RecursionError):
                pass  # nested data, or wrong: the general decoder knows which, and says where
        try:
            return protocol.decode_request(body)
        except msgspec.ValidationError as error:
            path, problem = found_and_expected(error)
            raise InvalidRequest(path.removeprefix(".") or "body", problem) from error
        except msgspec.DecodeError as error:
            raise malformed(body, error) from error
        except UnicodeDecodeError as error:
            raise InvalidRequest("body", "found bytes that are not UTF-8") from error
        except RecursionError as error:
            where = json_path.place(body, len(body)) or "body"
            raise InvalidRequest(where, "nested too deeply") from error

    def _feeds(self, inputs: Sequence[Any], tail: binary.Tail | None) -> dict[str, Array]:
        feeds: dict[str, Array] = {}
        for index, tensor in enumerate(inputs):
            spec = self._inputs.get(tensor.name)
            if spec is None or tensor.name in feeds:
                problem = "was given before" if spec else f"expected {self._expected_inputs()}"
                raise InvalidRequest(
                    f"inputs[{index}].name", f"found {quoted(tensor.name)}; {problem}"
                )
            try:
                feeds[tensor.name] = tensors.read(spec, tensor, tail)
            except InvalidRequest as error:
                raise error.within(f"inputs[{index}]") from error
        if len(feeds) != len(self._inputs):
            missing = ", ".join(name for name in self._inputs if name not in feeds)
            raise InvalidRequest("inputs", f"{missing} is missing")
        for size in self._shared:
            size.check(feeds)
        return feeds

    def _wanted(self, request: Any) -> tuple[tuple[str, ...], frozenset[str]]:  # noqa: ANN401
        """The outputs to compute, in the client's order, and those of them to send as raw bytes."""
        parameters = request.parameters
        default = bool(parameters and parameters.get("binary_data_output"))
        if not request.outputs:
            return self._all_outputs, self._all_binary if default else _NONE
        names: list[str] = []
        wanted = set()
        for index, output in enumerate(request.outputs):
            if output.name not in self._outputs or output.name in names:
                known = output.name in self._outputs
                problem = "was given before" if known else f"expected {', '.join(self._outputs)}"
                raise InvalidRequest(
                    f"outputs[{index}].name", f"found {quoted(output.name)}; {problem}"
                )
            names.append(output.name)
            if (output.parameters or {}).get("binary_data", default):
                wanted.add(output.name)
        return tuple(names), frozenset(wanted)

    def _expected_inputs(self) -> str:
        return ", ".join(self._inputs) or "no inputs"


def _counted_apart(contract: Contract, shared: Sequence[SharedSize]) -> tuple[str, ...]:
    """The inputs whose numbers of rows may differ in one request; none where the graph forbids it.

    Such a request is answered, but cannot be told apart from others in a batch.
    """
    firsts = {(spec.name, 0) for spec in contract.inputs if spec.shape[:1] == (ANY_SIZE,)}
    if len(firsts) < 2 or any(firsts <= set(size.places) for size in shared):  # noqa: PLR2004
        return ()
    return tuple(name for name, _ in sorted(firsts))


def _has_nonfinite(array: Array) -> bool:
    return array.dtype.kind == "f" and not np.isfinite(array).all()
