"""What the API checks in an object before it keeps it."""

import base64
import binascii
import re
from typing import Any

from .faults import ApiError
from .kinds import Kind

Json = Any
SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
SHORT_NAMES = {"Namespace", "Service"}
WORKLOADS = {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"}
IMMUTABLE = {
    "Deployment": ("spec.selector",),
    "StatefulSet": ("spec.selector", "spec.serviceName"),
    "DaemonSet": ("spec.selector",),
    "Secret": ("type",),
    "RoleBinding": ("roleRef",),
    "ClusterRoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "Pod": ("spec.nodeName",),
    "CustomResourceDefinition": ("spec.group", "spec.names.kind", "spec.scope"),
}


def _at(value: Json, path: str) -> Json:
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _invalid(kind: Kind, name: str, message: str) -> ApiError:
    full = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
    return ApiError(422, f'{full} "{name}" is invalid: {message}')


def _name_problem(kind: Kind, name: str) -> str:
    if kind.group.startswith("rbac."):
        return "may not contain '/' or '%'" if re.search("[/%]", name) else ""
    pattern = LABEL if kind.kind in SHORT_NAMES else SUBDOMAIN
    limit = 63 if kind.kind in SHORT_NAMES else 253
    if pattern.fullmatch(name) and len(name) <= limit:
        return ""
    return f'Invalid value: "{name}": a lowercase RFC 1123 name must match {pattern.pattern!r}'


def check(kind: Kind, body: dict[str, Any]) -> None:  # noqa: C901 - one check a line
    """Raise `ApiError` 422 for an object that the API would not keep."""
    name = body["metadata"]["name"]
    problem = _name_problem(kind, name)
    if problem:
        raise _invalid(kind, name, f"metadata.name: {problem}")
    for key, value in (body["metadata"].get("labels") or {}).items():
        if not isinstance(value, str) or len(value) > 63 or not LABEL_VALUE.fullmatch(value):
            raise _invalid(kind, name, f"metadata.labels: Invalid value: {value!r} of {key}")
    for key, value in (body["metadata"].get("annotations") or {}).items():
        if not isinstance(value, str):
            raise ApiError(400, f"cannot unmarshal annotation {key} into Go value of type string")
    if kind.custom:
        return
    if kind.kind in WORKLOADS:
        _check_workload(kind, name, body)
    if kind.kind == "Pod":
        _check_pod(kind, name, body.get("spec") or {}, "spec")
    if kind.kind in {"ConfigMap", "Secret"}:
        _check_data(kind, name, body)
    if kind.kind == "Node":
        _check_taints(kind, name, (body.get("spec") or {}).get("taints") or [])


def _check_workload(kind: Kind, name: str, body: dict[str, Any]) -> None:
    selector = _at(body, "spec.selector.matchLabels") or {}
    labels = _at(body, "spec.template.metadata.labels") or {}
    if not selector and not _at(body, "spec.selector.matchExpressions"):
        raise _invalid(kind, name, "spec.selector: Required value")
    if not selector.items() <= labels.items():
        raise _invalid(
            kind,
            name,
            "spec.template.metadata.labels: Invalid value: "
            f"{labels}: `selector` does not match template `labels`",
        )
    _check_pod(kind, name, _at(body, "spec.template.spec") or {}, "spec.template.spec")


def _check_pod(kind: Kind, name: str, spec: dict[str, Any], at: str) -> None:
    if not spec.get("containers"):
        raise _invalid(kind, name, f"{at}.containers: Required value")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    for place, container in enumerate(spec["containers"]):
        where = f"{at}.containers[{place}]"
        if not container.get("name") or not container.get("image"):
            raise _invalid(kind, name, f"{where}: name and image: Required value")
        for mount in container.get("volumeMounts") or []:
            if kind.kind not in {"Pod", "StatefulSet"} and mount["name"] not in volumes:
                raise _invalid(kind, name, f'{where}.volumeMounts: Not found: "{mount["name"]}"')


def _check_data(kind: Kind, name: str, body: dict[str, Any]) -> None:
    for key, value in (body.get("data") or {}).items():
        if not isinstance(value, str):
            raise ApiError(
                400,
                f"cannot unmarshal {type(value).__name__} into Go struct field "
                f"{kind.kind}.data.{key} of type string",
            )
        if kind.kind == "Secret":
            try:
                base64.b64decode(value, validate=True)
            except binascii.Error as error:
                raise ApiError(400, f"illegal base64 data in Secret {name}, {key}") from error


def _check_taints(kind: Kind, name: str, taints: list[dict[str, Any]]) -> None:
    seen = [(taint.get("key"), taint.get("effect")) for taint in taints]
    if len(seen) != len(set(seen)):
        raise _invalid(
            kind, name, "spec.taints: Duplicate value: taints must be unique by key and effect pair"
        )
    for taint in taints:
        if taint.get("effect") not in {"NoSchedule", "PreferNoSchedule", "NoExecute"}:
            raise _invalid(kind, name, f"spec.taints.effect: Unsupported value: {taint}")


def check_update(kind: Kind, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raise `ApiError` 422 when a field that never changes would change."""
    name = before["metadata"]["name"]
    for path in IMMUTABLE.get(kind.kind, ()) if not kind.custom else ():
        old = _at(before, path)
        if old not in (None, "") and _at(after, path) != old:
            raise _invalid(kind, name, f"{path}: Invalid value: field is immutable")
    if before.get("immutable") and before.get("data") != after.get("data"):
        raise _invalid(kind, name, "data: Forbidden: field is immutable when `immutable` is set")
