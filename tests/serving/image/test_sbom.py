"""The bill of materials of a small root file system, made as the image's build makes it."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[3] / "serving" / "image" / "sbom.py"
DEP5 = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: GNU C Library

Files: *
License: LGPL-2.1+
 The text.

Files: debian/*
License: GPL-2+
"""


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """A base with two Debian packages, and one Python package that pip has installed."""
    files = {
        "root/etc/debian_version": "13.2\n",
        "root/var/lib/dpkg/status.d/libc6": (
            "Package: libc6\nVersion: 2.41-12+deb13u4\nArchitecture: amd64\nSHA256: " + "a" * 64
        ),
        "root/var/lib/dpkg/status.d/libc6.md5sums": "0  lib/libc.so",
        "root/var/lib/dpkg/status": (
            "Package: tar\nStatus: install ok installed\nVersion: 1:1.35\nArchitecture: amd64\n"
            "Description: tape\n archiver\n\n"
            "Package: gone\nStatus: deinstall ok config-files\nVersion: 1\nArchitecture: amd64\n"
        ),
        "root/usr/share/doc/libc6/copyright": DEP5,
        "root/usr/share/doc/tar/copyright": "GNU tar is free software.\n",
        "packages/Some_Package-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.4\nName: Some_Package\nVersion: 1.0+cpu\nLicense-Expression: MIT\n"
        ),
        "packages/old-2.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: old\nVersion: 2\nLicense: see LICENSE\n"
            "Classifier: License :: OSI Approved :: BSD License\n"
        ),
        "report.json": json.dumps(
            {
                "install": [
                    {
                        "metadata": {"name": "some-package"},
                        "download_info": {"archive_info": {"hashes": {"sha256": "b" * 64}}},
                    }
                ]
            }
        ),
        "server/modelserver/__init__.py": '"""Serves."""\n\n__version__ = "9.8.7"\n',
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path


def write(parts: Path) -> str:
    """The bill as text."""
    given = {"root": "root", "packages": "packages", "report": "report.json", "server": "server"}
    flags = [part for name, path in given.items() for part in (f"--{name}", str(parts / path))]
    out = parts / "out" / "bill.json"
    subprocess.run([sys.executable, str(SCRIPT), *flags, str(out)], check=True)
    return out.read_text()


@pytest.fixture
def bill(parts: Path) -> dict[str, Any]:
    """The bill as JSON."""
    found: dict[str, Any] = json.loads(write(parts))
    return found


def test_every_installed_package_is_there(bill: dict[str, Any]) -> None:
    """By package URL: those of one status file and those of a folder, but none that is removed."""
    assert [
        "pkg:deb/debian/libc6@2.41-12%2Bdeb13u4?arch=amd64&distro=debian-13",
        "pkg:deb/debian/tar@1%3A1.35?arch=amd64&distro=debian-13",
        "pkg:pypi/old@2",
        "pkg:pypi/some-package@1.0%2Bcpu",
    ] == [component["purl"] for component in bill["components"]]
    assert bill["dependencies"][0]["dependsOn"] == [each["purl"] for each in bill["components"]]


def test_hashes_are_those_of_the_installed_files(bill: dict[str, Any]) -> None:
    """Where the build knows the file that a package came from, its sha256 stands beside it."""
    hashes = {
        each["name"]: [found["content"] for found in each.get("hashes", ())]
        for each in bill["components"]
    }

    assert hashes == {"libc6": ["a" * 64], "tar": [], "old": [], "Some_Package": ["b" * 64]}


def test_licences_are_named_where_they_are_known(bill: dict[str, Any]) -> None:
    """From machine-readable copyright files and package metadata; prose is left out."""
    licences = {each["name"]: each.get("licenses") for each in bill["components"]}

    assert licences == {
        "libc6": [{"license": {"name": "GPL-2+"}}, {"license": {"name": "LGPL-2.1+"}}],
        "tar": None,
        "old": [{"license": {"name": "BSD License"}}],
        "Some_Package": [{"expression": "MIT"}],
    }


def test_subject_is_the_server(bill: dict[str, Any]) -> None:
    """What is billed is named with the version of the server that the image holds."""
    assert bill["metadata"]["component"]["name"] == "modelserver"
    assert bill["metadata"]["component"]["version"] == "9.8.7"


def test_bill_is_the_same_each_time(parts: Path) -> None:
    """No time and no random number: else the image's digest would change with them."""
    first = write(parts)

    assert first == write(parts)
    assert not {"serialNumber", "timestamp"} & {*json.loads(first), *json.loads(first)["metadata"]}


@pytest.mark.skipif(find_spec("cyclonedx") is None, reason="cyclonedx-python-lib is not installed")
def test_bill_keeps_the_schema(parts: Path) -> None:
    """The format's own schema, in its strict form, finds nothing to object to."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - may be absent
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - may be absent

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(write(parts)) is None
