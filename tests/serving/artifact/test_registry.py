"""Artifacts from OCI registries: Debian's docker-registry, and one with faults and tokens."""

import base64
import hashlib
import json
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from modelserver import errors
from registries import registry
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted

OTHER = b"golden cases"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
# The password is `secret-of-robot`, by bcrypt.
USERS = "robot:$2b$04$5In9/6Y.9r6cD.3w2tp//.dbJVKUmCArdPToX1QaunGkIo9vwSfM6\n"
BASIC = "Basic " + base64.b64encode(b"robot:secret-of-robot").decode()


def manifest(*layers: bytes) -> bytes:
    """The manifest of an artifact with these layers, as `oras push` makes it."""
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": "application/vnd.example.model",
            "config": _descriptor(b"{}", "application/vnd.oci.empty.v1+json"),
            "layers": [_descriptor(each, "application/octet-stream") for each in layers],
        }
    ).encode()


def _descriptor(content: bytes, kind: str) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def push(address: str, name: str, *layers: bytes, authorization: str = "") -> str:
    """Put an artifact under the tag `r1` and say the digest of its manifest."""
    base, headers = f"http://{address}/v2/{name}", {}
    if authorization:
        headers["Authorization"] = authorization
    for content in (b"{}", *layers):
        start = _send("POST", f"{base}/blobs/uploads/", b"", headers)
        where = start.headers["Location"]
        digest = hashlib.sha256(content).hexdigest()
        join = "&" if "?" in where else "?"
        octets = {"Content-Type": "application/octet-stream"}
        _send("PUT", f"{where}{join}digest=sha256:{digest}", content, headers | octets)
    body = manifest(*layers)
    answer = _send("PUT", f"{base}/manifests/r1", body, headers | {"Content-Type": MANIFEST})
    return str(answer.headers["Docker-Content-Digest"])


def _send(method: str, url: str, body: bytes, headers: dict[str, str]) -> Any:  # noqa: ANN401
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        return answer


@contextmanager
def debian(folder: Path, more: str = "") -> Iterator[str]:
    """Address of Debian's registry, which is empty."""
    if shutil.which("docker-registry") is None:
        pytest.skip("Debian's docker-registry is not installed: apt-get install docker-registry")
    with registry(folder, folder / "storage", more) as address:
        yield address


