"""Between the bytes of a request and the arrays of one model, checked against its contract."""

from collections.abc import Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from msgspec import UNSET, Struct, UnsetType

from modelserver.codec import answers, binary, outline, parameters, protocol, tensors, text
from modelserver.codec.buffer import Claim, unclaimed
from modelserver.codec.wording import quoted, unknown
from modelserver.errors import InvalidBinary, InvalidRequest
from modelserver.model.contract import Contract, SharedSize
from modelserver.tensor import bfloat16
from modelserver.tensor.datatypes import Array, Datatype
from modelserver.tensor.spec import ANY_SIZE
from modelserver.tensor.values import to_values

_PART = 1 << 18  # elements of an array that are looked at in one call

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

    `json_bytes` of it are JSON, and binary tensors follow (None: all of it is JSON). A large one
    goes on in `more`. `nonfinite` says whether the outputs hold NaN or an infinity, and `unsaid`
    names an infinity that JSON cannot say.
    """

    body: bytes
    json_bytes: int | None = None
    nonfinite: bool = False
    unsaid: str = ""
    more: Sequence[bytes | memoryview] = ()

    @property
    def size(self) -> int:
        """Bytes of the whole body."""
        return len(self.body) + sum(map(len, self.more)) if self.more else len(self.body)


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
        self.model = model
        self.release = release
        self._inputs = {spec.name: spec for spec in contract.inputs}
        self._outputs = {spec.name: spec for spec in contract.outputs}
        self._all_outputs = contract.output_names
        self._all_binary = frozenset(contract.output_names)
        self._shared = tuple(shared)
        self._takes_no_rows = takes_no_rows
        self.takes_strings = any(spec.datatype.name == "BYTES" for spec in contract.inputs)
        self._counted = _counted_apart(contract, shared)
        self._varying = tuple(spec.name for spec in contract.inputs if -1 in spec.shape[1:])
        elements = {spec.datatype.name: spec.datatype.unbounded for spec in contract.inputs}
        self._decode_flat = None
        if len(elements) == 1:
            self._decode_flat = protocol.flat_request_decoder(*elements.values()).decode

    def decode(
        self, body: bytes | memoryview, json_bytes: int | None = None, claim: Claim = unclaimed
    ) -> Call:
        """The checked call in a body, of which the first `json_bytes` are JSON (None: all of it).

        `claim` is asked for what the body becomes, beyond some kilobytes, before it becomes it.

        Raises:
            InvalidRequest: A field is wrong; the error names the path of the first one.
            RequestError: There is no room for it.
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
        return self._call(*self._read(body, tail, claim))

    def call(self, request: Any, claim: Claim = unclaimed) -> Call:  # noqa: ANN401 - as InferRequest
        """The checked call of a request that came in another form than JSON.

        Raises:
            InvalidRequest: A field is wrong; the error names the path of the first one.
            RequestError: There is no room for it.
        """
        return self._call(request, self._feeds(request.inputs, None, claim))

    def require(self, model: str, release: str) -> None:
        """Return if a request for this model, and this release if any is named, is for this one.

        Raises:
            UnknownModel: It is for another model.
            UnknownRelease: It is for another release.
        """
        if model != self.model or (release and release != self.release):
            raise unknown(model, release, served=(self.model, self.release))

    def datatype(self, output: str) -> Datatype:
        """The datatype of an output."""
        return self._outputs[output].datatype

    def _call(self, request: Any, feeds: dict[str, Array]) -> Call:  # noqa: ANN401
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
        """The answer to a call; of what JSON cannot say, NaN becomes null, an infinity `unsaid`."""
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
        head = protocol.encode(protocol.InferResponse(self.model, self.release, outputs, call.id))
        # NaN becomes null in JSON, and finding no null is much cheaper than looking at floats.
        nonfinite, unsaid = False, ""
        if b"null" in head or tail:
            nonfinite = has_nonfinite(arrays)
            unsaid = self._unsaid(call, arrays)
        if tail:
            return Answer(b"".join((head, *tail)), len(head), nonfinite, unsaid)
        return Answer(head, None, nonfinite, unsaid)

    def encode_long(self, call: Call, arrays: Sequence[Array]) -> Answer:
        """The same in pieces, so that nothing is there twice and no call is long."""
        unsaid = self._unsaid(call, arrays)
        if unsaid:
            return Answer(b"", None, nonfinite=True, unsaid=unsaid)
        parts = answers.Parts()
        empty = protocol.InferResponse(self.model, self.release, [], call.id)
        begin, _, end = protocol.encode(empty).partition(b'"outputs":[')
        parts.add(begin + b'"outputs":[')
        tail: list[bytes | memoryview] = []
        for index, (name, array) in enumerate(zip(call.outputs, arrays, strict=True)):
            datatype = self._outputs[name].datatype
            parts.add(b"," * (index > 0))
            if name in call.binary:
                tail += answers.add_binary(parts, name, datatype, array)
            else:
                answers.add_values(parts, name, datatype, array)
        parts.add(end)
        json_bytes = parts.size if tail else None
        nonfinite = has_nonfinite(arrays)
        return Answer(b"", json_bytes, nonfinite, "", [*parts.all(), *tail])

    def _unsaid(self, call: Call, arrays: Sequence[Array]) -> str:
        """Which output holds an infinity that JSON has to say; empty if none does."""
        for name, array in zip(call.outputs, arrays, strict=True):
            if name not in call.binary and _has_infinity(self._outputs[name].datatype, array):
                return (
                    f"outputs.{name}: found an infinity, which JSON has no number for; ask for it "
                    "as binary data (parameters.binary_data), or keep the model from it"
                )
        return ""

    def _read(
        self, body: bytes | memoryview, tail: binary.Tail | None, claim: Claim
    ) -> tuple[Any, dict[str, Array]]:
        """The request and its arrays: read in pieces if the text is long, else at once."""
        if len(body) > outline.LONG_BYTES:
            rest = outline.Outline(memoryview(body), max(1, len(self._inputs)))
            request = rest.filled(text.said(rest.text, rest.place))
        else:
            whole = body if isinstance(body, bytes) else bytes(body)
            request = self._parse(whole)
            if whole.count(b":") != text.colons(request):
                outline.check_keys(whole)
        feeds = self._feeds(request.inputs, tail, claim)
        if tail is not None:
            tail.check_used_up()
        return request, feeds

    def _parse(self, body: bytes) -> Any:  # noqa: ANN401 - InferRequest or its flat likeness
        if self._decode_flat is not None:
            try:
                return self._decode_flat(body)
            except (ValueError, RecursionError):
                pass  # nested data, or wrong: the general decoder knows which, and says where
        return text.said(body)

    def _feeds(
        self, inputs: Sequence[Any], tail: binary.Tail | None, claim: Claim
    ) -> dict[str, Array]:
        feeds: dict[str, Array] = {}
        for index, tensor in enumerate(inputs):
            spec = self._inputs.get(tensor.name)
            if spec is None or tensor.name in feeds:
                problem = "was given before" if spec else f"expected {self._expected_inputs()}"
                raise InvalidRequest(
                    f"inputs[{index}].name", f"found {quoted(tensor.name)}; {problem}"
                )
            try:
                feeds[tensor.name] = tensors.read(spec, tensor, tail, claim)
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
        default = False
        if request.parameters:
            default = parameters.read_flag(request.parameters, "binary_data_output", "parameters")
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
            is_binary, given = default, output.parameters
            if given:
                field = f"outputs[{index}].parameters"
                is_binary = parameters.read_flag(given, "binary_data", field, default=default)
            if is_binary:
                wanted.add(output.name)
        return tuple(names), frozenset(wanted)

    def _expected_inputs(self) -> str:
        return ", ".join(self._inputs) or "no inputs"


