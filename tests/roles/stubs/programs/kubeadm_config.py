"""kubeadm's configuration files: read strictly, as kubeadm does."""

from pathlib import Path
from typing import Any

import yaml

from . import calls
from .kubeadm_schema import COMPONENTS, V1BETA4, problems

API = "kubeadm.k8s.io/v1beta4"
OLD = ("kubeadm.k8s.io/v1beta1", "kubeadm.k8s.io/v1beta2", "kubeadm.k8s.io/v1beta3")
HEADER = {"apiVersion": None, "kind": None}


def _refuse(document: dict[str, Any]) -> str:
    version, kind = str(document.get("apiVersion")), str(document.get("kind"))
    if version in OLD:
        return (
            f'your configuration file uses an old API spec: "{version}" (kind: "{kind}"). '
            f"Please use kubeadm v1.36 instead and run 'kubeadm config migrate'"
        )
    schema = V1BETA4 if version == API else COMPONENTS.get(version, {})
    if kind not in schema:
        return f'no kind "{kind}" is registered for version "{version}"'
    found = problems(document, {**HEADER, **schema[kind]}, "")
    if found:
        return f'error unmarshaling configuration GroupVersionKind "{version}, {kind}": {found[0]}'
    return ""


def read(path: str) -> dict[str, dict[str, Any]]:
    """The documents of a configuration file by kind."""
    if not path or not Path(path).exists():
        calls.fail(f'unable to read config from "{path}": no such file')
    try:
        documents = [d for d in yaml.safe_load_all(Path(path).read_text()) if d]
    except yaml.YAMLError as error:
        calls.fail(f"error converting YAML to JSON: {error}")
    for document in documents:
        refusal = _refuse(document)
        if refusal:
            calls.fail(refusal)
    kinds = [document["kind"] for document in documents]
    if len(kinds) != len(set(kinds)):
        calls.fail(f'kind "{kinds[0]}" is given twice in {path}')
    return {document["kind"]: document for document in documents}


def arguments(pairs: list[dict[str, str]] | None) -> dict[str, str]:
    """Extra arguments as a mapping."""
    return {pair["name"]: str(pair["value"]) for pair in pairs or []}


def patched(kubelet: dict[str, Any], directory: str) -> dict[str, Any]:
    """A kubelet configuration with the patches for it in a directory."""
    if not directory:
        return kubelet
    if not Path(directory).is_dir():
        calls.fail(f'could not list patch files for path "{directory}": no such directory')
    for path in sorted(Path(directory).glob("kubeletconfiguration*")):
        for document in yaml.safe_load_all(path.read_text()):
            kubelet = _merge(kubelet, document or {})
    return kubelet


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merge(merged[key], value)
        else:
            merged[key] = value
    return merged
