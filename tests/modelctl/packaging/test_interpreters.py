"""The environment of a converter: made once from its lock file, by uv or by pip."""

import re
import subprocess
from pathlib import Path

import pytest

from modelctl.errors import ConversionError
from modelctl.packaging import converters, interpreters
from modelctl.packaging.converters import Converter

SMALL = "threadpoolctl"  # a package without others


class Own(Converter):
    """A converter whose lock file has one small package."""

    where: Path

    @property
    def folder(self) -> Path:
        """The test's folder."""
        return self.where


@pytest.fixture
def converter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Converter:
    """The converter, and a cache that is empty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lock = converters.named("sklearn").lock.read_text("utf-8")
    found = re.search(rf"^{SMALL}==.*(?:\n    .*)*", lock, re.MULTILINE)
    assert found is not None
    (tmp_path / "requirements.lock").write_text(found[0], "utf-8")
    own = Own("own", ("own",), needs_trust=False, has_environment=True)
    object.__setattr__(own, "where", tmp_path)
    return own


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_makes_an_environment_once(
    tool: str,
    converter: Converter,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The locked packages are in it; the second time nothing is made."""
    if tool == "pip":
        monkeypatch.setattr(interpreters, "_uv", lambda: None)
    python = interpreters.interpreter(converter, None)
    said = capfd.readouterr().err
    subprocess.run([python, "-c", f"import {SMALL}"], check=True)

    assert "making the environment of the converter own" in said
    assert python == interpreters.interpreter(converter, None)
    assert "making" not in capfd.readouterr().err


def test_says_what_to_do_where_none_can_be_made(
    converter: Converter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash that is another one ends it, with the way out; nothing half made is used later."""
    monkeypatch.setattr(interpreters, "_uv", lambda: None)
    lock = tmp_path / "requirements.lock"
    lock.write_text(re.sub(r"sha256:\w{8}", "sha256:00000000", lock.read_text("utf-8")), "utf-8")

    with pytest.raises(ConversionError, match=r"could not be made.*--python PATH"):
        interpreters.interpreter(converter, None)
    assert not list(tmp_path.glob("cache/**/complete"))
