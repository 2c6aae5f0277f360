"""Fetching from a real TLS server that has faults on demand."""

import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import modelserver.artifact.cache
from modelserver import errors
from modelserver.artifact.cache import ATTEMPTS
from tests.serving.artifact.certificates import self_signed
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted


@dataclass
class Source:
    """What the TLS server gives, and what it was asked."""

    url: str = ""
    certificate: Path = Path()
    fail_first: list[int] = field(default_factory=list)
    cut_after: list[int] = field(default_factory=list)
    ranges: list[str | None] = field(default_factory=list)
    moved_to: str = ""


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the server shows, with its key."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def handler_of(state: Source) -> type[BaseHTTPRequestHandler]:
    """Answers requests for the artifact, with the faults that `state` asks for."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.ranges.append(self.headers.get("Range"))
            if state.moved_to:
                self.send_response(302)
                self.send_header("Location", state.moved_to)
                self.end_headers()
            elif self.path != "/model.onnx":
                self.send_error(403 if self.path == "/forbidden" else 404)
            elif state.fail_first:
                self.send_error(state.fail_first.pop(0))
            else:
                self.give()

        def give(self) -> None:
            asked = self.headers.get("Range")
            first = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
            self.send_response(206 if asked else 200)
            if asked:
                last = len(CONTENT) - 1
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(CONTENT)}")
            self.send_header("Content-Length", str(len(CONTENT) - first))
            self.end_headers()
            stop = state.cut_after.pop(0) if state.cut_after else len(CONTENT)
            self.wfile.write(CONTENT[first:stop])

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


@pytest.fixture
def source(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A TLS server whose certificate this process trusts, with faults on request."""
    state = Source(certificate=certificate)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    state.url = f"https://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setattr(modelserver.artifact.cache, "_BACKOFF_S", 0.001)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(source: Source, cache: Path, path: str = "/model.onnx") -> bytes:
    """The artifact from the TLS server."""
    return obtain(wanted(source.url + path), cache_dir=cache, root=cache)


def test_https(source: Source, cache: Path) -> None:
    """A certificate that the environment trusts is enough."""
    assert CONTENT == fetch(source, cache)


def test_untrusted_certificate(
    source: Source, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that the environment does not trust gives nothing."""
    monkeypatch.delenv("SSL_CERT_FILE")

    with pytest.raises(errors.ArtifactUnreachable, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(source, cache)


def test_dying_download_goes_on_where_it_stopped(source: Source, cache: Path) -> None:
    """What came before the connection died is not asked for again."""
    source.cut_after[:] = [1000, 5000]

    assert CONTENT == fetch(source, cache)
    assert source.ranges == [None, "bytes=1000-", "bytes=5000-"]


def test_stale_part_is_thrown_away(source: Source, cache: Path) -> None:
    """Where the part of an earlier transfer was wrong, everything is fetched afresh."""
    (cache / "sha256").mkdir(parents=True)
    (cache / "sha256" / f"{SHA256}.partial").write_bytes(b"wrong")

    assert CONTENT == fetch(source, cache)
    assert source.ranges == ["bytes=5-", None]


def test_passing_fault_is_retried(source: Source, cache: Path) -> None:
    """A server that is busy for a moment is asked again."""
    source.fail_first[:] = [503, 500]

    assert CONTENT == fetch(source, cache)


def test_lasting_truncation(source: Source, cache: Path) -> None:
    """A transfer that never completes is told apart from wrong bytes."""
    source.cut_after[:] = [10] * ATTEMPTS

    with pytest.raises(errors.ArtifactTruncated, match=r"ended after 10 of 10240 bytes"):
        fetch(source, cache)


def test_lasting_fault(source: Source, cache: Path) -> None:
    """A server that keeps failing is named, with what it said."""
    source.fail_first[:] = [500] * ATTEMPTS

    with pytest.raises(errors.ArtifactUnreachable, match="found HTTP 500"):
        fetch(source, cache)


@pytest.mark.parametrize(
    ("path", "error"),
    [("/none", errors.ArtifactMissing), ("/forbidden", errors.ArtifactRefused)],
)
def test_answers_that_will_not_change(
    source: Source, cache: Path, path: str, error: type[Exception]
) -> None:
    """What is missing or forbidden is asked for once."""
    with pytest.raises(error):
        fetch(source, cache, path)

    assert len(source.ranges) == 1


@pytest.mark.parametrize("target", ["http://models.example.com/x", "file:///etc/passwd", "ftp://x"])
def test_redirect_never_leaves_https(source: Source, cache: Path, target: str) -> None:
    """A redirect leads only where the artifact could have been declared to be."""
    source.moved_to = target

    with pytest.raises((errors.ArtifactRefused, errors.ArtifactUnreachable)):
        fetch(source, cache)


def test_parallel_starts_share_one_transfer(source: Source, cache: Path) -> None:
    """Of several processes on one cache, one fetches and the others wait for it."""
    script = (
        "import sys; from pathlib import Path; "
        "from modelserver.artifact.cache import Artifact, Cache; "
        "artifact = Artifact(*sys.argv[1:3], int(sys.argv[3])); "
        "sys.stdout.buffer.write(Cache(Path(sys.argv[4]), Path()).use(artifact, Path.read_bytes))"
    )
    arguments = [f"{source.url}/model.onnx", SHA256, str(len(CONTENT)), str(cache)]
    processes = [
        subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    outputs = {process.communicate()[0] for process in processes}

    assert {CONTENT} == outputs
    assert 1 == len(source.ranges)
