"""Fetching, verifying and caching, from real files and a real TLS server."""

import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelserver import artifact, errors
from modelserver.artifact import Artifact, obtain
from modelserver.sources import open_stream

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def wanted(uri: str, content: bytes = CONTENT) -> Artifact:
    """An artifact whose declaration fits `content`."""
    return Artifact(uri, hashlib.sha256(content).hexdigest(), len(content))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the artifact in it, and one beside it."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "model.onnx").write_bytes(CONTENT)
    (tmp_path / "secret").write_bytes(CONTENT)
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache that does not exist yet."""
    return tmp_path / "cache"


def test_file_lands_under_its_digest(root: Path, cache: Path) -> None:
    """The cached file has the declared bytes and may only be read; a lock is all else."""
    path = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert path == cache / "sha256" / SHA256
    assert path.read_bytes() == CONTENT
    assert path.stat().st_mode & 0o777 == 0o444
    assert {each.name for each in path.parent.iterdir()} == {SHA256, f"{SHA256}.lock"}


def test_absolute_file(root: Path, cache: Path) -> None:
    """An absolute path may lie anywhere: whoever wrote the release chose it."""
    path = obtain(wanted(f"file://{root}/model.onnx"), cache_dir=cache, root=cache)

    assert path.read_bytes() == CONTENT


def test_cached_file_needs_no_source(root: Path, cache: Path) -> None:
    """A second start does not ask the source."""
    first = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    (root / "model.onnx").unlink()

    assert obtain(wanted("file:model.onnx"), cache_dir=cache, root=root) == first


def test_damaged_cache_entry_is_fetched_again(root: Path, cache: Path) -> None:
    """A cached file is verified at every start."""
    path = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    path.chmod(0o644)
    path.write_bytes(CONTENT[::-1])

    assert obtain(wanted("file:model.onnx"), cache_dir=cache, root=root).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("uri", "error"),
    [
        ("file:../secret", errors.ArtifactRefused),
        ("file:x/../../secret", errors.ArtifactMissing),
        ("file:%2e%2e/secret", errors.ArtifactRefused),
        ("file:link", errors.ArtifactRefused),
        ("file:linked/secret", errors.ArtifactRefused),
        ("file:loop", errors.ArtifactRefused),
        ("file:folder", errors.ArtifactRefused),
        ("file:pipe", errors.ArtifactRefused),
        ("file:none", errors.ArtifactMissing),
        ("file:none%00", errors.ArtifactRefused),
        ("file:", errors.ArtifactRefused),
        ("file://elsewhere/model.onnx", errors.ArtifactRefused),
        ("file:model.onnx?x", errors.ArtifactRefused),
        ("ftp://127.0.0.1/model.onnx", errors.ArtifactRefused),
        ("model.onnx", errors.ArtifactRefused),
        ("http://models.example.com/model.onnx", errors.ArtifactRefused),
    ],
)
def test_uri_that_may_not_be_used(
    root: Path, cache: Path, uri: str, error: type[Exception]
) -> None:
    """No relative path, link or scheme leads out of the root, and nothing but a file is read."""
    (root / "link").symlink_to("../secret")
    (root / "linked").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")

    with pytest.raises(error):
        obtain(wanted(uri), cache_dir=cache, root=root)

    assert not (cache / "sha256" / SHA256).exists()


def test_link_within_the_root(root: Path, cache: Path) -> None:
    """A link that stays inside is followed."""
    (root / "link").symlink_to("model.onnx")

    assert obtain(wanted("file:link"), cache_dir=cache, root=root).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (CONTENT[:-1], errors.ArtifactSizeWrong),
        (CONTENT + b"x", errors.ArtifactSizeWrong),
        (CONTENT[:-1] + b"x", errors.ArtifactDigestWrong),
    ],
)
def test_wrong_bytes(root: Path, cache: Path, content: bytes, error: type[Exception]) -> None:
    """Bytes other than the declared ones never get the name of the declared ones."""
    (root / "model.onnx").write_bytes(content)

    with pytest.raises(error, match=r"model\.onnx: found .*, expected "):
        obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)

    assert not (cache / "sha256" / SHA256).exists()
    assert not (cache / "sha256" / f"{SHA256}.partial").exists()


def test_size_is_only_a_bound_where_it_is_not_declared(root: Path, cache: Path) -> None:
    """A golden file may have any size up to a limit."""
    loose = Artifact("file:model.onnx", SHA256, len(CONTENT) * 2, exact=False)
    tight = Artifact("file:model.onnx", SHA256, len(CONTENT) - 1, exact=False)

    assert obtain(loose, cache_dir=cache, root=root).read_bytes() == CONTENT
    with pytest.raises(errors.ArtifactSizeWrong, match="at most"):
        obtain(tight, cache_dir=cache / "other", root=root)


def test_cache_that_cannot_be_written(root: Path, tmp_path: Path) -> None:
    """A cache directory that is a file is an error of its own."""
    with pytest.raises(errors.CacheUnusable, match="CACHE_DIR must be a folder"):
        obtain(wanted("file:model.onnx"), cache_dir=tmp_path / "secret", root=root)


@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_missing_extra(root: Path, cache: Path, scheme: str) -> None:
    """A bucket without the package for it names the extra to install."""
    with pytest.raises(errors.ExtraMissing, match=rf"modelserver\[{scheme}\]"):
        obtain(wanted(f"{scheme}://bucket/model.onnx"), cache_dir=cache, root=root)


class NoCredentialsError(Exception):
    """Named as botocore names its own, which is no OSError."""


class HttpError(Exception):
    """Named as gcsfs names its own."""


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (NoCredentialsError("none"), errors.ArtifactRefused, "found no usable credentials"),
        (PermissionError("no"), errors.ArtifactRefused, "may not read it"),
        (FileNotFoundError("no"), errors.ArtifactMissing, "no such object"),
        (HttpError("busy"), errors.ArtifactUnreachable, "check the bucket and the network"),
    ],
)
def test_fault_of_an_object_store(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Exception,
    error: type[Exception],
    text: str,
) -> None:
    """Whatever the store's package raises becomes one of our errors, without the credentials."""

    def fail(*_: object) -> None:
        raise fault

    store = SimpleNamespace(url_to_fs=lambda _: (SimpleNamespace(open=fail), "bucket/model.onnx"))
    monkeypatch.setitem(sys.modules, "fsspec", SimpleNamespace(core=store))

    with (
        pytest.raises(error, match=text) as caught,
        open_stream("s3://key:secret@bucket/model.onnx", root=root, offset=0),
    ):
        pass

    assert "secret" not in str(caught.value)


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
    """A key and a certificate for 127.0.0.1, signed by itself, in one file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate of the test's server, is not installed")
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*command.split(), *names, "-keyout", "key.pem", "-out", "cert.pem"],
        cwd=path.parent,
        check=True,
        capture_output=True,
    )
    path.write_text((path.parent / "key.pem").read_text() + (path.parent / "cert.pem").read_text())
    return path


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
    monkeypatch.setattr(artifact, "_BACKOFF_S", 0.001)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(source: Source, cache: Path, path: str = "/model.onnx") -> Path:
    """The artifact from the TLS server."""
    return obtain(wanted(source.url + path), cache_dir=cache, root=cache)


def test_https(source: Source, cache: Path) -> None:
    """A certificate that the environment trusts is enough."""
    assert fetch(source, cache).read_bytes() == CONTENT


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

    assert fetch(source, cache).read_bytes() == CONTENT
    assert source.ranges == [None, "bytes=1000-", "bytes=5000-"]


def test_stale_part_is_thrown_away(source: Source, cache: Path) -> None:
    """Where the part of an earlier transfer was wrong, everything is fetched afresh."""
    (cache / "sha256").mkdir(parents=True)
    (cache / "sha256" / f"{SHA256}.partial").write_bytes(b"wrong")

    assert fetch(source, cache).read_bytes() == CONTENT
    assert source.ranges == ["bytes=5-", None]


def test_passing_fault_is_retried(source: Source, cache: Path) -> None:
    """A server that is busy for a moment is asked again."""
    source.fail_first[:] = [503, 500]

    assert fetch(source, cache).read_bytes() == CONTENT


def test_lasting_truncation(source: Source, cache: Path) -> None:
    """A transfer that never completes is told apart from wrong bytes."""
    source.cut_after[:] = [10] * artifact.ATTEMPTS

    with pytest.raises(errors.ArtifactTruncated, match=r"ended after 10 of 10240 bytes"):
        fetch(source, cache)


def test_lasting_fault(source: Source, cache: Path) -> None:
    """A server that keeps failing is named, with what it said."""
    source.fail_first[:] = [500] * artifact.ATTEMPTS

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
        "import sys; from pathlib import Path; from modelserver.artifact import Artifact, obtain; "
        "print(obtain(Artifact(*sys.argv[1:3], int(sys.argv[3])), "
        "cache_dir=Path(sys.argv[4]), root=Path()))"
    )
    arguments = [f"{source.url}/model.onnx", SHA256, str(len(CONTENT)), str(cache)]
    processes = [
        subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE)
        for _ in range(3)
    ]
    outputs = {process.communicate()[0].decode().strip() for process in processes}

    assert outputs == {str(cache / "sha256" / SHA256)}
    assert len(source.ranges) == 1


def test_full_disk(root: Path, cache: Path) -> None:
    """Where no more bytes can be written, the room is given back and the error is its own."""
    script = (
        "import resource, sys; from pathlib import Path; "
        "from modelserver import errors; from modelserver.artifact import Artifact, obtain; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: obtain(Artifact('file:model.onnx', sys.argv[1], int(sys.argv[2])), "
        "cache_dir=Path(sys.argv[3]), root=Path(sys.argv[4]))\n"
        "except errors.CacheFull as error: print(error)"
    )
    arguments = [SHA256, str(len(CONTENT)), str(cache), str(root)]
    output = subprocess.run(
        [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
    ).stdout

    assert "make room or enlarge the cache volume" in output
    assert not (cache / "sha256" / f"{SHA256}.partial").exists()
