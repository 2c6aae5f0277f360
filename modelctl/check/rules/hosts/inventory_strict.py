"""A file of an inventory is YAML that Ansible takes as it was meant.

## What it does
Reads every YAML file below `inventories/`, and refuses broken syntax and tabs, a key that is there
twice, several documents, tags that Ansible does not have, whole numbers that are octal or in base
60, and a version whose last zero a number loses. Templates, vaults, anchors and merge keys are
Ansible's own, and left alone.

## Why
Of a key that is there twice Ansible takes the last with a warning that scrolls by. `0640` is 416,
`22:30` is 1350, and version 1.30 is 1.3: the run ends on a host, halfway.

## Bad
```yaml
node_base_umask: 0027
kubernetes_version: 1.30
```

## Good
```yaml
node_base_umask: "0027"
kubernetes_version: "1.30"
```
"""

import re
from collections.abc import Iterator

import yaml

from modelctl.check.ansible_files import AnsibleFile, Node, ansible_files, entries, nodes
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.places import position_of
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "inventory-strict"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_TAGS = ("!unsafe", "!vault", "!vault-encrypted")
_OF_YAML = "tag:yaml.org,2002:"
_OF_PYTHON = f"{_OF_YAML}python/"
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_BASE_60 = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_LOST_ZERO = re.compile(r"[0-9]+\.[0-9]*0")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each thing that Ansible would take for another."""
    if not isinstance(files, Repository):
        return
    for file in ansible_files(files):
        if file.fault is not None:
            yield file.fault
        elif file.top is not None and not _is_a_mapping_or_nothing(file.top):
            message = "found no mapping, expected names with values"
            yield file.violation(file.top, message, "write name: value")
        for key, node in nodes(file.top):
            yield from _repeated(file, node)
            yield from _tagged(file, node)
            yield from _number(file, key, node)


def _is_a_mapping_or_nothing(top: Node) -> bool:
    return isinstance(top, yaml.MappingNode) or top.tag == f"{_OF_YAML}null"


def _repeated(file: AnsibleFile, node: Node) -> Iterator[Violation]:
    lines: dict[str, int] = {}
    for key, _ in entries(node):
        if not isinstance(key, yaml.ScalarNode):
            continue
        if key.value in lines and key.value != "<<":
            first = lines[key.value]
            message = f"found the key {short(key.value)} again, expected it on line {first} only"
            yield file.violation(key, message, "keep one")
        lines.setdefault(key.value, position_of(key.start_mark).line)


def _tagged(file: AnsibleFile, node: Node) -> Iterator[Violation]:
    tag = str(node.tag)
    is_known = tag in _TAGS or (tag.startswith(_OF_YAML) and not tag.startswith(_OF_PYTHON))
    if not is_known:
        message = f"found the tag {short(tag)}, expected one of {', '.join(_TAGS)}"
        yield file.violation(node, message, "remove it, or quote the value")


def _number(file: AnsibleFile, key: Node, node: Node) -> Iterator[Violation]:
    if not isinstance(node, yaml.ScalarNode) or node.style:
        return
    kind, text = node.tag.removeprefix(_OF_YAML), node.value
    if kind == "int" and _OCTAL.fullmatch(text):
        message = f"found {short(text)}, which is the number {int(text.replace('_', ''), 8)}"
        yield file.violation(node, message, "quote it")
    elif kind in ("int", "float") and _BASE_60.fullmatch(text):
        message = f"found {short(text)}, which is a number in base 60"
        yield file.violation(node, message, "quote it")
    elif kind == "float" and _is_version(key) and _LOST_ZERO.fullmatch(text):
        message = f"found {short(text)}, which is the number {float(text)}"
        yield file.violation(node, message, "quote it")


def _is_version(key: Node) -> bool:
    return isinstance(key, yaml.ScalarNode) and "version" in key.value
