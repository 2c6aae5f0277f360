"""The filters of role package_source: mirrors, and keys that are proved before they are used."""
# ruff: noqa: ANN401 - pysequoia is optional here, so its types cannot be named

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.content import PROJECT
from harness.plugins import load

pysequoia = pytest.importorskip("pysequoia", reason="make setup-roles installs pysequoia")
errors = pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

PLUGIN = Path(__file__).parents[3] / "roles/package_source/filter_plugins/package_source.py"
VENDORS = PROJECT / "tests/roles/vendors/keys"
KEYS = yaml.safe_load((VENDORS / "sources.yml").read_text())["keys"]
Vendor = Callable[[str], dict[str, object]]
# A month before Kubernetes' key ends.
TODAY = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
RESOLVE = {"mirror_key_file": "", "key_cache": "/cache", "default_architecture": "amd64"}


@pytest.fixture(scope="module")
def plugin() -> ModuleType:
    """Module object of the filter plugin, loaded by its path as Ansible does."""
    return load(PLUGIN)


@pytest.fixture(autouse=True)
def _today(plugin: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The day on which keys are judged."""
    monkeypatch.setattr(plugin, "_now", lambda: TODAY)


@pytest.fixture
def vendor() -> Vendor:
    """Repository entry of a publisher, named like the file that holds its key."""

    def entry(name: str) -> dict[str, object]:
        (key,) = [key for key in KEYS if key["file"] == name]
        path = str(VENDORS / name)
        return {"name": name, "key_file": path, "fingerprint": key["fingerprint"]}

    return entry


@pytest.fixture(scope="module")
def whole() -> Any:
    """Key pair of a repository, made for these tests."""
    return pysequoia.Tsk.generate("Repository <repository@example.com>")


@pytest.fixture(scope="module")
def public(whole: Any) -> Any:
    """Public part of the repository's key pair."""
    return whole.extract_certificate()


def repository(public: Any, **fields: object) -> dict[str, object]:
    """Repository entry that holds the public part of `public`, changed by `fields`."""
    return {
        "name": "kubernetes",
        "uri": "https://packages.example.com/deb",
        "suites": ["/"],
        "key": str(public),
        "fingerprint": public.fingerprint,
    } | fields


def test_the_expected_key_is_given_back_armored(plugin: ModuleType, public: Any) -> None:
    """A key with the expected fingerprint is used, whatever the fingerprint's case and spaces."""
    spaced = " ".join(public.fingerprint.upper()[i : i + 4] for i in range(0, 40, 4))

    text = plugin.verified_key(repository(public, fingerprint=spaced))

    assert text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    assert public.fingerprint == pysequoia.Cert.from_bytes(text.encode()).fingerprint


def test_a_key_file_in_binary_form_is_read(plugin: ModuleType, public: Any, tmp_path: Path) -> None:
    """Publishers that give a binary key are served as well as those that give an armored one."""
    path = tmp_path / "key.gpg"
    path.write_bytes(bytes(public))

    text = plugin.verified_key(repository(public, key="", key_file=str(path)))

    assert text.startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")


def test_a_wrong_fingerprint_is_refused(plugin: ModuleType, public: Any) -> None:
    """A key other than the expected one never reaches a host; both fingerprints are named."""
    with pytest.raises(errors.AnsibleFilterError) as caught:
        plugin.verified_key(repository(public, fingerprint="AB" * 20))

    message = str(caught.value)
    assert public.fingerprint.upper() in message
    assert "AB" * 20 in message
    assert "Remedy:" in message


def test_a_second_key_beside_the_expected_one_is_refused(plugin: ModuleType, public: Any) -> None:
    """A key ring that smuggles in another key is refused although the expected key is in it."""
    other = pysequoia.Tsk.generate("Other <other@example.com>").extract_certificate()
    ring = pysequoia.armor(bytes(public) + bytes(other), pysequoia.ArmorKind.PublicKey)
    ring = ring if isinstance(ring, str) else ring.decode()

    with pytest.raises(errors.AnsibleFilterError, match=other.fingerprint.upper()):
        plugin.verified_key(repository(public, key=ring))


@pytest.mark.parametrize("text", ["not a key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"])
def test_what_is_no_key_is_refused(plugin: ModuleType, public: Any, text: str) -> None:
    """A web server's error page is not taken for a key."""
    with pytest.raises(errors.AnsibleFilterError, match="Found: "):
        plugin.verified_key(repository(public, key=text))


def test_a_missing_key_file_is_named(plugin: ModuleType, public: Any) -> None:
    """The message names the path that was read."""
    with pytest.raises(errors.AnsibleFilterError, match=r"/nowhere/key\.asc"):
        plugin.verified_key(repository(public, key="", key_file="/nowhere/key.asc"))


def test_a_revoked_key_is_refused(plugin: ModuleType, whole: Any, public: Any) -> None:
    """A revoked key is refused even with the right fingerprint."""
    signature = public.revoke(whole.certifier())
    revoked = pysequoia.Cert.from_bytes(bytes(public) + bytes(signature))

    with pytest.raises(errors.AnsibleFilterError, match="a revoked key"):
        plugin.verified_key(repository(public, key=str(revoked)))


def test_an_expired_key_is_refused(
    plugin: ModuleType, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of Kubernetes' packages, on the day after it ends, is refused with that date."""
    monkeypatch.setattr(plugin, "_now", lambda: TODAY + dt.timedelta(days=32))

    with pytest.raises(errors.AnsibleFilterError, match="expired on 2026-12-29"):
        plugin.verified_key(vendor("kubernetes.asc"))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key["file"])
def test_the_key_of_every_publisher_is_used(
    plugin: ModuleType, vendor: Vendor, key: dict[str, Any]
) -> None:
    """The keys that publishers sign with today pass, also the one that SHA-1 alone binds."""
    text = plugin.verified_key(vendor(key["file"]))

    assert key["fingerprint"] == pysequoia.Cert.from_bytes(text.encode()).fingerprint.upper()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key["file"])
