"""Artifacts in OCI registries: `oci://registry/repository:tag` or `...@sha256:digest`.

The file itself is a layer of the manifest, as `oras push` makes it: of several layers the one that
has the declared digest.

Source: OCI distribution specification 1.1 ("Pulling manifests", "Pulling blobs"); CNCF distribution
("Token authentication"); Docker's config.json, whose key `auths` has users and passwords.
"""

import base64
import http.client
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import SplitResult, urlencode, urlsplit, urlunsplit

from modelserver.artifact import web
from modelserver.artifact.stream import Order, Stream
from modelserver.errors import (
    ArtifactDigestWrong,
    ArtifactRefused,
    ArtifactUnreachable,
)

_PART = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"/(?P<name>{_PART}(?:/{_PART})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.docker.distribution.manifest.v2+json"
)
_CONFIG_FILES = ("config.json", ".dockerconfigjson")  # Docker's name, and a Kubernetes Secret's
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_MANIFEST_BYTES = 4 << 20  # the specification's bound
_TOKEN_BYTES = 1 << 20


@contextmanager
def open_layer(order: Order) -> Iterator[Stream]:
    """The layer of an artifact that has the declared digest.

    Raises:
        ArtifactRefused: The URI is malformed, or this process may not read it.
        ArtifactMissing: The registry has no such manifest.
        ArtifactDigestWrong: No layer has the declared digest.
        ArtifactUnreachable: The registry does not answer as it should.
    """
    name, reference = _reference(order)
    registry = _Registry(order.parts, name, order.label)
    manifest, authorization = registry.manifest(reference)
    _require_layer(manifest, order)
    blob = registry.url(f"blobs/sha256:{order.sha256}")
    with web.open_range(blob, order.offset, order.label, authorization) as stream:
        yield stream


def _reference(order: Order) -> tuple[str, str]:
    parts = order.parts
    found = _REFERENCE.fullmatch(parts.path)
    if not found or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise ArtifactRefused(
            f"{order.label}: expected oci://registry/repository:tag or ...@sha256:digest"
        )
    return found["name"], found["digest"] or found["tag"] or "latest"


@dataclass(frozen=True, slots=True)
class _Registry:
    parts: SplitResult
    name: str
    label: str

    def url(self, path: str) -> str:
        """Where something of the repository is; plain http only on this machine itself."""
        scheme = "http" if web.is_loopback(self.parts.hostname) else "https"
        return urlunsplit((scheme, self.parts.netloc, f"/v2/{self.name}/{path}", "", ""))

    def manifest(self, reference: str) -> tuple[Mapping[str, Any], str | None]:
        """The manifest, and what authorizes to read what it names."""
        url, headers = self.url(f"manifests/{reference}"), {"Accept": _MANIFESTS}
        try:
            return self._json(url, headers, _MANIFEST_BYTES), None
        except HTTPError as error:
            if error.code != HTTPStatus.UNAUTHORIZED:
                raise web.http_error(error, self.label) from error
            error.close()
            authorization = self._authorization(error.headers.get("WWW-Authenticate", ""))
        try:
            return self._json(url, headers, _MANIFEST_BYTES, authorization), authorization
        except HTTPError as error:
            raise web.http_error(error, self.label) from error

    def _authorization(self, challenge: str) -> str:
        """The header that answers a registry's challenge.

        Raises:
            ArtifactRefused: There are no credentials, or they are not taken.
        """
        basic = credentials(self.parts.netloc, self.label)
        scheme, _, rest = challenge.partition(" ")
        asked = dict(_CHALLENGE.findall(rest))
        if scheme.lower() == "basic" and basic:
            return basic
        if scheme.lower() != "bearer" or "realm" not in asked:
            raise ArtifactRefused(
                f"{self.label}: the registry wants credentials; found none for "
                f"{self.parts.netloc} in the folder DOCKER_CONFIG"
            )
        scope = {"service": asked.get("service", ""), "scope": f"repository:{self.name}:pull"}
        realm = urlsplit(asked["realm"])
        query = "&".join(filter(None, (realm.query, urlencode(scope))))
        try:
            found = self._json(urlunsplit(realm._replace(query=query)), {}, _TOKEN_BYTES, basic)
        except HTTPError as error:
            raise web.http_error(error, f"{self.label}: token of {realm.netloc}") from error
        return f"Bearer {found.get('token') or found.get('access_token')}"

    def _json(
        self, url: str, headers: Mapping[str, str], max_bytes: int, authorization: str | None = None
    ) -> Mapping[str, Any]:
        """The object that an answer holds.

        Raises:
            HTTPError: The status is no success.
            ArtifactUnreachable: There is no answer, or it holds no object.
        """
        try:
            with web.send(url, headers, self.label, authorization) as response:
                found = json.loads(response.read(max_bytes))
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            if isinstance(error, HTTPError):
                raise
            raise ArtifactUnreachable(f"{self.label}: {error}; check the registry") from error
        if not isinstance(found, dict):
            raise ArtifactUnreachable(f"{self.label}: found no JSON object; check the registry")
        return found


def _require_layer(manifest: Mapping[str, Any], order: Order) -> None:
    layers = manifest.get("layers")
    if not isinstance(layers, list):
        raise ArtifactRefused(
            f"{order.label}: found {manifest.get('mediaType', 'a manifest without layers')}, "
            "expected one manifest; name it by its digest"
        )
    digests = [layer.get("digest") for layer in layers if isinstance(layer, dict)]
    if f"sha256:{order.sha256}" not in digests:
        raise ArtifactDigestWrong(
            f"{order.label}: found layers {', '.join(map(str, digests)) or 'none'}, expected "
            f"sha256:{order.sha256}; push the file itself as a layer, or make a new release"
        )


def credentials(registry: str, label: str) -> str | None:
    """The header with user and password for a registry, from Docker's configuration; None: none.

    Raises:
        ArtifactRefused: The configuration cannot be read.
    """
    folder = Path(os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker"))  # noqa: PTH111 - there may be no home
    for path in (folder / name for name in _CONFIG_FILES):
        try:
            return _basic(json.loads(path.read_bytes()), registry)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise ArtifactRefused(
                f"{label}: {path} is not Docker's configuration: {type(error).__name__}; "
                "expected a Secret of type kubernetes.io/dockerconfigjson"
            ) from error
    return None


def _basic(config: Mapping[str, Any], registry: str) -> str | None:
    entries = {
        re.sub(r"^https?://", "", key).partition("/")[0]: entry
        for key, entry in config.get("auths", {}).items()
    }
    entry = entries.get(registry, {})
    if auth := entry.get("auth"):
        base64.b64decode(auth, validate=True)
    elif entry.get("username"):
        pair = f"{entry['username']}:{entry.get('password', '')}"
        auth = base64.b64encode(pair.encode()).decode()
    return f"Basic {auth}" if auth else None
