"""The three patch formats that are not server-side apply."""

import copy
from typing import Any

from .faults import ApiError
from .structure import identity, keys_of

Json = Any


def merge(target: Json, patch: Json) -> Json:
    """JSON merge patch. Source: RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic(target: Json, patch: Json, field: str = "") -> Json:
    """Strategic merge patch: a merge patch that merges keyed lists by key."""
    if isinstance(patch, dict):
        if patch.get("$patch") == "replace":
            return {key: value for key, value in patch.items() if key != "$patch"}
        result = dict(target) if isinstance(target, dict) else {}
        for key, value in patch.items():
            if key.startswith("$"):
                continue
            if value is None:
                result.pop(key, None)
            else:
                result[key] = strategic(result.get(key), value, key)
        return result
    if isinstance(patch, list) and isinstance(target, list):
        keys = keys_of(field, [*target, *patch])
        if keys:
            return _strategic_list(target, patch, keys)
    return patch


def _strategic_list(target: list[Any], patch: list[Any], keys: tuple[str, ...]) -> list[Any]:
    items = {identity(keys, item): item for item in target}
    for item in patch:
        own = identity(keys, item)
        if item.get("$patch") == "delete":
            items.pop(own, None)
        else:
            items[own] = strategic(items.get(own), item)
    return list(items.values())


def _walk(document: Json, pointer: str) -> tuple[Any, str]:
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts:
        raise ApiError(422, "the server rejected our request: a patch needs a path")
    for part in parts[:-1]:
        try:
            document = document[int(part)] if isinstance(document, list) else document[part]
        except (KeyError, IndexError, ValueError) as error:
            raise ApiError(422, f"json patch: doc is missing path: {pointer}") from error
    return document, parts[-1]


def _get(document: Json, pointer: str) -> Json:
    parent, last = _walk(document, pointer)
    try:
        return parent[int(last)] if isinstance(parent, list) else parent[last]
    except (KeyError, IndexError, ValueError) as error:
        raise ApiError(422, f"json patch: doc is missing path: {pointer}") from error


def _add(document: Json, pointer: str, value: Json) -> None:
    parent, last = _walk(document, pointer)
    if isinstance(parent, list):
        parent.insert(len(parent) if last == "-" else int(last), value)
    else:
        parent[last] = value


def _remove(document: Json, pointer: str) -> None:
    _get(document, pointer)
    parent, last = _walk(document, pointer)
    del parent[int(last) if isinstance(parent, list) else last]


def json_patch(target: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
    """JSON patch. Source: RFC 6902."""
    document = copy.deepcopy(target)
    for operation in operations:
        path = operation["path"]
        match operation["op"]:
            case "add":
                _add(document, path, operation["value"])
            case "remove":
                _remove(document, path)
            case "replace":
                _remove(document, path)
                _add(document, path, operation["value"])
            case "test":
                if _get(document, path) != operation["value"]:
                    raise ApiError(422, f"json patch: testing path {path} failed")
            case "move" | "copy" as name:
                value = copy.deepcopy(_get(document, operation["from"]))
                if name == "move":
                    _remove(document, operation["from"])
                _add(document, path, value)
            case other:
                raise ApiError(400, f"json patch: unexpected kind: {other}")
    return document