def test_the_bytes_of_a_publishers_key_are_the_ones_noted(key: dict[str, Any]) -> None:
    """A fixture is what its publisher gives, not what somebody made to fit."""
    assert key["sha256"] == hashlib.sha256((VENDORS / key["file"]).read_bytes()).hexdigest()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key["file"])
def test_a_key_bound_by_sha1_is_refused_where_apt_refuses_it(
    plugin: ModuleType, vendor: Vendor, key: dict[str, Any]
) -> None:
    """Debian 13's apt takes no SHA-1: there the older NVIDIA key is refused, and no other."""
    if not key["sha1_only"]:
        assert plugin.verified_key(vendor(key["file"]), is_sha1_refused=True)
        return
    with pytest.raises(errors.AnsibleFilterError, match="only SHA-1 binds"):
        plugin.verified_key(vendor(key["file"]), is_sha1_refused=True)


def test_every_key_of_the_lock_is_held_as_a_fixture() -> None:
    """versions.yml names the fingerprints and addresses that the fixtures were compared with."""
    entries = yaml.safe_load((PROJECT / "versions.yml").read_text())["versions"].values()
    locked = {
        (entry["key_url"], entry["key_fingerprint"]) for entry in entries if "key_url" in entry
    } | {
        (key["url"], key["fingerprint"])
        for entry in entries
        for key in entry.get("keys", {}).values()
    }

    assert locked == {(key["url"], key["fingerprint"]) for key in KEYS}


def cached(vendor: Vendor, tmp_path: Path, *, hours: int) -> dict[str, object]:
    """Kubernetes' repository with its key in the controller's cache since some hours."""
    path = tmp_path / "key.asc"
    entry = vendor("kubernetes.asc")
    path.write_bytes(Path(str(entry["key_file"])).read_bytes())
    then = TODAY.timestamp() - hours * 3600
    os.utime(path, (then, then))
    return entry | {"key_file": str(path), "key_url": "https://packages.example.com/key"}


@pytest.mark.parametrize(("days", "hours", "fetched"), [(45, 48, 1), (45, 1, 0), (30, 48, 0)])
def test_a_key_about_to_end_is_fetched_again(
    plugin: ModuleType, vendor: Vendor, tmp_path: Path, *, days: int, hours: int, fetched: int
) -> None:
    """A copy that ends within the days given is fetched again, at most once a day."""
    entry = cached(vendor, tmp_path, hours=hours)

    found = plugin.keys_to_fetch([entry], days=days)

    assert [entry | {"key_is_usable": True}] * fetched == found


