"""Writes what an image consists of: a CycloneDX bill of materials, always the same for the same.

    sbom.py --root ROOT --packages FOLDER --report REPORT --server FOLDER OUT

ROOT has the base image's /var/lib/dpkg and /usr/share/doc, FOLDER what pip installed, REPORT what
``pip install --report`` wrote about it, the server's FOLDER the package `modelserver`. Python's
standard library is enough, because it runs where the image is built.

Source: CycloneDX 1.6, JSON; package URLs (purl) for `deb` and `pypi`; Debian's control files and
machine-readable copyright files; Python's core metadata.
"""
# ruff: noqa: INP001 - a script beside others, not a package

import argparse
import json
import re
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]

_LICENSE = re.compile(r"^License:[ \t]*(\S.*?)[ \t]*$", re.MULTILINE)
_VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
_OSI = "License :: OSI Approved :: "
_LONGEST_NAME = 100


def bill(*, root: Path, packages: Path, report: Path, server: Path) -> dict[str, Any]:
    """The document: no time and no random number, components in the order of their package URLs."""
    hashes = wheel_hashes(json.loads(report.read_text("utf-8")))
    components = [*debian(root), *python(packages, hashes)]
    components.sort(key=lambda component: component["bom-ref"])
    subject = {
        "type": "container",
        "bom-ref": "modelserver",
        "name": "modelserver",
        "version": server_version(server),
        "licenses": [{"license": {"id": "Apache-2.0"}}],
    }
    parts = [component["bom-ref"] for component in components]
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": subject},
        "components": components,
        "dependencies": [{"ref": "modelserver", "dependsOn": parts}],
    }


def server_version(server: Path) -> str:
    """The version of the package `modelserver` in a folder. Raises ValueError where it has none."""
    source = server / "modelserver" / "__init__.py"
    found = _VERSION.search(source.read_text("utf-8"))
    if found is None:
        raise ValueError(f'{source}: found no version, expected a line __version__ = "..."')
    return found[1]


def debian(root: Path) -> Iterator[Component]:
    """Debian's packages of a root file system, whether it keeps one status file or a folder."""
    distribution = release(root)
    for control in _control_paragraphs(root / "var/lib/dpkg"):
        if control.get("Status", "install ok installed") != "install ok installed":
            continue
        name, version = control["Package"], control["Version"]
        qualifiers = f"arch={control['Architecture']}&distro={distribution}"
        url = f"pkg:deb/debian/{quote(name, safe='')}@{_in_url(version)}?{qualifiers}"
        copyright_file = root / "usr/share/doc" / name / "copyright"
        yield _component(
            name, version, url, licenses=debian_licenses(copyright_file), sha256=control["SHA256"]
        )


def release(root: Path) -> str:
    """``debian-13`` of a root file system."""
    found = (root / "etc/debian_version").read_text("utf-8")
    return f"debian-{found.partition('.')[0].strip()}"


def _control_paragraphs(dpkg: Path) -> Iterator[Any]:
    """Each package's control paragraph, once."""
    folder = dpkg / "status.d"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    for path in (*files, dpkg / "status"):
        if path.is_file() and not path.name.endswith(".md5sums"):
            for paragraph in re.split(r"\n{2,}", path.read_text("utf-8").strip()):
                control = HeaderParser().parsestr(paragraph)
                if control["Package"]:
                    yield control


def debian_licenses(copyright_file: Path) -> list[str]:
    """Short names in a machine-readable copyright file, none where it is of another form."""
    try:
        text = copyright_file.read_text("utf-8", "replace")
    except FileNotFoundError:
        return []
    if "copyright-format/1.0" not in text.partition("\n\n")[0]:
        return []
    return sorted(set(_LICENSE.findall(text)))


def python(packages: Path, hashes: dict[str, str]) -> Iterator[Component]:
    """Python packages that were installed into a folder."""
    for folder in packages.glob("*.dist-info"):
        metadata = HeaderParser().parsestr((folder / "METADATA").read_text("utf-8"))
        name, version = normalised(metadata["Name"]), metadata["Version"]
        yield _component(
            metadata["Name"],
            version,
            f"pkg:pypi/{name}@{_in_url(version)}",
            expression=metadata["License-Expression"],
            licenses=python_licenses(metadata),
            sha256=hashes.get(name),
        )


def python_licenses(metadata: Any) -> list[str]:  # noqa: ANN401 - email has no narrower type
    """Names of the licences that a package's metadata gives, in its classifiers or in words."""
    named = [each for each in metadata.get_all("Classifier", ()) if each.startswith(_OSI)]
    if named:
        return sorted(each.removeprefix(_OSI) for each in named)
    text = (metadata["License"] or "").strip()
    return [text] if text and len(text) <= _LONGEST_NAME and "\n" not in text else []


def wheel_hashes(report: dict[str, Any]) -> dict[str, str]:
    """The sha256 of the file that each package was installed from."""
    return {
        normalised(item["metadata"]["name"]): item["download_info"]["archive_info"]["hashes"][
            "sha256"
        ]
        for item in report["install"]
    }


def normalised(name: str) -> str:
    """A Python package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _in_url(version: str) -> str:
    return quote(version, safe=".-_~")


def _component(
    name: str,
    version: str,
    url: str,
    *,
    expression: str | None = None,
    licenses: Iterable[str] = (),
    sha256: str | None = None,
) -> Component:
    found: Component = {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
    }
    if sha256:
        found["hashes"] = [{"alg": "SHA-256", "content": sha256}]
    known = [{"license": {"name": each}} for each in licenses]
    if expression:
        found["licenses"] = [{"expression": expression}]
    elif known:
        found["licenses"] = known
    return found


def main() -> None:
    """Write the bill of one image."""
    parser = argparse.ArgumentParser(description="Write a CycloneDX bill of materials.")
    for name in ("root", "packages", "report", "server"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("out", type=Path)
    given = vars(parser.parse_args())
    out = given.pop("out")
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(bill(**given), indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
