"""How a pod comes to its artifact: the server fetches it, or its node mounts it.

An image volume needs no room of the pod and no way out to the registry; the node pulls it with the
pod's own pull secrets. The server verifies the digest of what it finds there all the same.

Source: Kubernetes 1.36, volumes of type image.
"""

from typing import Any

from modelctl.repo.kinds import Environment, Release
from modelctl.repo.mirrors import mirrored, table

_NAME = "artifact"
_FOLDER = "/mnt/artifact"
_FILE = "model.onnx"  # where an image holds it, at its root
_OCI = "oci://"


def uri(release: Release, environment: Environment) -> str:
    """Where the server of a release reads its artifact."""
    place = _place(release, environment)
    return f"file://{_FOLDER}/{_FILE}" if _is_mounted(release, place) else place


def fetched(release: Release, environment: Environment) -> list[str]:
    """What the server of a release fetches itself."""
    own = _place(release, environment)
    golden = [mirrored(release.golden.uri, table(environment))] if release.golden else []
    return [*([] if _is_mounted(release, own) else [own]), *golden]


def mounts(release: Release, environment: Environment) -> list[dict[str, Any]]:
    """Where the container finds what its node pulled."""
    if not _is_mounted(release, _place(release, environment)):
        return []
    return [{"name": _NAME, "mountPath": _FOLDER, "readOnly": True}]


def volumes(release: Release, environment: Environment) -> list[dict[str, Any]]:
    """What is mounted there: an image by its digest, so that a node that has it asks nobody."""
    place = _place(release, environment)
    if not _is_mounted(release, place):
        return []
    image = {"reference": place.removeprefix(_OCI), "pullPolicy": "IfNotPresent"}
    return [{"name": _NAME, "image": image}]


def _place(release: Release, environment: Environment) -> str:
    return mirrored(release.artifact.uri, table(environment))


def _is_mounted(release: Release, place: str) -> bool:
    """An environment whose mirrors lead elsewhere than to a registry has nothing to mount."""
    return release.artifact.mount == "image" and place.startswith(_OCI)
