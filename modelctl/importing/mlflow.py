"""A model version of an MLflow registry, by its REST interface.

Source: https://mlflow.org/docs/latest/api_reference/rest-api.html
"""

import json
import os
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, unquote, urlencode, urlsplit
from urllib.request import Request, urlopen

from modelctl.errors import ModelctlError, UsageError
from modelctl.importing import contracts
from modelctl.importing.fields import Fields
from modelctl.importing.found import Found, Left, left_behind
from modelctl.model.graph import MAX_GRAPH_BYTES
from modelctl.packaging import mlmodel

SCHEME = "models:/"
TRACKING = "MLFLOW_TRACKING_URI"
_PAGE = re.compile(r"/models/(?P<name>[^/]+)/versions/(?P<version>[0-9]+)")
_REFERENCE = re.compile(r"models:/(?P<name>[^/@]+)(?:/(?P<version>[^/@]+)|@(?P<alias>[^/@]+))?")
_TIMEOUT_S = 30  # of one answer; a registry behind a slow store takes seconds
_API = "/api/2.0/mlflow/"
_FILES = "/api/2.0/mlflow-artifacts/artifacts/"
_REASONS = {
    "current_stage": "a stage is an environment that serves it: `modelctl promote`",
    "aliases": "what an alias points at is what an environment serves with weight",
    "tags": "`provenance` of a release has commit or run, data and metrics",
}


@dataclass(frozen=True, slots=True)
class Reference:
    """A model version: registry, name, and a version or an alias; neither means the latest."""

    registry: str
    name: str
    version: str | None = None
    alias: str | None = None


def reference(source: str, registry: str | None, environ: Mapping[str, str]) -> Reference | None:
    """The model version that a word names: `models:/NAME/VERSION`, or the address of its page.

    None where the word names none.

    Raises:
        UsageError: It does, but no registry is known.
    """
    page = urlsplit(source)
    if page.scheme in ("http", "https"):
        match = _PAGE.search(page.fragment or page.path)
        if match is None:
            return None
        base = page.path if page.fragment else page.path[: page.path.find("/models/")]
        address = f"{page.scheme}://{page.netloc}{base}".rstrip("/")
        return Reference(registry or address, unquote(match["name"]), match["version"])
    match = _REFERENCE.fullmatch(source)
    if match is None:
        return None
    address = registry or environ.get(TRACKING, "")
    if not address.startswith(("http://", "https://")):
        raise UsageError(
            f"{source}: found the registry {address or '(none)'!r}, expected an http or https "
            f"address: --registry URL, or {TRACKING}"
        )
    version = match["version"]
    return Reference(address.rstrip("/"), match["name"], version, match["alias"])


class Registry:
    """The interface of a tracking server; `environ` has the credentials, as for MLflow's client."""

    def __init__(self, address: str, environ: Mapping[str, str]) -> None:
        self._address = address
        self._headers = _credentials(environ)

    def get(self, call: str, **parameters: str) -> dict[str, Any]:
        """The answer of a call.

        Raises:
            UsageError: The registry refuses it.
            ModelctlError: It cannot be reached, or answers no JSON.
        """
        content = self._read(f"{_API}{call}?{urlencode(parameters)}", 4 << 20)
        try:
            answer = json.loads(content)
        except ValueError as error:
            raise ModelctlError(
                f"{self._address}: found an answer that is no JSON: is it a tracking server?"
            ) from error
        return dict(answer)

    def file(self, uri: str, name: str) -> bytes | None:
        """The bytes of an artifact; None where the server does not hand out such URIs."""
        place = urlsplit(uri)
        if place.scheme != "mlflow-artifacts":
            return None
        path = quote(f"{place.path.strip('/')}/{name}")
        return self._read(f"{_FILES}{path}", MAX_GRAPH_BYTES)

    def _read(self, path: str, most_bytes: int) -> bytes:
        request = Request(self._address + path, headers=self._headers)  # noqa: S310 - http(s), see reference
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - as above
                content: bytes = answer.read(most_bytes + 1)
        except HTTPError as error:
            raise UsageError(f"{self._address}: {_words(error)}") from error
        except (URLError, OSError) as error:
            why = getattr(error, "reason", None) or error
            raise ModelctlError(f"{self._address} cannot be reached: {why}") from error
        if len(content) > most_bytes:
            raise UsageError(
                f"{self._address}{path}: found more than {most_bytes >> 20} MiB, expected less: "
                "download it, and give it as --artifact FILE"
            )
        return content


