"""Fetching from files, verifying and caching."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from modelserver import errors
from modelserver.artifact.cache import Artifact
from tests.serving.artifact.wanted import CONTENT, SHA256, obtain, wanted


def test_file_lands_under_its_digest(root: Path, cache: Path) -> None:
    """The cached file has the declared bytes and may only be read; nothing else is left."""
    obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    path = cache / "sha256" / SHA256

    assert CONTENT == path.read_bytes()
    assert 0o444 == path.stat().st_mode & 0o777
    assert [path] == list(path.parent.iterdir())


def test_absolute_file(root: Path, cache: Path) -> None:
    """An absolute path may lie anywhere: whoever wrote the release chose it."""
    assert CONTENT == obtain(wanted(f"file://{root}/model.onnx"), cache_dir=cache, root=cache)


def test_cached_file_needs_no_source(root: Path, cache: Path) -> None:
    """A second start does not ask the source."""
    first = obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    (root / "model.onnx").unlink()

    assert first == obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)


def test_damaged_cache_entry_is_fetched_again(root: Path, cache: Path) -> None:
    """A cached file is verified at every start."""
    obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    path = cache / "sha256" / SHA256
    path.chmod(0o644)
    path.write_bytes(CONTENT[::-1])

    assert CONTENT == obtain(wanted("file:model.onnx"), cache_dir=cache, root=root)
    assert CONTENT == path.read_bytes()


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

    assert CONTENT == obtain(wanted("file:link"), cache_dir=cache, root=root)


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

    assert CONTENT == obtain(loose, cache_dir=cache, root=root)
    with pytest.raises(errors.ArtifactSizeWrong, match="at most"):
        obtain(tight, cache_dir=cache / "other", root=root)


def test_cache_that_cannot_be_written(root: Path, tmp_path: Path) -> None:
    """A cache directory that is a file is an error of its own."""
    with pytest.raises(
        errors.CacheUnusable, match="CACHE_DIR must be a folder that this user can write"
    ):
        obtain(wanted("file:model.onnx"), cache_dir=tmp_path / "secret", root=root)


def test_full_disk(root: Path, cache: Path) -> None:
    """Where no more bytes can be written, the room is given back and the error is its own."""
    script = (
        "import resource, sys; from pathlib import Path; "
        "from modelserver import errors; from modelserver.artifact.cache import Artifact, Cache; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "artifact = Artifact('file:model.onnx', sys.argv[1], int(sys.argv[2]))\n"
        "try: Cache(Path(sys.argv[3]), Path(sys.argv[4])).use(artifact, print)\n"
        "except errors.CacheFull as error: print(error)"
    )
    arguments = [SHA256, str(len(CONTENT)), str(cache), str(root)]
    output = subprocess.run(
        [sys.executable, "-c", script, *arguments], check=True, capture_output=True, text=True
    ).stdout

    assert "make room or enlarge the cache volume" in output
    assert not (cache / "sha256" / f"{SHA256}.partial").exists()
