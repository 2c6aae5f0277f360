"""Objects that people write are of versions that the cluster serves.

## What it does
Compares the `apiVersion` of each object in `argocd/config/` and `argocd/platform/` with what
Kubernetes serves of its own groups today, and with the one version of Argo CD's own kinds.

## Why
The API server knows nothing of a version that was removed or never was. The Application that has
the object cannot be compared any more, and applies nothing until the next commit mends it.

## Bad
```yaml
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
```

## Good
```yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
```
"""

from collections.abc import Iterator, Mapping

from modelctl.check.written import GROUP, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo.repository import Files

ID = "api-version-served"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

# Source: the deprecation guide of Kubernetes, as of 1.36; the first one is what to write.
_VERSIONS: Mapping[str, tuple[str, ...]] = {
    "": ("v1",),
    GROUP: ("v1alpha1",),
    "admissionregistration.k8s.io": ("v1", "v1beta1", "v1alpha1"),
    "apiextensions.k8s.io": ("v1",),
    "apiregistration.k8s.io": ("v1",),
    "apps": ("v1",),
    "autoscaling": ("v2", "v1"),
    "batch": ("v1",),
    "cert-manager.io": ("v1",),
    "extensions": (),
    "networking.k8s.io": ("v1", "v1beta1"),
    "policy": ("v1",),
    "rbac.authorization.k8s.io": ("v1",),
    "scheduling.k8s.io": ("v1", "v1alpha1", "v1alpha2"),
    "storage.k8s.io": ("v1", "v1beta1", "v1alpha1"),
}
# The group of kinds that people write often, and never means another's.
_GROUPS: Mapping[str, str] = {
    "AppProject": GROUP,
    "ApplicationSet": GROUP,
    "ClusterIssuer": "cert-manager.io",
    "ClusterRole": "rbac.authorization.k8s.io",
    "ClusterRoleBinding": "rbac.authorization.k8s.io",
    "ConfigMap": "",
    "CustomResourceDefinition": "apiextensions.k8s.io",
    "DaemonSet": "apps",
    "Deployment": "apps",
    "HorizontalPodAutoscaler": "autoscaling",
    "Namespace": "",
    "NetworkPolicy": "networking.k8s.io",
    "PodDisruptionBudget": "policy",
    "ServiceAccount": "",
    "StatefulSet": "apps",
    "StorageClass": "storage.k8s.io",
}
_OF_ARGO_CD = ("Application", "AppProject", "ApplicationSet")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each version, group or kind that no server knows."""
    for each in written(files):
        version = each.value.get("apiVersion")
        if not isinstance(version, str) or not each.kind:
            continue
        if each.group in _VERSIONS and version.rpartition("/")[2] not in _VERSIONS[each.group]:
            yield _another_version(each, version)
        elif _GROUPS.get(each.kind, each.group) != each.group and not _is_foreign(each.group):
            group = _GROUPS[each.kind]
            message = f"found {version}, expected {_spelt(group)}, which has {each.kind}"
            yield each.violation("apiVersion", message=message, remedy="write that")
        elif each.group == GROUP and each.kind not in _OF_ARGO_CD:
            message = f"found the kind {each.kind}, expected one of {', '.join(_OF_ARGO_CD)}"
            yield each.violation("kind", message=message, remedy=hint(each.kind, _OF_ARGO_CD))


def _another_version(each: Written, version: str) -> Violation:
    group = each.group if _VERSIONS[each.group] else _GROUPS.get(each.kind, "networking.k8s.io")
    message = f"found {version}, expected {_spelt(group)}: no server has this version"
    return each.violation("apiVersion", message=message, remedy=f"write {_spelt(group)}")


def _spelt(group: str) -> str:
    return f"{group}/{_VERSIONS[group][0]}" if group else _VERSIONS[group][0]


def _is_foreign(group: str) -> bool:
    """Whether a group may have a kind of the same name: Kubernetes' own are in the table."""
    return group not in _VERSIONS
