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


def verified_key(repository: Repository) -> str:
    """The armored key of a repository, after its fingerprint was found to be the expected one.

    A repository that names a `keyring` of the host (the distribution's own) gives that path.
    Raises AnsibleFilterError when the key cannot be read, is not exactly one certificate, has
    another fingerprint, is revoked or has expired. Secrets in it are never passed on.
    """
    if repository.get("keyring"):
        return str(repository["keyring"])
    text = repository.get("key")
    return _proved(str(text).encode() if text else _read(repository), repository)


def _read(repository: Repository) -> bytes:
    path = Path(str(repository.get("key_file", ""))).expanduser()
    try:
        return path.read_bytes()
    except OSError as error:
        raise _fault(repository, f"no readable key at {path}: {error.strerror}") from error


def _proved(data: bytes, repository: Repository) -> str:
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
    _check_usable(certificates[0], repository)
    return str(certificates[0]).strip() + "\n"


def _check_usable(certificate: Any, repository: Repository) -> None:  # noqa: ANN401 - pysequoia
    if certificate.is_revoked:
        raise _fault(repository, "a revoked key")
    try:
        expiration = certificate.expiration
    except RuntimeError as error:  # no self-signature that Sequoia trusts, such as one by SHA-1
        raise _fault(repository, f"a key without a valid self-signature: {error}") from error
    if expiration and expiration < dt.datetime.now(tz=dt.UTC):
        raise _fault(repository, f"a key that expired on {expiration:%Y-%m-%d}")


def _bare(fingerprint: object) -> str:
    return str(fingerprint).replace(" ", "").upper()


def _fault(repository: Repository, found: str) -> AnsibleFilterError:
    return AnsibleFilterError(
        f"Key of package repository {repository.get('name')}. Found: {found}. "
        f"Expected: one valid public key with fingerprint "
        f"{_bare(repository.get('fingerprint', '(none given)'))}. Remedy: get the key from its "
        "publisher over a second way, compare the fingerprints, and correct versions.yml or "
        "package_source_repositories; remove the copy in package_source_key_cache when it is stale."
    )


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {"package_source_resolved": resolved, "package_source_verified_key": verified_key}
