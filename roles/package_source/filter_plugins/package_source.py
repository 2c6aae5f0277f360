"""Filters of role package_source: a host's repositories, and keys proved by fingerprint."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleFilterError  # type: ignore[import-untyped] # ships no types

Repository = dict[str, Any]


def resolved(
    repositories: list[Repository],
    *,
    mirror_base: str,
    mirror_key_file: str,
    mirror_fingerprint: str,
    key_cache: str,
    default_architecture: str,
) -> list[Repository]:
    """Repositories as they are written: mirrored, each with its key's path on the controller.

    With a mirror every repository lies below `<mirror_base>/<name>`, unless its own URI already
    lies below the mirror. A mirror with the publishers' signatures keeps their layout; one that
    signs its own indexes (`mirror_fingerprint`) is flat, and its key replaces every other.
    """
    return [
        _with_key(
            _mirrored(repository, mirror_base=mirror_base, is_flat=bool(mirror_fingerprint)),
            mirror_key_file=mirror_key_file,
            mirror_fingerprint=mirror_fingerprint,
            key_cache=key_cache,
            default_architecture=default_architecture,
        )
        for repository in repositories
    ]


def _mirrored(repository: Repository, *, mirror_base: str, is_flat: bool) -> Repository:
    if not mirror_base or str(repository["uri"]).startswith(mirror_base):
        return repository
    moved = {**repository, "uri": f"{mirror_base.rstrip('/')}/{repository['name']}"}
    return {**moved, "suites": ["/"], "components": []} if is_flat else moved


def _with_key(
    repository: Repository,
    *,
    mirror_key_file: str,
    mirror_fingerprint: str,
    key_cache: str,
    default_architecture: str,
) -> Repository:
    full = {"components": [], "pins": [], "architectures": [default_architecture], **repository}
    full["source_name"] = "modelctl-" + str(full["name"]).replace("_", "-")
    if mirror_fingerprint:
        full = {name: full[name] for name in full if name not in _KEY_FIELDS}
        full |= {"key_file": mirror_key_file, "fingerprint": mirror_fingerprint}
    if "key_url" in full and not full.get("key") and not full.get("key_file"):
        full["key_file"] = f"{key_cache}/{_bare(full['fingerprint'])}.asc"
    return full


_KEY_FIELDS = frozenset({"key", "key_file", "key_url", "keyring", "fingerprint"})


def release_url(repository: Repository) -> str:
    """Where a repository keeps its signed release: beside its packages where it is flat."""
    base, suite = str(repository["uri"]).rstrip("/"), str(repository["suites"][0])
    below = suite.strip("./") if suite.endswith("/") else f"dists/{suite}"
    return f"{base}/{below}/InRelease" if below else f"{base}/InRelease"


def verified_key(repository: Repository, *, is_sha1_refused: bool = False) -> str:
    """The armored key of a repository, after its fingerprint was found to be the expected one.

    A repository that names a `keyring` of the host (the distribution's own) gives that path.
    Raises AnsibleFilterError when the key cannot be read, is not exactly one certificate, has
    another fingerprint, is revoked or has expired, and with `is_sha1_refused` when only SHA-1
    binds it, which apt takes on some systems and not on others. Secrets are never passed on.
    """
    if repository.get("keyring"):
        return str(repository["keyring"])
    text = repository.get("key")
    data = str(text).encode() if text else _read(repository)
    return _proved(data, repository, is_sha1_refused=is_sha1_refused)


def keys_to_fetch(repositories: list[Repository], *, days: int) -> list[Repository]:
    """Repositories whose key is to be fetched: it is missing, unusable or ends within `days`.

    `key_is_usable` says whether the copy at hand still serves when the address does not answer. A
    copy that was fetched within a day is left alone: its publisher has no later one.
    """
    return [
        {**repository, "key_is_usable": is_usable}
        for repository in repositories
        if repository.get("key_url") and not repository.get("key")
        for is_usable, is_wanted in [_state_of_copy(repository, days)]
        if is_wanted
    ]


def _state_of_copy(repository: Repository, days: int) -> tuple[bool, bool]:
    try:
        verified_key(repository)
    except AnsibleFilterError:
        return False, True
    path = Path(str(repository["key_file"])).expanduser()
    end = key_end(repository)
    fetched = dt.datetime.fromtimestamp(path.stat().st_mtime, tz=dt.UTC)
    is_ending = end is not None and end < _now() + dt.timedelta(days=days)
    return True, is_ending and fetched < _now() - dt.timedelta(days=1)


def key_end(repository: Repository) -> dt.datetime | None:
    """When the key of a repository ends; None where it never does, or lies on the host."""
    if repository.get("keyring"):
        return None
    text = repository.get("key")
    return _own_signature(str(text).encode() if text else _read(repository), repository)[1]


def ending_keys(repositories: list[Repository], *, days: int) -> list[str]:
    """One sentence for each repository whose key ends within `days`."""
    limit = _now() + dt.timedelta(days=days)
    ends = [(repository["name"], key_end(repository)) for repository in repositories]
    return [
        f"the key of repository {name} ends on {end:%Y-%m-%d}" for name, end in ends
        if end and end < limit
    ]  # fmt: skip


def _read(repository: Repository) -> bytes:
    path = Path(str(repository.get("key_file", ""))).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise _fault(repository, f"no readable key at {path}: {error.strerror}") from error


def _proved(data: bytes, repository: Repository, *, is_sha1_refused: bool) -> str:
    try:
        from pysequoia import Cert  # noqa: PLC0415 - only where a key is read
    except ImportError as error:
        raise _fault(repository, "pysequoia is not installed beside Ansible") from error
    try:
        certificates = Cert.split_bytes(data)
    except Exception as error:  # pysequoia names no class of its own
        raise _fault(repository, f"what is there is no OpenPGP key: {error}") from error
    found = [certificate.fingerprint.upper() for certificate in certificates]
    if found != [_bare(repository["fingerprint"])]:
        raise _fault(repository, f"fingerprint {' and '.join(found) or 'of no key'}")
    if certificates[0].is_revoked:
        raise _fault(repository, "a revoked key")
    _check_usable(*_own_signature(data, repository), repository, is_sha1_refused=is_sha1_refused)
    return str(certificates[0]).strip() + "\n"


def _own_signature(data: bytes, repository: Repository) -> tuple[str, dt.datetime | None]:
    """Hash of the newest signature that a key made over itself, and when the key ends by it.

    Read from the packets, not by Sequoia's policy: that one refuses SHA-1 everywhere, while NVIDIA
    signs four of its repositories with a key that SHA-1 binds, and the apt of their systems takes.
    """
    from pysequoia import packet  # noqa: PLC0415 - only where a key is read

    pile = list(packet.PacketPile.from_bytes(data))
    key = next(found for found in pile if found.tag == packet.Tag.PublicKey)
    kinds = packet.SignatureType
    own = [
        found
        for found in pile
        if found.tag == packet.Tag.Signature
        and found.issuer_key_id == key.key_id
        and found.signature_type
        in (kinds.GenericCertification, kinds.PersonaCertification, kinds.CasualCertification,
            kinds.PositiveCertification, kinds.DirectKey)
    ]  # fmt: skip
    if not own:
        raise _fault(repository, "a key without a signature of its own")
    newest = max(own, key=lambda signature: signature.signature_created)
    life = newest.key_validity_period
    return str(newest.hash_algorithm).rpartition(".")[2], key.key_created + life if life else None


def _check_usable(
    algorithm: str, end: dt.datetime | None, repository: Repository, *, is_sha1_refused: bool
) -> None:
    if is_sha1_refused and algorithm == "SHA1":
        raise _fault(repository, "a key that only SHA-1 binds, which the host's apt refuses")
    if end and end < _now():
        raise _fault(repository, f"a key that expired on {end:%Y-%m-%d}")


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)


def _bare(fingerprint: object) -> str:
    return str(fingerprint).replace(" ", "").upper()


def _fault(repository: Repository, found: str) -> AnsibleFilterError:
    return AnsibleFilterError(
        f"Key of package repository {repository.get('name')}. Found: {found}. "
        f"Expected: one valid public key with fingerprint "
        f"{_bare(repository.get('fingerprint', '(none given)'))}. Remedy: get the key from its "
        "publisher over a second way, compare the fingerprints, and correct versions.yml or "
        "package_source_repositories. A copy that is about to end is fetched again by itself."
    )


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {
            "package_source_resolved": resolved,
            "package_source_verified_key": verified_key,
            "package_source_keys_to_fetch": keys_to_fetch,
            "package_source_release_url": release_url,
            "package_source_ending_keys": ending_keys,
        }
