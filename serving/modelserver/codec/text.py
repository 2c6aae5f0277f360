"""The text of a request, decoded; its mistakes in the words of this server."""

from typing import Any

import msgspec
from msgspec import UNSET

from modelserver.codec import json_path, protocol
from modelserver.codec.malformed import Place, malformed, same
from modelserver.codec.wording import found_and_expected
from modelserver.errors import InvalidRequest


def said(text: bytes, at: Place = same) -> protocol.InferRequest:
    """The request in a text; errors in the words of this server, with places by `at`."""
    try:
        return protocol.decode_request(text)
    except msgspec.ValidationError as error:
        path, problem = found_and_expected(error)
        raise InvalidRequest(path.removeprefix(".") or "body", problem) from error
    except msgspec.DecodeError as error:
        raise malformed(text, error, at) from error
    except UnicodeDecodeError as error:
        raise InvalidRequest("body", "found bytes that are not UTF-8") from error
    except RecursionError as error:
        where = json_path.place(text, len(text)) or "body"
        raise InvalidRequest(where, "nested too deeply") from error


def colons(request: Any) -> int:  # noqa: ANN401 - InferRequest or its flat likeness
    """How many colons the text of a request has, if it has no other fields and none in strings.

    With more of them a key may be there twice, of which the decoder would take the last.
    """
    inputs, parameters = request.inputs, request.parameters
    number = 1 + 4 * len(inputs) + (request.id is not UNSET)
    for tensor in inputs:
        if tensor.parameters:
            number += 1 + len(tensor.parameters) - (tensor.data is UNSET)
    if parameters:
        number += 1 + len(parameters)
    if request.outputs:
        number += 1 + len(request.outputs)
        number += sum([1 + len(each.parameters) for each in request.outputs if each.parameters])
    return number
