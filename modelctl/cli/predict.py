"""`modelctl predict`: one request to a model that `modelctl up` serves, and its answer."""

import argparse
import http.client
import json
import random
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from modelctl.cli import engine
from modelctl.cli.engine import Json
from modelctl.cli.values import release
from modelctl.errors import ModelctlError, UsageError
from modelctl.model import example
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.nearest import hint

EXIT_REFUSED = 1
_LIMIT_S = 300.0  # beyond any timeout of a route
_RELEASE_HEADER = "x-model-release"
_SHOWN = 600  # characters of an answer that is no error message


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("model", metavar="MODEL", help="model to ask")
    parser.add_argument(
        "--example",
        type=Path,
        metavar="FILE",
        help="request as JSON, or a golden file; without one numbers are made up",
    )
    parser.add_argument("--release", type=release, help="ask this release, whatever its weight")
    parser.add_argument("--env", help="the environment that must be served (default: any)")
    engine.add_state(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the answer, and on stderr who gave it and how long that took.

    Raises:
        ModelctlError: Nothing runs that could be asked, or it does not answer.
        UsageError: There is no such model, release or example.
    """
    name = arguments.model
    status = engine.status(arguments, name)
    _require_environment(status, arguments.env)
    model = engine.model(status, name)
    _require_release(model, arguments.release)
    body = _request(model, arguments.example)
    answer = _ask(status["addresses"]["traffic"], name, arguments.release, body)
    if answer.code != http.client.OK:
        print(f"modelctl: {_refusal(name, answer)}", file=sys.stderr)
        return EXIT_REFUSED
    print(json.dumps(answer.value), flush=True)
    made_up = "" if arguments.example else "; its numbers are made up: --example FILE asks yours"
    told = f"{name} {answer.release} answered in {answer.took_s * 1000:.1f} ms{made_up}"
    print(told, file=sys.stderr)
    return 0


@dataclass(frozen=True, slots=True)
class _Answer:
    code: int
    value: object
    release: str
    took_s: float


def _require_environment(status: Json, environment: str | None) -> None:
    served = status["addresses"]["environment"]
    if environment not in (None, served):
        raise UsageError(
            f"--env {environment}: found that the engine serves {served}: start another with "
            f"`modelctl up --env {environment} --state DIR`, and give this command the same --state"
        )


def _require_release(model: Json, wanted: str | None) -> None:
    deployed = [each["release"] for each in model["releases"]]
    if wanted is not None and wanted not in deployed:
        raise UsageError(
            f"--release {wanted}: found no such release of {model['model']} deployed: "
            f"{hint(wanted, deployed)}"
        )


def _request(model: Json, file: Path | None) -> bytes:
    """The request as JSON: from a file, or made up from the contract."""
    if file is not None:
        return json.dumps(_read(file)).encode()
    contract = model["contract"]
    if contract is None:
        raise UsageError(
            f"{model['model']}: found no contract to make a request from, as nothing of it is "
            "deployed: `modelctl status` tells why, or give a request with --example FILE"
        )
    inputs = tuple(
        TensorSpec(each["name"], each["datatype"], tuple(each["shape"]))
        for each in contract["inputs"]
    )
    made = example.request(Contract(inputs, ()), random.SystemRandom())
    return json.dumps(made).encode()


def _read(file: Path) -> object:
    """A request in a file, or the first one of a golden file.

    Raises:
        UsageError: There is none.
    """
    expected = 'expected a request such as {"inputs": [{"name", "datatype", "shape", "data"}]}'
    try:
        value = json.loads(file.read_bytes())
    except OSError as error:
        raise UsageError(f"--example {file}: {error.strerror}: give a file with JSON") from error
    except ValueError as error:
        raise UsageError(f"--example {file}: found no JSON ({error}), {expected}") from error
    cases = value.get("cases") if isinstance(value, Mapping) else None
    request = cases[0] if isinstance(cases, list) and cases else value
    if not isinstance(request, Mapping) or not isinstance(request.get("inputs"), list):
        raise UsageError(f"--example {file}: found JSON without a list of inputs, {expected}")
    return {key: entry for key, entry in request.items() if cases is None or key == "inputs"}


def _ask(traffic: str, model: str, wanted: str | None, body: bytes) -> _Answer:
    """One request through the gateway, as any caller's.

    Raises:
        ModelctlError: The gateway does not answer.
    """
    headers = {"content-type": "application/json"} | ({_RELEASE_HEADER: wanted} if wanted else {})
    begun_s = time.perf_counter()
    try:
        place = urlsplit(traffic).netloc
        with closing(http.client.HTTPConnection(place, timeout=_LIMIT_S)) as connection:
            connection.request("POST", f"/v2/models/{model}/infer", body, headers)
            answer = connection.getresponse()
            content = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise ModelctlError(
            f"{model}: found no answer at {traffic} ({error}), though `modelctl up` runs: "
            "`modelctl status` tells what is wrong"
        ) from error
    took_s = time.perf_counter() - begun_s
    value = _decoded(content)
    named = value.get("model_version") if isinstance(value, Mapping) else None
    return _Answer(
        answer.status, value, str(named or answer.getheader(_RELEASE_HEADER) or ""), took_s
    )


def _decoded(content: bytes) -> object:
    try:
        value: object = json.loads(content)
    except ValueError:
        return content.decode(errors="replace")[:_SHOWN]
    return value


def _refusal(model: str, answer: _Answer) -> str:
    """What was answered instead of a prediction, and what to do about it."""
    value = answer.value
    words = value.get("error", value) if isinstance(value, Mapping) else value
    who = answer.release or "the gateway"
    return f"{model}: {who} answered {answer.code}: {words}: {_remedy(model, answer)}"


def _remedy(model: str, answer: _Answer) -> str:
    if answer.code == http.client.SERVICE_UNAVAILABLE:
        return "`modelctl status` tells what is not ready; try again then"
    if answer.code >= http.client.INTERNAL_SERVER_ERROR:
        asked = f"modelctl logs {model} {answer.release}".rstrip()
        return f"`{asked}` tells more"
    return f"look at the contract in apps/{model}/model.yaml, or ask with --example FILE"
