"""A repository's InRelease: believed only below the signature of a locked key."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .faults import BundleError

_KEY_REMEDY = (
    "get the key from its publisher over a second way and compare the fingerprints; when the "
    "publisher changed the key, correct its fingerprint in versions.yml or "
    "playbooks/vars/bundle.yml"
)


@dataclass(frozen=True)
class Listed:
    """Digest and size that a release names for one of its files."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class Release:
    """What a verified InRelease says."""

    where: str
    fields: dict[str, str]
    files: dict[str, Listed]

    @property
    def is_by_hash(self) -> bool:
        """Whether apt asks for indexes by their digest."""
        return self.fields.get("Acquire-By-Hash") == "yes"

    @property
    def has_index_of_all(self) -> bool:
        """Whether packages for every architecture have an index of their own."""
        return (
            "all" in self.fields.get("Architectures", "").split()
            and self.fields.get("No-Support-for-Architecture-all") != "Packages"
        )


def certificate(content: bytes, fingerprint: str, *, where: str) -> Any:  # noqa: ANN401 - pysequoia
    """The one certificate in `content`. Raises BundleError unless it is of that fingerprint."""
    from pysequoia import Cert  # noqa: PLC0415 - only where a key is read

    expected = fingerprint.replace(" ", "").upper()
    try:
        found = list(Cert.split_bytes(content))
    except Exception as error:  # pysequoia names no class of its own
        raise _wrong_key(where, f"no OpenPGP key: {_first_line(error)}", expected) from error
    held = [certificate.fingerprint.upper() for certificate in found]
    if held != [expected]:
        raise _wrong_key(where, f"fingerprint {' and '.join(held) or 'of no key'}", expected)
    return found[0]


def _wrong_key(where: str, found: str, expected: str) -> BundleError:
    return BundleError(
        f"Key {where}",
        found=found,
        expected=f"one key of fingerprint {expected}",
        remedy=f"{_KEY_REMEDY}; remove a stale copy from the bundle's folder keys",
    )


def verified(signed: bytes, keys: list[Any], *, where: str, now: dt.datetime) -> Release:
    """The release that `signed` carries below a valid signature of one of `keys`.

    Only the signed text is read, nothing beside it. Raises BundleError when no key signed it, a
    key has expired, `Valid-Until` has passed, or no SHA256 is named.
    """
    text = _signed_text(signed, keys, where=where, now=now)
    release = parsed(text, where=where)
    _check_fresh(release, now)
    return release


def _signed_text(signed: bytes, keys: list[Any], *, where: str, now: dt.datetime) -> str:
    from pysequoia import verify  # noqa: PLC0415 - only where a signature is read

    of_key: Callable[[list[str]], list[Any]] = lambda _: keys  # noqa: E731
    expected = " or ".join(key.fingerprint.upper() for key in keys)
    try:
        read = verify(bytes=signed, store=of_key)
        signers = {signature.certificate.upper() for signature in read.valid_sigs}
        live = [k for k in keys if k.fingerprint.upper() in signers and _is_live(k, now)]
    except Exception as error:  # pysequoia names no class of its own
        raise _unsigned(where, _first_line(error), expected) from error
    if not live or read.bytes is None:
        raise _unsigned(where, "signatures of expired keys only", expected)
    return bytes(read.bytes).decode()


def _is_live(key: Any, now: dt.datetime) -> bool:  # noqa: ANN401 - pysequoia
    return not key.is_revoked and (key.expiration is None or key.expiration > now)


def _unsigned(where: str, found: str, expected: str) -> BundleError:
    return BundleError(
        f"Signature of {where}",
        found=found,
        expected=f"a valid signature of key {expected}",
        remedy=f"fetch again, from the publisher and past any proxy that rewrites; {_KEY_REMEDY}",
    )


def parsed(text: str, *, where: str) -> Release:
    """Fields of a release, and the files below its field SHA256."""
    fields: dict[str, str] = {}
    name = ""
    for line in text.splitlines():
        if line[:1] in {" ", "\t"}:
            fields[name] += f"\n{line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    listed = {}
    for line in fields.get("SHA256", "").split("\n"):
        words = line.split()
        if len(words) == 3:  # noqa: PLR2004 - digest, size, name
            listed[words[2].removeprefix("./")] = Listed(words[0].lower(), int(words[1]))
    if not listed:
        raise BundleError(
            where,
            found="no file below SHA256",
            expected="indexes named by SHA256",
            remedy="check the address of the repository and of its suite",
        )
    return Release(where, fields, listed)


def _check_fresh(release: Release, now: dt.datetime) -> None:
    until = release.fields.get("Valid-Until")
    if until and email.utils.parsedate_to_datetime(until.replace("UTC", "+0000")) < now:
        raise BundleError(
            release.where,
            found=f"a release that expired by its Valid-Until of {until}",
            expected=f"one that is valid on {now:%Y-%m-%d}",
            remedy="the mirror is stale, or this machine's clock is wrong: correct whichever it is",
        )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
