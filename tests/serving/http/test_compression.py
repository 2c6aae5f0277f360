"""Compressed bodies: every coding, every way to get it wrong, and bombs."""

import gzip
import json
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from modelserver.errors import BodyTooLarge, InvalidRequest, UnsupportedContent
from modelserver.http.compression import expander
from tests.serving import onnx_models
from tests.serving.asking import GOOD
from tests.serving.conftest import write_release
from tests.serving.memory import MIB, peak_bytes

if TYPE_CHECKING:
    from tests.serving.conftest import Server, Start

CONTENT = json.dumps(GOOD).encode()


def raw_deflate(content: bytes) -> bytes:
    """Deflate without zlib's header, as some clients send it."""
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(CONTENT, mtime=0)),
        ("x-gzip", gzip.compress(CONTENT, mtime=0)),
        ("GZIP", gzip.compress(CONTENT, mtime=0)),
        ("deflate", zlib.compress(CONTENT)),
        ("deflate", raw_deflate(CONTENT)),
        ("identity", CONTENT),
    ],
)
def test_compressed_request_is_answered(
    affine_server: "Server", encoding: str, body: bytes
) -> None:
    """A body is what it was before it was compressed."""
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer",
        content=body,
        headers={"content-encoding": encoding},
    )

    assert response.status_code == 200
    assert response.json() == affine_server.infer(GOOD).json()


def test_binary_tensors_may_be_compressed(affine_server: "Server") -> None:
    """The size of the JSON counts in the body as it was."""
    tensor = {"name": "x", "shape": [1, 4], "datatype": "FP32"}
    head = json.dumps({"inputs": [tensor | {"parameters": {"binary_data_size": 16}}]}).encode()
    response = affine_server.client.post(
        f"{affine_server.url}/v2/models/sample/infer",
        content=gzip.compress(head + bytes(16)),
        headers={"content-encoding": "gzip", "inference-header-content-length": str(len(head))},
    )

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("encoding", "body", "problem"),
    [
        (b"gzip", b"", "ends early, after 0 bytes"),
        (b"gzip", CONTENT, "is not what Content-Encoding says"),
        (b"gzip", gzip.compress(CONTENT, mtime=0)[:-9], "ends early"),
        (b"gzip", gzip.compress(CONTENT, mtime=0) + b"more", "found 4 bytes after its end"),
        (b"gzip", gzip.compress(CONTENT, mtime=0)[:-8] + bytes(8), "incorrect data check"),
        (b"deflate", CONTENT, "is not what Content-Encoding says"),
        (b"deflate", zlib.compress(CONTENT)[:-5], "ends early"),
    ],
)
def test_damaged_data_is_the_client_s_fault(encoding: bytes, body: bytes, problem: str) -> None:
    """What is not what its header says, cut or followed by something is refused."""
    with pytest.raises(InvalidRequest, match=problem) as caught:
        expander(encoding)(body, 1000)

    assert caught.value.field == "body"


@pytest.mark.parametrize("encoding", [b"br", b"gzip, deflate", b"", b"x" * 500])
def test_unknown_coding(encoding: bytes) -> None:
    """The header names what was found, in bounds, and what is understood."""
    with pytest.raises(UnsupportedContent, match="expected one of gzip") as caught:
        expander(encoding)

    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("size", [99, 100])
def test_limit_is_exact(size: int) -> None:
    """As many bytes as allowed pass, and not one more."""
    expand = expander(b"gzip")

    assert expand(gzip.compress(bytes(size)), 100) == bytes(size)
    with pytest.raises(BodyTooLarge, match="expands to more than 98 bytes"):
        expand(gzip.compress(bytes(size)), 98)


def test_bomb_is_refused_within_bounds(tmp_path: Path, start: "Start") -> None:
    """A small body that would fill the memory costs no more than the limit."""
    server = start(write_release(tmp_path, onnx_models.affine(), MAX_BODY_BYTES=4 * MIB))
    server.until("ready")
    server.infer(GOOD)
    before = peak_bytes(server)
    response = server.client.post(
        f"{server.url}/v2/models/sample/infer",
        content=gzip.compress(bytes(512 * MIB), compresslevel=1),
        headers={"content-encoding": "gzip"},
    )

    assert response.status_code == 413
    assert response.json()["error"].startswith(f"body: expands to more than {4 * MIB} bytes")
    assert peak_bytes(server) - before < 24 * MIB
    assert server.infer(GOOD).status_code == 200


def test_zstd_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that was built without it says what it lacks."""
    monkeypatch.setitem(sys.modules, "zstandard", None)

    with pytest.raises(UnsupportedContent, match=r"built without modelserver\[zstd\]"):
        expander(b"zstd")


def test_zstd() -> None:
    """Where the package is there, zstd is understood, bounded and checked like the others."""
    zstandard = pytest.importorskip("zstandard", reason="the extra modelserver[zstd] is missing")
    expand = expander(b"zstd")
    body = zstandard.ZstdCompressor().compress(CONTENT)

    assert expand(body, len(CONTENT)) == CONTENT
    with pytest.raises(BodyTooLarge, match="expands to more than"):
        expand(body, len(CONTENT) - 1)
    with pytest.raises(InvalidRequest, match="is not what Content-Encoding says"):
        expand(CONTENT, 1000)