def _words(error: HTTPError) -> str:
    """What a registry says of a refusal."""
    body = error.read(64 << 10)
    try:
        message = json.loads(body).get("message")
    except (ValueError, AttributeError):
        message = None
    if error.code in (401, 403):
        return (
            f"{message or error.reason}: it wants credentials: MLFLOW_TRACKING_TOKEN, or "
            "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        )
    return str(message or f"{error.code} {error.reason}")


def _credentials(environ: Mapping[str, str]) -> dict[str, str]:
    token = environ.get("MLFLOW_TRACKING_TOKEN")
    if token:
        return {"Authorization": f"Bearer {token}"}
    user, password = (environ.get(f"MLFLOW_TRACKING_{each}") for each in ("USERNAME", "PASSWORD"))
    if user is None or password is None:
        return {}
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def read(wanted: Reference, environ: Mapping[str, str] = os.environ) -> tuple[Found, bytes | None]:
    """What a registry says of a model version, and its ONNX file where it hands that out.

    Raises:
        UsageError: There is no such version.
        ModelctlError: The registry cannot be reached.
    """
    registry = Registry(wanted.registry, environ)
    version = Fields(_version(registry, wanted))
    number, run = version.text("version") or "", version.text("run_id")
    uri = registry.get("model-versions/get-download-uri", name=wanted.name, version=number)
    place = str(uri.get("artifact_uri") or version.peek("source") or "")
    text = registry.file(place, mlmodel.NAME)
    kind, contract, content, path = "", None, None, place
    if text is not None:
        described = mlmodel.read(text, mlmodel.NAME)
        kind, contract = described.kind, _contract(described.signature)
        if kind == "onnx":
            path = f"{place}/{described.data}"
            content = registry.file(place, described.data)
    found = Found(
        platform="MLflow",
        name=wanted.name,
        kind=kind,
        uri=path,
        description=version.text("description") or _description(registry, wanted.name),
        contract=contract,
        trained_from=f"MLflow run {run}" if run else f"{wanted.name} version {number}",
        metrics=_metrics(registry, run) if run else {},
    )
    for known in _OWN:
        version.take(known)
    return found.without(*left_behind(version.left(), _REASONS)), content


_OWN = ("name", "creation_timestamp", "last_updated_timestamp", "source", "status", "run_link")


def _version(registry: Registry, wanted: Reference) -> dict[str, Any]:
    if wanted.alias:
        call = {"name": wanted.name, "alias": wanted.alias}
        return dict(registry.get("registered-models/alias", **call)["model_version"])
    if wanted.version and wanted.version.isdigit():
        call = {"name": wanted.name, "version": wanted.version}
        return dict(registry.get("model-versions/get", **call)["model_version"])
    model = registry.get("registered-models/get", name=wanted.name)["registered_model"]
    latest = model.get("latest_versions", [])
    stage = (wanted.version or "latest").casefold()
    fitting = [
        one for one in latest if stage in ("latest", str(one.get("current_stage")).casefold())
    ]
    if not fitting:
        stages = ", ".join(sorted({str(one.get("current_stage")) for one in latest})) or "none"
        raise UsageError(
            f"{wanted.name}: found no version in {wanted.version!r}, expected a number, an alias "
            f"(models:/{wanted.name}@ALIAS) or a stage ({stages})"
        )
    return dict(max(fitting, key=lambda one: int(one["version"])))


def _description(registry: Registry, name: str) -> str | None:
    model = registry.get("registered-models/get", name=name)["registered_model"]
    return model.get("description") or None


def _metrics(registry: Registry, run: str) -> dict[str, float]:
    data = registry.get("runs/get", run_id=run).get("run", {}).get("data", {})
    return {str(one["key"]): float(one["value"]) for one in data.get("metrics", [])}


def _contract(signature: Mapping[str, str]) -> Any:  # noqa: ANN401 - a Contract or None
    sides = []
    for side in ("inputs", "outputs"):
        columns = Fields({"columns": json.loads(signature.get(side) or "[]")}).every("columns")
        sides.append(contracts.mlflow_tensors(columns))
    return contracts.contract(*sides)


__all__ = ["Left", "Reference", "read", "reference"]
