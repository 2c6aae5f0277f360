"""Builds stub packages that are described as data into .deb files."""

import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.content import TESTS

STUBS = TESTS / "stubs"
RELATIONS = ("depends", "pre_depends", "recommends", "provides", "conflicts", "replaces", "breaks")
SCRIPTS = ("preinst", "postinst", "prerm", "postrm")


@dataclass(frozen=True)
class Stub:
    """One package at one version; an empty `suite` means every suite."""

    name: str
    version: str
    repository: str
    suite: str
    told: dict[str, Any]


def stubs() -> list[Stub]:
    """Every version of every package of stubs/packages.yml and repository/layout.yml."""
    texts = [STUBS / "packages.yml", TESTS / "repository" / "layout.yml"]
    kernel = platform.release().lower().replace("_", "-")
    found = []
    for text in texts:
        for told in yaml.safe_load(text.read_text().replace("{kernel}", kernel))["packages"]:
            versions = told["versions"]
            suites = versions if isinstance(versions, dict) else {"": versions}
            found += [
                Stub(told["name"], version, told["repository"], suite, told)
                for suite, listed in suites.items()
                for version in listed
            ]
    return found


def architecture() -> str:
    """Debian's name of this machine's architecture."""
    command = ["dpkg", "--print-architecture"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def control(stub: Stub, machine: str) -> str:
    """Text of the control file."""
    lines = [
        f"Package: {stub.name}",
        f"Version: {stub.version}",
        f"Architecture: {machine}",
        "Maintainer: Tests <tests@example.com>",
        "Section: misc",
        "Priority: optional",
    ]
    for relation in RELATIONS:
        if stub.told.get(relation):
            field = "-".join(word.capitalize() for word in relation.split("_"))
            lines.append(f"{field}: {', '.join(stub.told[relation])}")
    return "\n".join([*lines, f"Description: stub of {stub.name} for tests", ""])


def place(root: Path, told: dict[str, Any]) -> None:
    """Copy one described file, or the modules of a folder, below the package's root."""
    source, target = STUBS / told["source"], root / told["path"].lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(
            source,
            target,
            ignore=lambda _, names: [n for n in names if "." in n[:1] or n == "__pycache__"],
        )
        return
    shutil.copyfile(source, target)
    target.chmod(int(told.get("mode", "0644"), 8))


def build(stub: Stub, scratch: Path, target: Path, machine: str) -> Path:
    """Build one package into the folder `target` and give its path."""
    root = scratch / f"{stub.name}_{stub.version}"
    (root / "DEBIAN").mkdir(parents=True)
    (root / "DEBIAN" / "control").write_text(control(stub, machine))
    for file in stub.told.get("files", []):
        place(root, file)
    if stub.told.get("conffiles"):
        (root / "DEBIAN" / "conffiles").write_text("\n".join(stub.told["conffiles"]) + "\n")
    for script in SCRIPTS:
        if stub.told.get(script):
            shutil.copyfile(STUBS / stub.told[script], root / "DEBIAN" / script)
            (root / "DEBIAN" / script).chmod(0o755)
    target.mkdir(parents=True, exist_ok=True)
    path = target / f"{stub.name}_{stub.version}_{machine}.deb"
    command = ["dpkg-deb", "--root-owner-group", "-Znone", "--build", str(root), str(path)]
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0"}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    shutil.rmtree(root)
    return path
