"""Ansible module: packages of one distribution, mirrored below their publishers' signatures."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.modelctl_bundle import mirror
from ansible.module_utils.modelctl_bundle.faults import BundleError
from ansible.module_utils.modelctl_bundle.selection import Pin

DOCUMENTATION = r"""
module: bundle_packages
short_description: Mirror the wanted packages of signed apt repositories
description:
  - Reads each release below the signature of a key of the given fingerprint, the index that the
    release names by SHA256, and chooses the wanted packages and what they depend on, as far as
    these repositories serve it. Packages are fetched by the digest of the index.
  - Releases, indexes and packages keep their publishers' layout and bytes, so that apt checks the
    publishers' signatures where the folder is served.
  - Check mode reads releases and indexes and says what would be fetched.
options:
  path:
    description: Folder of the bundle.
    type: path
    required: true
  architecture:
    description: Architecture of the packages, as Debian names it.
    type: str
    required: true
  repositories:
    description: Repositories of one distribution; a dependency is looked for in this order.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name in messages.
        type: str
        required: true
      path:
        description: Folder below the bundle that stands for the address.
        type: str
        required: true
      uri:
        description: Address of the repository.
        type: str
        required: true
      suites:
        description: Suites; one that ends in a slash is flat.
        type: list
        elements: str
        required: true
      components:
        description: Components of suites that are not flat.
        type: list
        elements: str
        default: []
      keys:
        description: The publisher's public keys, of which one must have signed.
        type: list
        elements: dict
        required: true
        suboptions:
          path:
            description: File below the bundle.
            type: str
            required: true
          url:
            description: Address that it is fetched from once.
            type: str
            required: true
          fingerprint:
            description: Fingerprint that it must have.
            type: str
            required: true
      packages:
        description: Wanted packages, C(name) or C(name=version); a version may be a glob.
        type: list
        elements: str
        default: []
      pins:
        description: Versions that apt prefers on the hosts; names and version are globs.
        type: list
        elements: dict
        default: []
        suboptions:
          packages:
            description: Names.
            type: list
            elements: str
            required: true
          version:
            description: Version.
            type: str
            required: true
  max_bytes:
    description: Most that may be fetched.
    type: int
    required: true
  timeout_s:
    description: Longest wait for an answer, in seconds.
    type: float
    default: 60
"""

RETURN = r"""
fetched:
  description: Packages that were (or would be) fetched.
  returned: success
  type: list
bytes:
  description: Their size.
  returned: success
  type: int
indexes:
  description: Keys, releases and indexes that were (or would be) written.
  returned: success
  type: list
packages:
  description: Chosen packages by repository.
  returned: success
  type: dict
paths:
  description: Paths of the wanted packages below the bundle by name.
  returned: success
  type: dict
unresolved:
  description: Dependencies that no repository serves, with who needs them.
  returned: success
  type: dict
"""

_PINS = {
    "packages": {"type": "list", "elements": "str", "required": True},
    "version": {"type": "str", "required": True},
}
_KEYS = {name: {"type": "str", "required": True} for name in ("path", "url", "fingerprint")}
_REPOSITORIES = {
    "name": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "uri": {"type": "str", "required": True},
    "suites": {"type": "list", "elements": "str", "required": True},
    "components": {"type": "list", "elements": "str", "default": []},
    "keys": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _KEYS,
        "no_log": False,
    },
    "packages": {"type": "list", "elements": "str", "default": []},
    "pins": {"type": "list", "elements": "dict", "default": [], "options": _PINS},
}
ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "architecture": {"type": "str", "required": True},
    "repositories": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": _REPOSITORIES,
    },
    "max_bytes": {"type": "int", "required": True},
    "timeout_s": {"type": "float", "default": 60},
}


def repository(told: dict[str, Any]) -> mirror.Repository:
    """The value of one element of `repositories`."""
    pins = [Pin(told["path"], tuple(pin["packages"]), pin["version"]) for pin in told["pins"]]
    return mirror.Repository(
        name=told["name"],
        path=told["path"],
        uri=told["uri"],
        suites=tuple(told["suites"]),
        components=tuple(told["components"]),
        keys=tuple(mirror.Key(**key) for key in told["keys"]),
        packages=tuple(told["packages"]),
        pins=tuple(pins),
    )


def mirrored(given: dict[str, Any], *, is_checked: bool) -> dict[str, Any]:
    """Result of the module for its arguments; nothing is written where `is_checked`."""
    settings = mirror.Settings(
        root=Path(given["path"]),
        architecture=given["architecture"],
        limit_bytes=given["max_bytes"],
        timeout_s=given["timeout_s"],
        now=dt.datetime.now(tz=dt.UTC),
    )
    plan = mirror.plan([repository(told) for told in given["repositories"]], settings)
    files = mirror.missing(plan, settings)
    indexes = mirror.changed_indexes(plan, settings.root)
    if not is_checked:
        mirror.bring(plan, files, settings)
    return {
        "changed": bool(files or indexes),
        "fetched": [file.path for file in files],
        "bytes": sum(file.size_bytes for file in files),
        "indexes": indexes,
        **mirror.described(plan),
    }


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    try:
        import pysequoia  # noqa: F401, PLC0415 - said before anything is fetched
    except ImportError:
        module.fail_json(
            msg="Controller. Found: a Python without pysequoia. Expected: the one beside Ansible. "
            "Remedy: make setup-roles, and run ansible-playbook of that virtual environment."
        )
    try:
        module.exit_json(**mirrored(module.params, is_checked=module.check_mode))
    except BundleError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
