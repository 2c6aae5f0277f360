"""A store that is a repository of an OCI registry: a tag a file, whose one layer is its bytes.

Source: OCI distribution specification 1.1 ("Pushing"), OCI image specification 1.1 ("Guidance for
artifact usage": an empty config).
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from modelctl.errors import StoreError
from modelctl.store import login, web

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ARTIFACT = "application/vnd.modelctl.artifact"
_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_LAYER_TYPE = "application/octet-stream"
_MANIFEST_BYTES = 4 << 20  # the specification's bound
_REFERENCE = re.compile(r"/(?P<name>[^:@]+)(?::(?P<tag>[\w.-]+))?(?:@(?P<digest>sha256:\w+))?")
_OPAQUE = "application/octet-stream"


@dataclass(slots=True)
class RegistryFile:
    """A file under `oci:`; `sha256` is what it is, which a registry is asked by."""

    uri: str
    sha256: str
    _authorization: str = field(default="", init=False)

    def size_bytes(self) -> int | None:
        """How many bytes the layer with the digest has; None without it, 0 for another one."""
        manifest = self._manifest()
        if manifest is None:
            return None
        layers = [layer for layer in manifest.get("layers", ()) if isinstance(layer, dict)]
        sizes = [each["size"] for each in layers if each.get("digest") == self._digest]
        return int(sizes[0]) if sizes else 0

    def read(self) -> Iterator[bytes]:
        """The layer's bytes, in parts."""
        url = self._url(f"blobs/{self._digest}")
        with web.sent("GET", url, self._headers("pull")) as answer:
            if answer.status != HTTPStatus.OK:
                raise web.refused(answer, url)
            yield from web.chunks(answer, url)

    def write(self, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Upload the layer, then name it: before the manifest is there nobody sees it."""
        self._upload(self._digest, chunks, size_bytes)
        empty = f"sha256:{hashlib.sha256(_EMPTY).hexdigest()}"
        self._upload(empty, iter([_EMPTY]), len(_EMPTY))
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": _ARTIFACT,
            "config": {"mediaType": _EMPTY_TYPE, "digest": empty, "size": len(_EMPTY)},
            "layers": [{"mediaType": _LAYER_TYPE, "digest": self._digest, "size": size_bytes}],
        }
        url = self._url(f"manifests/{self._reference}")
        headers = self._headers("pull,push") | {"Content-Type": MANIFEST}
        with web.sent("PUT", url, headers, json.dumps(manifest).encode()) as answer:
            if answer.status != HTTPStatus.CREATED:
                raise web.refused(answer, url)

    def _upload(self, digest: str, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Upload a blob in one request, unless the repository has it."""
        headers = self._headers("pull,push")
        with web.sent("HEAD", self._url(f"blobs/{digest}"), headers) as answer:
            if answer.status == HTTPStatus.OK:
                return
        start = self._url("blobs/uploads/")
        with web.sent("POST", start, headers | {"Content-Length": "0"}) as answer:
            if answer.status != HTTPStatus.ACCEPTED:
                raise web.refused(answer, start)
            session = urljoin(start, answer.headers.get("Location", ""))
        joint = "&" if urlsplit(session).query else "?"
        target = f"{session}{joint}{urlencode({'digest': digest})}"
        form = {"Content-Length": str(size_bytes), "Content-Type": _OPAQUE}
        with web.sent("PUT", target, headers | form, chunks) as answer:
            if answer.status != HTTPStatus.CREATED:
                raise web.refused(answer, target)

    def _manifest(self) -> Mapping[str, Any] | None:
        url = self._url(f"manifests/{self._reference}")
        headers = self._headers("pull") | {"Accept": MANIFEST}
        with web.sent("GET", url, headers) as answer:
            if answer.status == HTTPStatus.NOT_FOUND:
                return None
            if answer.status != HTTPStatus.OK:
                raise web.refused(answer, url)
            try:
                found = json.loads(answer.read(_MANIFEST_BYTES))
            except (OSError, ValueError) as error:
                raise StoreError(f"{self.uri}: found no manifest; check the registry") from error
        return found if isinstance(found, dict) else {}

    def _headers(self, actions: str) -> dict[str, str]:
        """What a request needs to be let in; the registry is asked once what that is."""
        if not self._authorization:
            name, registry = self._name, self._parts.netloc
            self._authorization = login.authorization(
                self._base, registry, f"repository:{name}:{actions}", self.uri
            )
        given = self._authorization
        return {} if given == login.NONE else {"Authorization": given}

    @property
    def _parts(self) -> SplitResult:
        return urlsplit(self.uri)

    @property
    def _digest(self) -> str:
        return f"sha256:{self.sha256}"

    @property
    def _named(self) -> re.Match[str]:
        found = _REFERENCE.fullmatch(self._parts.path)
        if found is None:
            raise StoreError(f"{self.uri}: expected oci://registry/repository:tag")
        return found

    @property
    def _name(self) -> str:
        return self._named["name"]

    @property
    def _reference(self) -> str:
        return self._named["digest"] or self._named["tag"] or "latest"

    @property
    def _base(self) -> str:
        scheme = "http" if self._parts.hostname in web.LOOPBACK else "https"
        return f"{scheme}://{self._parts.netloc}/v2/"

    def _url(self, path: str) -> str:
        return f"{self._base}{self._name}/{path}"
