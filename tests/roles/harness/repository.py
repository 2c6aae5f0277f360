"""Builds the signed apt repositories that test hosts see at /srv/repository."""

import gzip
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pysequoia
import yaml

from harness.content import BUILD, TESTS, digest, locked
from harness.images import images
from harness.stub_packages import STUBS, architecture, build, stubs

ROOT = BUILD / "repository"


def key(name: str) -> pysequoia.Tsk:
    """The signing key of that name: made once, thrown away with the build folder."""
    path = BUILD / f"{name}.secret"
    if not path.exists():
        made = pysequoia.Tsk.generate(user_id=f"Test {name} <{name}@example.com>")
        path.touch(mode=0o600)
        path.write_bytes(bytes(made))
    return pysequoia.Tsk.from_bytes(path.read_bytes())


def publish(name: str, folder: Path) -> None:
    """Write a key's public part and its fingerprint beside the repositories."""
    public = key(name).extract_certificate()
    (folder / f"{name}.asc").write_text(str(public))
    (folder / f"{name}.fingerprint").write_text(public.fingerprint.upper())


def index(folder: Path, packages: Path, where: Path) -> None:
    """Write the index of `packages` into `where`, its paths relative to `folder`."""
    where.mkdir(parents=True, exist_ok=True)
    command = ["apt-ftparchive", "packages", str(packages.relative_to(folder))]
    made = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    (where / "Packages").write_bytes(made)
    (where / "Packages.gz").write_bytes(gzip.compress(made, mtime=0))


def sign(folder: Path, fields: dict[str, str], signer: str) -> None:
    """Write InRelease for the indexes below `folder`, clear-signed by the key of that name."""
    options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in fields.items()]
    command = ["apt-ftparchive", *options, "release", "."]
    (folder / "InRelease").unlink(missing_ok=True)
    release = subprocess.run(command, cwd=folder, check=True, capture_output=True).stdout
    mode = pysequoia.SignatureMode.CLEAR
    (folder / "InRelease").write_bytes(pysequoia.sign(key(signer).signer(), release, mode=mode))


def link(paths: list[Path], folder: Path) -> None:
    """Put packages into a folder without copying their bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        target = folder / path.name.replace("%3a", "_")
        if not target.exists():
            os.link(path, target)


def flat(folder: Path, paths: list[Path], *, signer: str = "key") -> None:
    """Make a repository with one index in the folder itself."""
    link(paths, folder / "pool")
    index(folder, folder / "pool", folder)
    sign(folder, {"Origin": "modelctl-tests", "Suite": "/"}, signer)


def suites(folder: Path, component: str, paths: dict[str, list[Path]]) -> None:
    """Make a repository with an index for each suite."""
    machine = architecture()
    for suite, of_suite in paths.items():
        pool = folder / "pool" / suite
        link(of_suite, pool)
        dists = folder / "dists" / suite
        index(folder, pool, dists / component / f"binary-{machine}")
        fields = {"Origin": "modelctl-tests", "Suite": suite, "Codename": suite}
        fields |= {"Components": component, "Architectures": machine}
        sign(dists, fields, "key")


def collect(scratch: Path) -> dict[str, dict[str, list[Path]]]:
    """Packages by repository and suite: every stub, and Debian's own."""
    names = [image.suite for image in images()]
    found: dict[str, dict[str, list[Path]]] = {}
    machine = architecture()
    for stub in stubs():
        target = scratch / "pool" / stub.repository / (stub.suite or "any")
        path = build(stub, scratch / "tree", target, machine)
        for suite in [stub.suite] if stub.suite else names:
            found.setdefault(stub.repository, {}).setdefault(suite, []).append(path)
    for image in images():
        real = sorted((image.packages / "archives").glob("*.deb"))
        found.setdefault("debian", {}).setdefault(image.suite, []).extend(real)
    return found


def spoil(layout: dict[str, Any], root: Path, found: dict[str, dict[str, list[Path]]]) -> None:
    """Make the repositories that apt must refuse."""
    paths = next(iter(found[layout["tampered"]["copy_of"]].values()))
    tampered = root / layout["tampered"]["path"]
    flat(tampered, paths)
    changed = (tampered / "Packages").read_text().replace("stub of", "forged stub of")
    (tampered / "Packages").write_text(changed)
    (tampered / "Packages.gz").write_bytes(gzip.compress(changed.encode(), mtime=0))
    flat(root / layout["wrong_key"]["path"], paths, signer="other")


def fill(root: Path, scratch: Path) -> None:
    """Make every repository of repository/layout.yml below `root`."""
    layout = yaml.safe_load((TESTS / "repository" / "layout.yml").read_text())
    found = collect(scratch)
    for name, of in layout["repositories"].items():
        for path in of["paths"]:
            if of["kind"] == "suites":
                suites(root / path, of["component"], found[name])
            else:
                flat(root / path, sorted({p for paths in found[name].values() for p in paths}))
        for suite, paths in found[name].items():
            flat(root / layout["mirror"] / suite / name, paths)
    spoil(layout, root, found)
    for name in ("key", "other"):
        publish(name, root)


def replace(fresh: Path) -> None:
    """Move the new repositories into the folder that running containers have mounted."""
    ROOT.mkdir(exist_ok=True)
    for old in ROOT.iterdir():
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    for new in fresh.iterdir():
        new.rename(ROOT / new.name)


def main() -> None:
    """Build the repositories where something that they are made of has changed."""
    began = time.monotonic()
    with locked():
        parts: list[str | Path] = [STUBS, TESTS / "repository", TESTS / "harness"]
        parts.append(os.uname().release)
        wanted = digest([*parts, *(image.digest for image in images())])
        stamp = ROOT / "digest"
        if not (stamp.exists() and stamp.read_text() == wanted):
            with tempfile.TemporaryDirectory(dir=BUILD) as scratch:
                fresh = Path(scratch) / "fresh"
                fresh.mkdir()
                fresh.chmod(0o755)
                fill(fresh, Path(scratch))
                (fresh / "digest").write_text(wanted)
                replace(fresh)
    print(f"repository: {ROOT} in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
