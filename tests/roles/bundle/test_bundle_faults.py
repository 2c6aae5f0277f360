"""What a bundle must not believe, and how it says so: found, expected, where, what to do."""

import datetime as dt
import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("pysequoia", reason="Ansible is not installed: make setup-roles")

import pysequoia
from modelctl_bundle import fetch, index, mirror
from modelctl_bundle.faults import BundleError

from harness.events import Run
from harness.repository import key, sign
from harness.stub_packages import architecture
from roles.bundle.bundle_kit import variables
from roles.bundle.mirror_kit import repository

pytestmark = [pytest.mark.roles, pytest.mark.timeout(300)]
PARTS = ("Found:", "Expected:", "Remedy:")


@pytest.fixture
def kubernetes(publisher: Path, tmp_path: Path) -> Path:
    """A copy of the publisher's flat repository, to be spoiled."""
    return shutil.copytree(publisher / "kubernetes", tmp_path / "kubernetes")


@pytest.fixture
def settings(tmp_path: Path) -> mirror.Settings:
    """Settings of a bundle below the test's folder."""
    return mirror.Settings(
        root=tmp_path / "bundle",
        architecture=architecture(),
        limit_bytes=1 << 30,
        timeout_s=5,
        now=dt.datetime.now(tz=dt.UTC),
    )


def bring(of: mirror.Repository, settings: mirror.Settings) -> None:
    """Mirror one repository."""
    plan = mirror.plan([of], settings)
    mirror.bring(plan, mirror.missing(plan, settings), settings)


def refused(of: mirror.Repository, settings: mirror.Settings) -> str:
    """What is said of a repository that must be refused, after nothing was written."""
    with pytest.raises(BundleError) as caught:
        bring(of, settings)
    assert [] == [part for part in PARTS if part not in str(caught.value)]
    assert not list(settings.root.rglob("*InRelease"))
    assert not list(settings.root.rglob("*.deb"))
    return str(caught.value)


def rewrite(folder: Path, old: str, new: str, *, signer: str = "key", **fields: str) -> None:
    """Change the index of a flat repository and sign it anew."""
    text = (folder / "Packages").read_text()
    assert old in text
    (folder / "Packages").write_text(text.replace(old, new))
    (folder / "Packages.gz").write_bytes(gzip.compress(text.replace(old, new).encode()))
    sign(folder, {"Suite": "/", **fields}, signer)


def signed_release(fields: bytes) -> bytes:
    """A release with these fields and one file, signed by the publisher."""
    text = fields + b"SHA256:\n " + b"0" * 64 + b" 1 Packages\n"
    signed: bytes = pysequoia.sign(key("key").signer(), text, mode=pysequoia.SignatureMode.CLEAR)
    return signed


def test_a_tampered_index_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """An index that is not the one the signed release names is not read."""
    signed = (kubernetes / "InRelease").read_bytes()
    rewrite(kubernetes, "stub of", "fork of")
    (kubernetes / "InRelease").write_bytes(signed)

    said = refused(repository(publisher, kubernetes), settings)

    assert "Packages.gz. Found: sha256" in said


def test_a_tampered_release_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """A release whose text was changed below its signature is not read."""
    text = (kubernetes / "InRelease").read_text()
    (kubernetes / "InRelease").write_text(text.replace("Suite: /", "Suite: x"))

    said = refused(repository(publisher, kubernetes), settings)

    assert "Signature of file:" in said


def test_a_release_of_another_key_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """A good signature of a key that is not the locked one counts for nothing."""
    rewrite(kubernetes, "stub of", "fork of", signer="other")

    said = refused(repository(publisher, kubernetes), settings)

    assert (publisher / "key.fingerprint").read_text() in said


def test_a_key_of_another_fingerprint_is_refused(
    publisher: Path, tmp_path: Path, run_bundle: Callable[..., Run]
) -> None:
    """The playbook stops where the fetched key is not the locked one, and keeps nothing of it."""
    told = variables(publisher, tmp_path / "bundle")
    other = (publisher / "other.fingerprint").read_text()
    told["versions"]["kubernetes"]["key_fingerprint"] = other

    run = run_bundle("bundle", told)
    (failed,) = run.failed

    assert "Mirror the packages" == failed.name
    assert f"Expected: one key of fingerprint {other}" in str(failed.result)
    assert not (tmp_path / "bundle/keys").exists()


def test_text_beside_the_signature_is_not_read(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """Only what the signature covers is the release."""
    path = kubernetes / "InRelease"
    path.write_text(f"SHA256:\n {'0' * 64} 1 Packages\n\n{path.read_text()}")

    plan = mirror.plan([repository(publisher, kubernetes)], settings)

    assert any(file.path.startswith("kubernetes/pool/kubeadm_1.36.4") for file in plan.packages)


def test_a_release_past_its_valid_until_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """A stale mirror is told from a live one."""
    text = bytes(signed_release(b"Valid-Until: Sat, 01 Aug 2026 00:00:00 UTC\n"))
    (kubernetes / "InRelease").write_bytes(text)

    said = refused(repository(publisher, kubernetes), settings)

    assert "expired by its Valid-Until of Sat, 01 Aug 2026" in said


def test_a_version_that_is_not_in_the_index_is_named(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """The message lists the versions that are there."""
    of = repository(publisher, kubernetes, packages=("kubeadm=1.36.9-*",))

    said = refused(of, settings)

    assert "Package kubeadm of repository kubernetes" in said
    assert "the versions 1.36.3-1.1, 1.36.4-1.1, 1.37.1-1.1" in said
    assert "Expected: version 1.36.9-*" in said


@pytest.mark.parametrize("path", ["../../etc/cron.d/x", "/etc/cron.d/x", "a/../../x", "a\\..\\x"])
def test_a_path_that_leaves_the_repository_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings, path: str
) -> None:
    """Even a signed index cannot write outside of the bundle."""
    rewrite(kubernetes, "Filename: pool/kubeadm_1.36.4-1.1", f"Filename: {path}_1")

    said = refused(repository(publisher, kubernetes), settings)

    assert "Filename:" in said


def test_a_package_of_other_bytes_is_refused(
    publisher: Path, kubernetes: Path, settings: mirror.Settings
) -> None:
    """A package of the right size with other bytes never gets its name."""
    path = next((kubernetes / "pool").glob("kubeadm_1.36.4*"))
    content = bytearray(path.read_bytes())
    path.unlink()  # the other copies of this file are links to it
    content[-1] ^= 1
    path.write_bytes(content)

    said = refused(repository(publisher, kubernetes), settings)

    assert "as the signed index says" in said
    assert not list(settings.root.rglob("*.part"))


def test_a_bundle_past_its_bound_is_refused(publisher: Path, settings: mirror.Settings) -> None:
    """The bound counts before anything is fetched."""
    plan = mirror.plan([repository(publisher, publisher / "kubernetes")], settings)

    with pytest.raises(BundleError, match="raise bundle_packages_max_bytes"):
        fetch.check_space(plan.packages, settings.root, limit_bytes=1)


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    """Where the disk has less room than the packages need, that is said first."""
    big = fetch.File("a", "file:///a", "0" * 64, 1 << 60)

    with pytest.raises(BundleError, match="bytes free") as caught:
        fetch.check_space([big], tmp_path / "none" / "yet", limit_bytes=1 << 62)

    assert "another bundle_directory" in str(caught.value)


def test_paths_keep_their_publishers_form() -> None:
    """Only a leading `./` is dropped."""
    assert "a/b_1%3a2~x+y.deb" == index.inside("./a/b_1%3a2~x+y.deb", where="here")
