"""Writes the generated reference of this repository: `python -m modelctl.cli.pages`.

The pages of rules come from their modules, those of fields from the JSON Schemas, the README of
each role from its argument specs. Tests compare all of them with what is committed.
"""

import sys
from pathlib import Path

from modelctl.check.rules import RULES
from modelctl.pages import fields, roles, rules


def pages(project: Path) -> dict[Path, str]:
    """Path and text of every generated page of a checkout."""
    schemas = project / "schemas"
    return {
        schemas / "rules.md": rules.rules_page(RULES),
        schemas / "README.md": fields.reference_page(),
        **roles.pages(project),
    }


def main() -> int:
    """Write every page of the checkout that this module lies in."""
    for path, text in pages(Path(__file__).resolve().parents[2]).items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