def has_nonfinite(arrays: Sequence[Array]) -> bool:
    """Whether any of the arrays holds NaN or an infinity."""
    return any(map(_has_nonfinite, arrays))


def _counted_apart(contract: Contract, shared: Sequence[SharedSize]) -> tuple[str, ...]:
    """The inputs whose numbers of rows may differ in one request; none where the graph forbids it.

    Such a request is answered, but cannot be told apart from others in a batch.
    """
    firsts = {(spec.name, 0) for spec in contract.inputs if spec.shape[:1] == (ANY_SIZE,)}
    if len(firsts) < 2 or any(firsts <= set(size.places) for size in shared):  # noqa: PLR2004
        return ()
    return tuple(name for name, _ in sorted(firsts))


def _has_nonfinite(array: Array) -> bool:
    return array.dtype.kind == "f" and not all(np.isfinite(part).all() for part in _parts(array))


def _has_infinity(datatype: Datatype, array: Array) -> bool:
    if datatype.name == "BF16":
        return any(np.isinf(bfloat16.from_bits(part)).any() for part in _parts(array))
    return array.dtype.kind == "f" and any(np.isinf(part).any() for part in _parts(array))


def _parts(array: Array) -> Iterator[Array]:
    """An array in parts, so that what is made of each is small."""
    flat = array.reshape(-1)
    return (flat[start : start + _PART] for start in range(0, len(flat), _PART))
