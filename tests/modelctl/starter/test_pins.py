"""The requirements that a new repository pins, by the way in which modelctl was installed."""

import json
from importlib.metadata import Distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from modelctl.starter import pins


class Installed(Distribution):
    """An installed package that came from somewhere."""

    def __init__(self, name: str, origin: object) -> None:
        self._files = {
            "METADATA": f"Name: {name}\nVersion: 1.2.3\n",
            "direct_url.json": json.dumps(origin) if origin else None,
        }

    def read_text(self, filename: str) -> str | None:
        """One of its files."""
        return self._files.get(filename)

    def locate_file(self, path: object) -> Path:
        """Nowhere."""
        return Path(str(path))


COMMIT = "ab" * 20
GIT = {"url": "https://git.acme.test/modelctl.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}}


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "modelctl[local]==1.2.3"),
        ({"url": "file:///src", "dir_info": {"editable": True}}, "modelctl[local]==1.2.3"),
        (GIT, f"modelctl[local] @ git+https://git.acme.test/modelctl.git@{COMMIT}"),
        ({**GIT, "url": "file:///src"}, "modelctl[local]==1.2.3"),
        (
            {"url": "https://x.test/m.whl", "archive_info": {"hashes": {"sha256": "cd" * 32}}},
            f"modelctl[local] @ https://x.test/m.whl#sha256={'cd' * 32}",
        ),
    ],
)
def test_where_it_came_from(origin: object, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit or an archive that others can reach is named; anything else by version."""
    monkeypatch.setattr(pins, "distribution", lambda name: Installed(name, origin))
    lines = pins.requirements().splitlines()

    assert expected == lines[0]
    assert ["modelctl", "modelserver"] == [Requirement(line).name for line in lines]


def test_an_index_of_ones_own() -> None:
    """It stands first, so that both packages come from there."""
    lines = pins.requirements("https://pypi.acme.test/simple").splitlines()

    assert "--index-url https://pypi.acme.test/simple" == lines[0]
    assert ["modelctl", "modelserver"] == [Requirement(line).name for line in lines[1:]]


def test_the_server_lies_in_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its folder in the repository goes with the commit."""
    origin = {**GIT, "subdirectory": "serving"}
    monkeypatch.setattr(pins, "distribution", lambda name: Installed(name, origin))

    assert pins.requirements().splitlines()[1].endswith(f"@{COMMIT}#subdirectory=serving")
