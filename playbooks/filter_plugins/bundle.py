"""Filters of playbooks/bundle.yml: what its tables say, as module bundle_packages takes it."""

from __future__ import annotations

from typing import Any

Described = dict[str, Any]


def repositories(
    described: list[Described],
    *,
    versions: dict[str, Any],
    extra: dict[str, list[str]],
    excluded: list[str],
) -> list[Described]:
    """Repositories with the address and fingerprint of their keys, and the site's own changes.

    A key names these itself, or the entry of `versions` that has them, whose `keys` go before for
    the `system` of that name. `extra` adds packages by
    the name of the repository; `excluded` takes packages out by their names.
    """
    found = []
    for one in described:
        packages = [*one.get("packages", []), *extra.get(one["name"], [])]
        kept = [text for text in packages if text.partition("=")[0] not in excluded]
        keys = [_key(key, versions) for key in one["keys"]]
        found.append({**one, "packages": kept, "keys": keys})
    return found


def archives(
    described: list[Described], *, system: str, codename: str, keys: list[Any], packages: list[str]
) -> list[Described]:
    """A distribution's archives as repositories that share a folder; the first has the packages."""
    return [
        {
            **archive,
            "path": system,
            "suites": [f"{codename}{suite}" for suite in archive["suites"]],
            "keys": keys,
            "packages": [] if number else packages,
        }
        for number, archive in enumerate(described)
    ]


def _key(key: Described, versions: dict[str, Any]) -> Described:
    locked = versions[key["lock"]] if "lock" in key else {}
    own = locked.get("keys", {}).get(key.get("system"), {})
    return {
        "path": key["path"],
        "url": key.get("url") or own.get("url") or locked["key_url"],
        "fingerprint": key.get("fingerprint")
        or own.get("fingerprint")
        or locked["key_fingerprint"],
    }


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {"bundle_repositories": repositories, "bundle_archives": archives}
