"""A file of a bundle is whole and of the right digest, or it is not there."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

pytest.importorskip("ansible.errors", reason="Ansible is not installed: make setup-roles")

from modelctl_bundle import fetch
from modelctl_bundle.faults import BundleError

pytestmark = pytest.mark.roles
CONTENT = bytes(range(256)) * 2000
TIMEOUT_S = 60


class Publisher(BaseHTTPRequestHandler):
    """Serves CONTENT at /file with ranges; /cut breaks off, /plain knows no ranges."""

    ranges: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        """Answer, and remember the range that was asked for."""
        asked = self.headers.get("Range", "")
        self.ranges.append(asked)
        if self.path == "/none":
            self.send_error(404)
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        start = 0 if self.path == "/plain" else start
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        is_cut = self.path == "/cut" and len(self.ranges) == 1
        self.wfile.write(CONTENT[start : 100_000 if is_cut else None])
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def uri() -> Iterator[str]:
    """Address of the publisher on loopback."""
    Publisher.ranges.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Publisher) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def file(uri: str, path: str = "file") -> fetch.File:
    """CONTENT as an index names it."""
    return fetch.File(
        "pool/a.deb", f"{uri}/{path}", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT)
    )


@pytest.mark.parametrize("path", ["file", "plain"])
def test_a_part_is_continued(uri: str, tmp_path: Path, path: str) -> None:
    """What an earlier run had fetched is asked for no more, where the publisher knows ranges."""
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/a.deb.part").write_bytes(CONTENT[:70_000])

    fetch.fetch(file(uri, path), tmp_path, timeout_s=TIMEOUT_S)

    assert CONTENT == (tmp_path / "pool/a.deb").read_bytes()
    assert ["bytes=70000-"] == Publisher.ranges
    assert ["a.deb"] == [found.name for found in (tmp_path / "pool").iterdir()]


def test_an_answer_that_breaks_off_is_continued(uri: str, tmp_path: Path) -> None:
    """The rest is fetched from where the connection was lost."""
    fetch.fetch(file(uri, "cut"), tmp_path, timeout_s=TIMEOUT_S)

    assert CONTENT == (tmp_path / "pool/a.deb").read_bytes()
    assert ["", "bytes=100000-"] == Publisher.ranges


def test_a_part_of_other_bytes_is_thrown_away(uri: str, tmp_path: Path) -> None:
    """A part that does not lead to the digest is fetched from its beginning."""
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/a.deb.part").write_bytes(b"x" * 70_000)

    fetch.fetch(file(uri), tmp_path, timeout_s=TIMEOUT_S)

    assert CONTENT == (tmp_path / "pool/a.deb").read_bytes()
    assert ["bytes=70000-", ""] == Publisher.ranges


def test_more_bytes_than_listed_are_refused(uri: str, tmp_path: Path) -> None:
    """No more than one byte past the listed size is read, and nothing of it stays."""
    small = fetch.File("a", f"{uri}/file", hashlib.sha256(b"x").hexdigest(), 1)

    with pytest.raises(BundleError, match="more than 1 bytes"):
        fetch.fetch(small, tmp_path, timeout_s=TIMEOUT_S)

    assert [] == list(tmp_path.iterdir())


def test_a_disk_that_fills_up_is_told(uri: str, tmp_path: Path) -> None:
    """The system's error names what to do, is not tried again, and no file appears."""
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/a.deb.part").symlink_to("/dev/full")

    with pytest.raises(BundleError, match="No space left on device") as caught:
        fetch.fetch(file(uri), tmp_path, timeout_s=TIMEOUT_S)

    assert "another bundle_directory" in str(caught.value)
    assert 1 == len(Publisher.ranges)
    assert not (tmp_path / "pool/a.deb").exists()


def test_a_missing_file_is_asked_for_once(uri: str, tmp_path: Path) -> None:
    """What the publisher refuses is not asked for again; the message has the address."""
    with pytest.raises(BundleError, match="404") as caught:
        fetch.fetch(file(uri, "none"), tmp_path, timeout_s=TIMEOUT_S)

    assert f"{uri}/none" in str(caught.value)
    assert 1 == len(Publisher.ranges)


def test_a_held_file_is_known_by_its_digest(uri: str, tmp_path: Path) -> None:
    """Size alone does not make a file the right one, and a link is none."""
    (tmp_path / "pool").mkdir()
    path = tmp_path / "pool/a.deb"
    path.write_bytes(CONTENT)
    is_held = fetch.is_held(file(uri), tmp_path)
    path.write_bytes(CONTENT[::-1])

    assert is_held
    assert not fetch.is_held(file(uri), tmp_path)


def test_an_answer_past_its_bound_is_refused(uri: str) -> None:
    """A portal's page in place of a release does not fill the memory."""
    with pytest.raises(BundleError, match="more than 1000 bytes"):
        fetch.read(f"{uri}/file", limit_bytes=1000, timeout_s=TIMEOUT_S)


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    """A write says whether it changed the file."""
    assert fetch.write(b"a", tmp_path / "b")
    assert not fetch.write(b"a", tmp_path / "b")
    assert fetch.write(b"c", tmp_path / "b")
