"""How object stores are asked: endpoint, region, style, certificates, proxies, identities."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelserver import errors
from tests.serving.artifact.certificates import self_signed
from tests.serving.artifact.stores import free_ports
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted

URI = "s3://artifacts/digits/r1.onnx"
IDENTITY = b"""<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>assumed</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>
<SessionToken>session</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>
</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"""
CHANGED = "Sat, 28 Nov 2026 04:00:00 GMT"


@dataclass
class Seen:
    """A server that gives the artifact to whoever asks, and what it was asked."""

    port: int = 0
    lines: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    status: int = 200
    cut_after: list[int] = field(default_factory=list)


def _handler(seen: Seen) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.lines.append(f"{self.command} {self.path}")
            seen.hosts.append(self.headers["Host"])
            seen.authorizations.append(self.headers.get("Authorization", ""))
            if seen.status != 200:
                self.send_error(seen.status)
                return
            asked = self.headers.get("Range")
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            last = seen.cut_after.pop(0) if seen.cut_after else len(CONTENT)
            body = IDENTITY if self.path.startswith("/?Action=") else CONTENT
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body) - first))
            self.send_header("Content-Range", f"bytes {first}-{len(body) - 1}/{len(body)}")
            self.send_header("Last-Modified", CHANGED)
            self.send_header("ETag", '"1"')
            self.end_headers()
            self.wfile.write(body[first:last])

        do_POST = do_GET  # noqa: N815 - the base class's name

        def do_CONNECT(self) -> None:
            seen.lines.append(f"CONNECT {self.path}")
            self.send_error(502)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Seen]:
    """The server, with TLS where it has a certificate."""
    seen = Seen()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(seen))
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    seen.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield seen
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate that nobody trusts by itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture(autouse=True)
def pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a pod with a key, and no time between attempts."""
    monkeypatch.setattr("modelserver.artifact.cache._BACKOFF_S", 0.001)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """A server without TLS, which this process may use."""
    with serving() as seen:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{seen.port}")
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        yield seen


@pytest.fixture
def secure(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Seen]:
    """A server with TLS, whose certificate this process does not know."""
    with serving(certificate) as seen:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://127.0.0.1:{seen.port}")
        yield seen


def fetch(cache: Path) -> bytes:
    """The artifact."""
    return obtain(wanted(URI), cache_dir=cache, root=cache)


def test_bucket_in_the_path(plain: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By default the bucket is part of the path, which every store takes; the region is signed."""
    monkeypatch.setenv("AWS_REGION", "eu-central-2")

    assert CONTENT == fetch(cache)
    assert ["GET /artifacts/digits/r1.onnx"] == plain.lines
    assert "/eu-central-2/s3/aws4_request" in plain.authorizations[0]


def test_bucket_in_the_host(plain: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the endpoint has the bucket in its name, a variable says so."""
    monkeypatch.setenv("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true")

    assert CONTENT == fetch(cache)
    assert ["GET /digits/r1.onnx"] == plain.lines


def test_public_bucket(plain: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket for everybody is read without a signature."""
    monkeypatch.setenv("AWS_SKIP_SIGNATURE", "true")

    assert CONTENT == fetch(cache)
    assert [""] == plain.authorizations


def test_dying_transfer_goes_on_where_it_stopped(plain: Seen, cache: Path) -> None:
    """What came before the connection died is kept."""
    plain.cut_after[:] = [1000, 5000]

    assert CONTENT == fetch(cache)
    assert 3 == len(plain.lines)


def test_store_that_keeps_failing(plain: Seen, cache: Path) -> None:
    """A fault of the store is asked again, then named."""
    plain.status = 503

    with pytest.raises(errors.ArtifactUnreachable, match="found HTTP 503 Service Unavailable"):
        fetch(cache)

    assert 5 == len(plain.lines)


def test_unknown_certificate(secure: Seen, cache: Path) -> None:
    """A store that nobody vouches for gives nothing, and the reason is told."""
    with pytest.raises(errors.ArtifactUnreachable, match="InvalidCertificate"):
        fetch(cache)

    assert [] == secure.lines


@pytest.mark.usefixtures("secure")
def test_certificates_of_ones_own(
    cache: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable that names certificates for https names them for buckets too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert CONTENT == fetch(cache)


def test_proxy(secure: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way leads through the proxy that the environment names, if it is not excepted."""
    with serving() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(errors.ArtifactUnreachable):
            fetch(cache)

    assert {f"CONNECT 127.0.0.1:{secure.port}"} == set(proxy.lines)


def test_exception_from_the_proxy(
    secure: Seen, cache: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts in NO_PROXY are asked directly."""
    (port,) = free_ports(1)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert CONTENT == fetch(cache)
    assert 1 == len(secure.lines)


def test_role_of_a_service_account(
    secure: Seen, cache: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A pod's token is exchanged for the credentials of its role, which sign the request."""
    (tmp_path / "token").write_text("token-of-the-pod")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/models")
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", f"https://127.0.0.1:{secure.port}")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert CONTENT == fetch(cache)
    assert "WebIdentityToken=token-of-the-pod" in secure.lines[0]
    assert "Credential=assumed/" in secure.authorizations[1]


def test_no_credentials_at_all(plain: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing gives credentials, the error says what would, and comes at once."""
    (port,) = free_ports(1)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", f"http://127.0.0.1:{port}")

    with pytest.raises(errors.ArtifactRefused, match="found no usable credentials"):
        fetch(cache)

    assert [] == plain.lines


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("AWS_ENDPOINT_URL", "nonsense"),
        ("AWS_SKIP_SIGNATURE", "perhaps"),
        ("AWS_ACCESS_KEY_ID", ""),
    ],
)
def test_setting_that_is_none(
    plain: Seen, cache: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """A variable that cannot be read is no fault of the network."""
    if text:
        monkeypatch.setenv(name, text)
    else:
        monkeypatch.delenv(name)

    with pytest.raises(errors.ArtifactRefused, match="AWS_ variables"):
        fetch(cache)

    assert [] == plain.lines
    assert not (cache / "sha256" / SHA256).exists()
