"""Mirrors: the longest prefix wins, and no path leaves the repository."""

import pytest

from modelctl.repo.kinds import Environment, Gateway
from modelctl.repo.mirrors import mirrored, read_path, read_paths, repository_path, table

NAME = f"{'ab' * 32}.onnx"

MIRRORS = {
    "https://models.example.com/": "file:examples/",
    "https://models.example.com/big/": "s3://bucket/",
}


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("https://models.example.com/a/r1.onnx", "file:examples/a/r1.onnx"),
        ("https://models.example.com/big/r1.onnx", "s3://bucket/r1.onnx"),
        ("https://models.example.com.evil/r1.onnx", "https://models.example.com.evil/r1.onnx"),
        ("s3://models/r1.onnx", "s3://models/r1.onnx"),
    ],
)
def test_the_longest_prefix_is_replaced(uri: str, expected: str) -> None:
    """Only a whole prefix counts, and the most exact one wins."""
    assert expected == mirrored(uri, MIRRORS)


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("file:a/r1.onnx", "a/r1.onnx"),
        ("file:./a//r1.onnx", "a/r1.onnx"),
        ("file:/etc/passwd", None),
        ("file:///etc/passwd", None),
        ("file:../secret", None),
        ("file:a/../../secret", None),
        ("file:a\\..\\secret", None),
        ("file:", None),
        ("file:.", None),
        ("https://models.example.com/r1.onnx", None),
        ("a/r1.onnx", None),
    ],
)
def test_a_repository_path_stays_inside(uri: str, expected: str | None) -> None:
    """Only a relative file: URI that never climbs is a path of the repository."""
    assert expected == repository_path(uri)


def test_read_path() -> None:
    """An environment reads a mirrored URI from the repository, and another one from elsewhere."""
    assert "examples/r1.onnx" == read_path("https://models.example.com/r1.onnx", MIRRORS)
    assert read_path("https://models.example.com/r1.onnx", {}) is None


def test_read_paths() -> None:
    """Every path that some environment reads is given once, sorted."""
    uris = ["https://models.example.com/b", "https://models.example.com/a", "s3://models/c"]

    assert ["examples/a", "examples/b"] == read_paths(uris, [MIRRORS, {}, MIRRORS])


@pytest.mark.parametrize(
    ("store", "expected"),
    [
        ("s3://models/", f"s3://models/{NAME}"),
        ("file:///mnt/share/", f"file:///mnt/share/{NAME}"),
        ("oci://registry.test:5000/models", f"oci://registry.test:5000/models:{NAME}"),
        ("oci://registry.test/models/", f"oci://registry.test/models:{NAME}"),
        (None, f"store:///{NAME}"),
    ],
)
def test_a_store_stands_for_itself_in_each_environment(store: str | None, expected: str) -> None:
    """A file of the store is a path of a bucket or folder, or a tag of a registry."""
    gateway = Gateway("models", "gateway", "http", "models.localhost")
    environment = Environment("local", "local", "v2", gateway, MIRRORS, store=store)

    assert expected == mirrored(f"store:///{NAME}", table(environment))
    assert "file:examples/a" == mirrored("https://models.example.com/a", table(environment))
