"""Which packages are chosen: as apt orders versions, prefers pins and resolves what they need."""

import shutil
import subprocess
from itertools import product

import pytest
from modelctl_bundle.debian_version import compare, satisfies
from modelctl_bundle.index import Package, packages, relations
from modelctl_bundle.selection import Catalogue, Pin, Selection, Wanted, select

pytestmark = pytest.mark.roles
VERSIONS = [
    "0", "1.0", "1.0.0", "1.00", "1.0~rc1", "1.0~rc1~a", "1.0-1", "1.0-0", "1.0a", "1.0+b1",
    "1:0.5",
    "2.3.6-1~debian.12~bookworm", "2.3.6-1~ubuntu.24.04~noble", "1.36.4-1.1",
    "1.36.10-1.1", "1.0-1+deb12u1", "1.0-1~bpo12+1", "580.173.02-1", "580.95.05-1ubuntu1",
    "1.2-3-4",
]  # fmt: skip


def package(name: str, version: str = "1", *, of: str = "vendor", **fields: str) -> Package:
    """A package as an index names it."""
    told = {"Package": name, "Version": version, "Size": "1", "SHA256": "0" * 64}
    told |= {"Filename": f"{name}_{version}.deb"}
    told |= {key.replace("_", "-"): value for key, value in fields.items()}
    text = "".join(f"{key}: {value}\n" for key, value in told.items())
    (found,) = read(text, of=of)
    return found


def read(text: str, *, of: str = "vendor") -> list[Package]:
    """Packages of an index for a host of amd64."""
    uri = "https://packages.example.com"
    return list(packages(text, repository=of, uri=uri, architecture="amd64"))


def chosen(wanted: str, *there: Package, pins: tuple[Pin, ...] = ()) -> list[str]:
    """Names and versions that are chosen for a package of the vendor."""
    found = selected(wanted, *there, pins=pins)
    return sorted(f"{one.repository}/{one.name}={one.version}" for one in found.packages)


def selected(wanted: str, *there: Package, pins: tuple[Pin, ...] = ()) -> Selection:
    """What is chosen for a package of the vendor, and what nothing serves."""
    name, _, version = wanted.partition("=")
    return select([Wanted("vendor", name, version or "*")], Catalogue(there, pins))


@pytest.mark.skipif(not shutil.which("dpkg"), reason="dpkg is missing: a Debian host compares")
def test_versions_are_ordered_as_dpkg_orders_them() -> None:
    """Each pair compares as `dpkg --compare-versions` says."""
    wrong = []
    for left, right in product(VERSIONS, repeat=2):
        name = {-1: "lt", 0: "eq", 1: "gt"}[compare(left, right)]
        if subprocess.run(
            ["dpkg", "--compare-versions", left, name, right], check=False
        ).returncode:
            wrong.append((left, name, right))

    assert [] == wrong


def test_relations_are_those_of_policy() -> None:
    """Strict and inclusive relations differ at the version itself."""
    assert satisfies("1.0", ">=", "1.0")
    assert not satisfies("1.0", ">>", "1.0")
    assert satisfies("1.0~rc1", "<<", "1.0")


def test_a_dependency_field_is_read() -> None:
    """Alternatives, versions and qualifiers of an architecture."""
    (first, second) = relations("debconf (>= 0.5) | debconf-2.0, python3:any")

    assert ["debconf (>= 0.5)", "debconf-2.0"] == [str(one) for one in first]
    assert ["python3"] == [str(one) for one in second]


def test_other_architectures_are_left_out() -> None:
    """A flat repository lists every architecture in one index."""
    record = "Package: a\nVersion: 1\nSize: 1\nSHA256: 0\nArchitecture: {0}\nFilename: {0}/a.deb\n"
    text = "\n".join(map(record.format, ("arm64", "amd64", "s390x", "all")))

    assert ["amd64/a.deb", "all/a.deb"] == [found.path for found in read(text)]


def test_the_newest_that_fits_is_wanted() -> None:
    """A glob takes its newest version, and newer ones that do not fit stay out."""
    there = [package("a", version) for version in ("1.2-1", "1.10-1", "1.10-2", "2.0-1")]

    assert ["vendor/a=1.10-2"] == chosen("a=1.*", *there)


def test_what_is_needed_comes_along() -> None:
    """Dependencies of dependencies too, from any repository, but nothing recommended."""
    there = [
        package("a", Depends="b", Recommends="d"),
        package("b", Pre_Depends="c (>= 2)"),
        package("c", "1", of="archive"),
        package("c", "2", of="archive"),
        package("d"),
    ]

    assert ["archive/c=2", "vendor/a=1", "vendor/b=1"] == chosen("a", *there)


def test_the_vendors_own_package_comes_first() -> None:
    """A dependency is looked for in the repository of who needs it before any other."""
    there = [package("a", Depends="b"), package("b", "9", of="archive"), package("b", "1")]

    assert ["vendor/a=1", "vendor/b=1"] == chosen("a", *there)


def test_a_pin_decides_about_what_is_needed() -> None:
    """The pinned version is taken over a newer one, as apt on the hosts takes it."""
    there = [package("a", Depends="n-b"), package("n-b", "580-1"), package("n-b", "595-1")]
    pin = Pin("vendor", ("n-*",), "580-*")

    assert ["vendor/a=1", "vendor/n-b=580-1"] == chosen("a", *there, pins=(pin,))
    assert ["vendor/a=1", "vendor/n-b=595-1"] == chosen("a", *there)


def test_the_first_alternative_that_is_there_is_taken() -> None:
    """Unless another one was chosen already."""
    there = [package("a", Depends="x | b | c"), package("b"), package("c")]

    assert ["vendor/a=1", "vendor/b=1"] == chosen("a", *there)


def test_a_virtual_package_is_provided() -> None:
    """A name without a package of its own is met by one that provides it."""
    there = [package("a", Depends="mail, mail (>= 2)"), package("b", Provides="mail (= 2.1)")]

    found = selected("a", *there)

    assert ["a", "b"] == sorted(one.name for one in found.packages)


def test_what_nothing_serves_is_told() -> None:
    """The missing dependency is named with who needs it."""
    assert {"x (>= 3) | y": "a"} == selected("a", package("a", Depends="x (>= 3) | y")).unresolved


def test_a_circle_ends() -> None:
    """Packages that need each other at two versions are each chosen once."""
    there = [
        package("a", Depends="x (= 1), x (= 2)"),
        package("x", "1", Depends="y (= 1)"),
        package("x", "2", Depends="y (= 2)"),
        package("y", "1", Depends="x (= 2)"),
        package("y", "2", Depends="x (= 1)"),
    ]

    assert 5 == len(chosen("a", *there))
