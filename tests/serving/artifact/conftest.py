"""Where artifacts come from and where they are kept."""

from pathlib import Path

import pytest

from tests.serving.artifact.wanted import CONTENT


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
