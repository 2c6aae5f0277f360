"""Ansible module: the manifest of a bundle, written or verified."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.modelctl_bundle import fetch, manifest
from ansible.module_utils.modelctl_bundle.faults import BundleError

DOCUMENTATION = r"""
module: bundle_manifest
short_description: Write or verify the manifest of a bundle
description:
  - C(written) lists every file of the folder with SHA256 and size in C(manifest.json).
  - C(verified) fails when a file is missing, changed or not listed.
options:
  path:
    description: Folder of the bundle.
    type: path
    required: true
  state:
    description: What to do.
    type: str
    choices: [written, verified]
    required: true
  facts:
    description: What else a written manifest says.
    type: dict
    default: {}
  sha256:
    description: Digest that the manifest itself must have to be verified; empty asks for none.
    type: str
    default: ""
"""

RETURN = r"""
manifest:
  description: The manifest without its files.
  returned: success
  type: dict
files:
  description: How many files it lists.
  returned: success
  type: int
bytes:
  description: Their size.
  returned: success
  type: int
sha256: {description: Digest of the manifest itself., returned: success, type: str}
"""

ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["written", "verified"], "required": True},
    "facts": {"type": "dict", "default": {}},
    "sha256": {"type": "str", "default": ""},
}


def run(given: dict[str, Any]) -> dict[str, Any]:
    """Result of the module for its arguments."""
    root, changed = Path(given["path"]), False
    if given["state"] == "verified":
        told = manifest.verified(root, sha256=given["sha256"])
    else:
        told = {**given["facts"], "files": manifest.files(root)}
        text = json.dumps(told, indent=2, sort_keys=True) + "\n"
        changed = fetch.write(text.encode(), root / manifest.NAME)
    return {
        "changed": changed,
        "manifest": {name: value for name, value in told.items() if name != "files"},
        "files": len(told["files"]),
        "bytes": sum(file["bytes"] for file in told["files"].values()),
        "sha256": fetch.digest(root / manifest.NAME),
    }


def main() -> None:
    """Run as Ansible calls it."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)
    if module.check_mode and module.params["state"] == "written":
        module.exit_json(changed=False, skipped=True, msg="written when the bundle is collected")
    try:
        module.exit_json(**run(module.params))
    except BundleError as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
