"""Label and field selectors of list requests."""

import re
from typing import Any

from .faults import ApiError

Json = Any
FIELDS = {
    "metadata.name", "metadata.namespace", "spec.nodeName", "status.phase", "type",
    "spec.unschedulable", "involvedObject.name", "involvedObject.kind", "reason",
    "spec.restartPolicy",
}  # fmt: skip


def _value(item: dict[str, Any], path: str) -> str:
    found: Json = item
    for part in path.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    return "" if found is None else str(found).lower() if isinstance(found, bool) else str(found)


def fields_match(item: dict[str, Any], selector: str) -> bool:
    """Whether an object fits a field selector. Raises `ApiError` 400 for an unknown field."""
    for term in filter(None, selector.split(",")):
        name, operator, wanted = re.split(r"(!=|==|=)", term, maxsplit=1)
        if name not in FIELDS:
            raise ApiError(400, f"field label not supported: {name}")
        if (_value(item, name) == wanted) is (operator == "!="):
            return False
    return True


def _label_term(labels: dict[str, str], term: str) -> bool:
    found = re.fullmatch(r"(\S+)\s+(in|notin)\s+\(([^)]*)\)", term)
    if found:
        values = [value.strip() for value in found[3].split(",")]
        return (labels.get(found[1]) in values) is (found[2] == "in")
    if re.search(r"!?=", term):
        name, operator, wanted = re.split(r"\s*(!=|==|=)\s*", term, maxsplit=1)
        return (labels.get(name) == wanted) is (operator != "!=")
    return term[1:] not in labels if term.startswith("!") else term in labels


def labels_match(item: dict[str, Any], selector: str) -> bool:
    """Whether an object fits a label selector."""
    labels = item["metadata"].get("labels") or {}
    terms = re.split(r",(?![^(]*\))", selector)
    return all(_label_term(labels, term.strip()) for term in terms if term.strip())