@pytest.fixture(autouse=True)
def no_login(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Docker's configuration, which is empty."""
    folder = tmp_path / "docker"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    return folder


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a registry that asks for no credentials."""
    with debian(tmp_path_factory.mktemp("registry")) as address:
        push(address, "models/digits", CONTENT)
        push(address, "models/both", OTHER, CONTENT)
        yield address


@pytest.mark.parametrize("name", ["models/digits:r1", "models/both:r1"])
def test_layer(public: str, cache: Path, name: str) -> None:
    """Of an artifact's layers the one with the declared digest arrives."""
    assert CONTENT == obtain(wanted(f"oci://{public}/{name}"), cache_dir=cache, root=cache)


def test_manifest_by_digest(public: str, cache: Path) -> None:
    """A digest names an artifact as well as a tag, and both together."""
    digest = push(public, "models/pinned", CONTENT)
    for reference in (f"@{digest}", f":r1@{digest}"):
        uri = f"oci://{public}/models/pinned{reference}"

        assert CONTENT == obtain(wanted(uri), cache_dir=cache / reference, root=cache)


def test_transfer_goes_on_where_it_stopped(public: str, cache: Path) -> None:
    """What came before is not asked for again."""
    (cache / "sha256").mkdir(parents=True)
    (cache / "sha256" / f"{SHA256}.partial").write_bytes(CONTENT[:5000])
    uri = f"oci://{public}/models/digits:r1"

    assert CONTENT == obtain(wanted(uri), cache_dir=cache, root=cache)


@pytest.mark.parametrize(
    ("reference", "error", "text"),
    [
        ("models/none:r1", errors.ArtifactMissing, "found HTTP 404"),
        ("models/digits:r2", errors.ArtifactMissing, "found HTTP 404"),
        ("models/digits", errors.ArtifactMissing, "found HTTP 404"),
        (f"models/digits@sha256:{'0' * 64}", errors.ArtifactMissing, "found HTTP 404"),
        ("Models/digits:r1", errors.ArtifactRefused, "expected oci://"),
        ("models/../digits:r1", errors.ArtifactRefused, "expected oci://"),
        ("models/digits@sha256:0", errors.ArtifactRefused, "expected oci://"),
        ("models/digits:r1?x", errors.ArtifactRefused, "expected oci://"),
        ("", errors.ArtifactRefused, "expected oci://"),
    ],
)
def test_reference_that_leads_nowhere(
    public: str, cache: Path, reference: str, error: type[Exception], text: str
) -> None:
    """What is not there and what is no reference are told apart."""
    with pytest.raises(error, match=text):
        obtain(wanted(f"oci://{public}/{reference}"), cache_dir=cache, root=cache)


def test_artifact_of_other_bytes(public: str, cache: Path) -> None:
    """An artifact without the declared layer is refused before anything is transferred."""
    with pytest.raises(errors.ArtifactDigestWrong, match=rf"found layers sha256:{SHA256}"):
        obtain(wanted(f"oci://{public}/models/digits:r1", OTHER), cache_dir=cache, root=cache)


def log_in(folder: Path, address: str, name: str, entry: dict[str, str]) -> None:
    """Write Docker's configuration."""
    (folder / name).write_text(json.dumps({"auths": {address: entry}}))


@pytest.mark.parametrize("file", ["config.json", ".dockerconfigjson"])
@pytest.mark.parametrize(
    "entry",
    [{"auth": BASIC.split()[1]}, {"username": "robot", "password": "secret-of-robot"}],
)
def test_registry_with_passwords(
    tmp_path: Path, cache: Path, no_login: Path, file: str, entry: dict[str, str]
) -> None:
    """A user and a password come from a Secret that is mounted."""
    users = tmp_path / "htpasswd"
    users.write_text(USERS)
    more = f"auth: {{htpasswd: {{realm: test, path: {users}}}}}\n"
    with debian(tmp_path, more) as address:
        push(address, "models/digits", CONTENT, authorization=BASIC)
        log_in(no_login, f"https://{address}/v1/", file, entry)
        uri = f"oci://{address}/models/digits:r1"

        assert CONTENT == obtain(wanted(uri), cache_dir=cache, root=cache)


@dataclass
class Guarded:
    """A registry that wants tokens, and keeps its blobs elsewhere."""

    address: str = ""
    realm: str = ""
    storage: str = ""
    body: bytes = field(default_factory=lambda: manifest(CONTENT))
    seen: list[tuple[str, str, str | None]] = field(default_factory=list)

    def uri(self) -> str:
        """Of its only artifact."""
        return f"oci://{self.address}/models/digits:r1"


def _handler(state: Guarded, role: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            given = self.headers.get("Authorization")
            state.seen.append((role, self.path, given))
            if role == "token":
                rights = parse_qs(urlsplit(self.path).query)
                right = rights == {
                    "account": ["x"],
                    "service": ["models"],
                    "scope": ["repository:models/digits:pull"],
                }
                self.answer(200 if right and given in {BASIC, None} else 401, b'{"token": "T"}')
            elif role == "storage":
                self.answer(200, CONTENT)
            elif given != "Bearer T":
                challenge = f'Bearer realm="{state.realm}",service="models",scope="x"'
                self.answer(401, b"{}", {"WWW-Authenticate": challenge})
            elif "/blobs/" in self.path:
                self.answer(307, b"", {"Location": f"{state.storage}/blob?sig=1"})
            else:
                self.answer(200, state.body)

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, text in (headers or {}).items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Guarded]:
    """A registry, its token service and its storage; no time passes between attempts."""
    monkeypatch.setattr("modelserver.artifact.cache._BACKOFF_S", 0.001)
    state, threads = Guarded(), []
    servers = {
        role: ThreadingHTTPServer(("127.0.0.1", 0), _handler(state, role))
        for role in ("registry", "token", "storage")
    }
    for server in servers.values():
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        threads.append(thread)
    state.address = f"127.0.0.1:{servers['registry'].server_port}"
    state.realm = f"http://127.0.0.1:{servers['token'].server_port}/token?account=x"
    state.storage = f"http://127.0.0.1:{servers['storage'].server_port}"
    yield state
    for server, thread in zip(servers.values(), threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


def test_registry_with_tokens(guarded: Guarded, cache: Path, no_login: Path) -> None:
    """A token is asked for with the password, used, and not shown to where the bytes lie."""
    log_in(no_login, guarded.address, "config.json", {"auth": BASIC.split()[1]})
    found = obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)

    assert CONTENT == found
    assert [
        ("registry", None),
        ("token", BASIC),
        ("registry", "Bearer T"),
        ("registry", "Bearer T"),
        ("storage", None),
    ] == [(role, given) for role, _, given in guarded.seen]


def test_token_without_a_password(guarded: Guarded, cache: Path) -> None:
    """Public artifacts of such a registry need a token too, and get one."""
    assert CONTENT == obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)


def test_wrong_password(guarded: Guarded, cache: Path, no_login: Path) -> None:
    """A password that is not taken is refused, and not repeated."""
    log_in(no_login, guarded.address, "config.json", {"username": "robot", "password": "hunter2"})

    with pytest.raises(errors.ArtifactRefused, match=r"token of 127\.0\.0\.1.*401") as caught:
        obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)

    assert "hunter2" not in str(caught.value)


def test_token_is_asked_for_under_https_alone(
    guarded: Guarded, cache: Path, no_login: Path
) -> None:
    """No registry can have the password sent in the clear."""
    log_in(no_login, guarded.address, "config.json", {"auth": BASIC.split()[1]})
    guarded.realm = "http://tokens.example.com/token"

    with pytest.raises(errors.ArtifactRefused, match="expected https"):
        obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"auths": []}', '{"auths": {"x": 1}}', "null"])
def test_configuration_that_is_none(
    guarded: Guarded, cache: Path, no_login: Path, text: str
) -> None:
    """What is not Docker's configuration is named, whatever it holds."""
    (no_login / "config.json").write_text(text.replace("x", guarded.address))

    with pytest.raises(errors.ArtifactRefused, match=r"config\.json is not Docker's"):
        obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)


@pytest.mark.parametrize(
    ("body", "error", "text"),
    [
        (b"", errors.ArtifactUnreachable, "check the registry"),
        (b"[]", errors.ArtifactUnreachable, "found no JSON object"),
        (b"[" * 100_000, errors.ArtifactUnreachable, "check the registry"),
        (b'{"manifests": []}', errors.ArtifactRefused, "name it by its digest"),
        (b'{"layers": []}', errors.ArtifactDigestWrong, "found layers none"),
        (b'{"layers": [1, {}, {"digest": 2}]}', errors.ArtifactDigestWrong, "found layers None, 2"),
    ],
)
def test_manifest_that_is_none(
    guarded: Guarded, cache: Path, body: bytes, error: type[Exception], text: str
) -> None:
    """Whatever a registry answers, it is an error with a name."""
    guarded.body = body

    with pytest.raises(error, match=text):
        obtain(wanted(guarded.uri()), cache_dir=cache, root=cache)
