"""Files of Ansible's inventories: YAML with its tags, anchors and templates, by node and place.

Nothing is constructed and nothing is decrypted: a rule sees scalars as they are written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from modelctl.finding import START, Position, Violation
from modelctl.repo import characters, documents
from modelctl.repo.places import LOADER, position_of
from modelctl.repo.repository import Repository
from modelctl.repo.tree import EntryKind

FOLDER = "inventories"
_SUFFIXES = (".yml", ".yaml")
_ENCRYPTED = b"$ANSIBLE_VAULT;"
_STR = "tag:yaml.org,2002:str"
# The stubs give nodes of libyaml no common type.
Node = Any


@dataclass(frozen=True, slots=True)
class AnsibleFile:
    """One file: its top node, None where it is empty or encrypted, or why it cannot be read."""

    path: str
    top: Node = None
    fault: Violation | None = None
    text: str = ""

    def violation(self, node: Node, message: str, remedy: str) -> Violation:
        """A violation at a node."""
        return Violation(self.path, position_of(node.start_mark), message, remedy)


@lru_cache(maxsize=4)
def ansible_files(repository: Repository) -> tuple[AnsibleFile, ...]:
    """Every YAML file below `inventories/`, by path."""
    tree, found = repository.tree, []
    for path, entry in tree.below(FOLDER).items():
        if path.endswith(_SUFFIXES) and entry.kind is EntryKind.FILE:
            is_small = entry.size_bytes <= documents.MAX_BYTES
            found.append(read(path, tree.read(path)) if is_small else AnsibleFile(path))
    return tuple(found)


def read(path: str, content: bytes) -> AnsibleFile:
    """One file, from its bytes."""
    if content.startswith(_ENCRYPTED):
        return AnsibleFile(path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _faulty(path, START, "found bytes that are not UTF-8, expected text", "save it so")
    fatal = next((each for each in characters.suspects(text) if each.is_fatal), None)
    if fatal is not None:
        return _faulty(path, fatal.position, fatal.message, fatal.remedy)
    return _composed(path, text)


def _composed(path: str, text: str) -> AnsibleFile:
    try:
        nodes = [*yaml.compose_all(text, Loader=LOADER)]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = ": ".join(part for part in (error.context, error.problem) if part)
        message = f"found broken syntax, expected YAML: {' '.join(words.split())}"
        at = position_of(mark) if mark else START
        return _faulty(path, at, message, "mend it there, or on a line before")
    except (yaml.YAMLError, RecursionError):
        return _faulty(path, START, "found what is no YAML, expected a mapping", "mend it")
    if len(nodes) > 1:
        message = "found another document, expected one a file"
        at = position_of(nodes[1].start_mark)
        return _faulty(path, at, message, "put it into a file of its own")
    return AnsibleFile(path, nodes[0] if nodes else None, text=text)


def _faulty(path: str, at: Position, message: str, remedy: str) -> AnsibleFile:
    return AnsibleFile(path, None, Violation(path, at, message, remedy))


def entries(node: Node) -> Iterator[tuple[Node, Node]]:
    """Keys and values of a mapping; nothing of another node."""
    if isinstance(node, yaml.MappingNode):
        yield from node.value


def mapping(node: Node) -> Mapping[str, Node]:
    """The values of a mapping by key, the last of each; nothing of another node."""
    return {str(key.value): found for key, found in entries(node)}


def scalar(node: Node) -> str | None:
    """The text of a scalar as it is written; None of anything else and of templates."""
    if not isinstance(node, yaml.ScalarNode) or "{{" in node.value or "{%" in node.value:
        return None
    return str(node.value)


def is_text(node: Node) -> bool:
    """Whether every reader takes a scalar for text."""
    return isinstance(node, yaml.ScalarNode) and node.tag == _STR


def nodes(top: Node) -> Iterator[tuple[Node, Node]]:
    """Every node below a node, each once, with its key; None for what has none."""
    pending, seen = [(None, top)] if top is not None else [], set()
    while pending:
        key, node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield key, node
        if isinstance(node, yaml.MappingNode):
            pending += node.value
        elif isinstance(node, yaml.SequenceNode):
            pending += [(key, item) for item in node.value]
