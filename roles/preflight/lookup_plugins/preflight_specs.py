"""Lookup: every variable that a role or a playbook of this repository declares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ansible.errors import AnsibleLookupError  # type: ignore[import-untyped] # ships no types
from ansible.plugins.lookup import LookupBase  # type: ignore[import-untyped] # ships no types

DOCUMENTATION = """
name: preflight_specs
author: modelctl
short_description: Variables that roles and playbooks declare
description:
  - Reads every role's argument specification, and the inputs of the playbooks, on the controller.
options:
  _terms:
    description: Folder of the roles, then files that hold the inputs of playbooks.
    required: true
"""
EXAMPLES = (
    "- debug: {msg: \"{{ lookup('preflight_specs', 'roles', 'playbooks/vars/inputs.yml') }}\"}"
)
RETURN = """
_raw:
  description: By variable name, who declares it and its type.
  type: list
  elements: dict
"""

Known = dict[str, dict[str, str]]


def declared_by_roles(roles: Path) -> Known:
    """Variables of every `<role>/meta/argument_specs.yml` below `roles`, by name."""
    known: Known = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        specs = (yaml.safe_load(path.read_text()) or {}).get("argument_specs", {})
        for entry in specs.values():
            known |= _options(entry.get("options") or {}, owner=path.parents[1].name)
    return known


def declared_by_playbooks(path: Path) -> Known:
    """Variables of a file whose `playbook_inputs` maps playbooks to specifications."""
    inputs = (yaml.safe_load(path.read_text()) or {}).get("playbook_inputs", {})
    known: Known = {}
    for playbook, options in inputs.items():
        known |= _options(options or {}, owner=f"playbook {playbook}")
    return known


def _options(options: dict[str, dict[str, Any]], *, owner: str) -> Known:
    return {
        name: {"owner": owner, "type": str(option.get("type", "str"))}
        for name, option in options.items()
    }


class LookupModule(LookupBase):  # type: ignore[misc] # ansible-core ships no types
    """Registers the lookup with Ansible."""

    def run(self, terms: list[str], variables: Any = None, **_: Any) -> list[Known]:  # noqa: ANN401
        """One mapping of all declared variables; AnsibleLookupError where none was found."""
        del variables
        known = declared_by_roles(Path(terms[0]))
        if not known:
            raise AnsibleLookupError(
                f"Found: no argument_specs.yml below {terms[0]}. Expected: the roles of this "
                "repository. Remedy: correct preflight_roles_path."
            )
        for path in terms[1:]:
            if Path(path).is_file():
                known |= declared_by_playbooks(Path(path))
        return [known]
