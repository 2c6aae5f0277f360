"""What a pod needs to reach the stores of its artifacts, as its environment declares it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from modelctl.repo.kinds import Stores

_REGISTRY = "registry-login"
_REGISTRY_FOLDER = "/etc/modelserver/registry"
_CERTIFICATES = "certificates"
_CERTIFICATES_FOLDER = "/etc/modelserver/certificates"
_DEFAULT_PORTS = {"https": 443, "http": 80}


def variables(stores: Stores) -> list[tuple[str, str]]:
    """Settings that are no secret, sorted by name."""
    found = dict(stores.variables)
    if stores.registry_secret:
        found["DOCKER_CONFIG"] = _REGISTRY_FOLDER
    if stores.certificates:
        found["SSL_CERT_FILE"] = f"{_CERTIFICATES_FOLDER}/{stores.certificates.key}"
    return sorted(found.items())


def env_from(stores: Stores) -> dict[str, Any]:
    """The container's `envFrom`: Secrets, each key of which is a variable; nothing without any."""
    sources = [{"secretRef": {"name": name}} for name in stores.secrets]
    return {"envFrom": sources} if sources else {}


def mounts(stores: Stores) -> list[dict[str, Any]]:
    """Where the container finds files of a registry's login, and of certificates."""
    found = []
    if stores.registry_secret:
        found.append({"name": _REGISTRY, "mountPath": _REGISTRY_FOLDER, "readOnly": True})
    if stores.certificates:
        found.append({"name": _CERTIFICATES, "mountPath": _CERTIFICATES_FOLDER, "readOnly": True})
    return found


def volumes(stores: Stores) -> list[dict[str, Any]]:
    """What is mounted there."""
    found: list[dict[str, Any]] = []
    if stores.registry_secret:
        found.append({"name": _REGISTRY, "secret": {"secretName": stores.registry_secret}})
    if stores.certificates:
        config_map = {"name": stores.certificates.config_map}
        found.append({"name": _CERTIFICATES, "configMap": config_map})
    return found


def ports(stores: Stores) -> set[int]:
    """The ports of the endpoints and proxies that are named."""
    return set(_ports(stores))


def _ports(stores: Stores) -> Iterator[int]:
    for value in stores.variables.values():
        try:
            parts = urlsplit(value)
            port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        except ValueError:  # no URL, whatever it is
            continue
        if port and parts.hostname:
            yield port