@pytest.mark.parametrize("content", [None, b"<html>proxy says no</html>"])
def test_a_missing_or_spoilt_copy_is_fetched(
    plugin: ModuleType, vendor: Vendor, tmp_path: Path, content: bytes | None
) -> None:
    """What is no key serves nobody: it is fetched, and the fetch has to succeed."""
    entry = cached(vendor, tmp_path, hours=1)
    path = Path(str(entry["key_file"]))
    path.write_bytes(content) if content else path.unlink()

    assert [entry | {"key_is_usable": False}] == plugin.keys_to_fetch([entry], days=30)


def test_a_key_about_to_end_is_told(plugin: ModuleType, vendor: Vendor) -> None:
    """Preflight names the day on which every host would refuse the repository."""
    entries = [vendor(key["file"]) for key in KEYS] + [{"name": "debian", "keyring": "/x"}]

    told = plugin.ending_keys(entries, days=45)

    assert ["the key of repository kubernetes.asc ends on 2026-12-29"] == told


def test_a_keyring_of_the_host_is_passed_on(plugin: ModuleType, public: Any) -> None:
    """The distribution's own keyring stays on the host and is named by its path."""
    path = plugin.verified_key(repository(public, keyring="/usr/share/keyrings/debian.gpg"))

    assert path == "/usr/share/keyrings/debian.gpg"


def test_without_a_mirror_addresses_stay(plugin: ModuleType, public: Any) -> None:
    """Public addresses are used as they are, with the host's architecture."""
    (found,) = plugin.resolved(
        [repository(public)], mirror_base="", mirror_fingerprint="", **RESOLVE
    )

    assert found["uri"] == "https://packages.example.com/deb"
    assert found["architectures"] == ["amd64"]


def test_a_plain_mirror_keeps_layout_and_key(plugin: ModuleType, public: Any) -> None:
    """A mirror that copies the publisher's files keeps suites, components and key."""
    (found,) = plugin.resolved(
        [repository(public, suites=["bookworm"], components=["stable"])],
        mirror_base="https://mirror.example.com",
        mirror_fingerprint="",
        **RESOLVE,
    )

    assert found["uri"] == "https://mirror.example.com/kubernetes"
    assert (found["suites"], found["components"]) == (["bookworm"], ["stable"])
    assert found["fingerprint"] == public.fingerprint


def test_a_mirror_that_signs_itself_replaces_every_key(plugin: ModuleType, public: Any) -> None:
    """With a key of its own a mirror is flat, and the publisher's key is not trusted."""
    (found,) = plugin.resolved(
        [repository(public, key_url="https://packages.example.com/key")],
        mirror_base="https://mirror.example.com/",
        mirror_fingerprint="AB" * 20,
        **(RESOLVE | {"mirror_key_file": "/site/key.asc"}),
    )

    assert found["suites"] == ["/"]
    assert found["components"] == []
    assert "key" not in found
    assert "key_url" not in found
    assert (found["key_file"], found["fingerprint"]) == ("/site/key.asc", "AB" * 20)


def test_a_key_by_address_lies_in_the_cache_by_fingerprint(plugin: ModuleType, public: Any) -> None:
    """A changed fingerprint in the lock leads to another file, never to a stale one."""
    entry = repository(public, key="", key_url="https://packages.example.com/key")

    (found,) = plugin.resolved([entry], mirror_base="", mirror_fingerprint="", **RESOLVE)

    assert found["key_file"] == f"/cache/{public.fingerprint.upper()}.asc"


@pytest.mark.parametrize(
    ("uri", "suite", "address"),
    [
        ("https://pkgs.k8s.io/core:/stable:/v1.36/deb/", "/",
         "https://pkgs.k8s.io/core:/stable:/v1.36/deb/InRelease"),
        ("https://download.docker.com/linux/debian", "bookworm",
         "https://download.docker.com/linux/debian/dists/bookworm/InRelease"),
    ],
)  # fmt: skip
def test_a_repository_is_asked_for_its_release(
    plugin: ModuleType, uri: str, suite: str, address: str
) -> None:
    """A flat repository keeps its release beside the packages, another below dists."""
    assert address == plugin.release_url({"uri": uri, "suites": [suite]})
