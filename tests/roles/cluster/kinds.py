"""The kinds that a cluster serves before any CustomResourceDefinition."""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """One kind in one version of one API group."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    custom: bool = False
    subresources: tuple[str, ...] = field(default=("status",))

    @property
    def api_version(self) -> str:
        """As objects spell it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def full_name(self) -> str:
        """Plural and group, as error messages spell it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_NAMESPACED = {
    "v1": "Pod ConfigMap Secret ServiceAccount Service Event Endpoints PersistentVolumeClaim "
    "ResourceQuota LimitRange ReplicationController",
    "apps/v1": "Deployment StatefulSet DaemonSet ReplicaSet ControllerRevision",
    "batch/v1": "Job CronJob",
    "autoscaling/v2": "HorizontalPodAutoscaler",
    "policy/v1": "PodDisruptionBudget",
    "networking.k8s.io/v1": "NetworkPolicy Ingress",
    "rbac.authorization.k8s.io/v1": "Role RoleBinding",
    "coordination.k8s.io/v1": "Lease",
    "discovery.k8s.io/v1": "EndpointSlice",
    "events.k8s.io/v1": "Event",
    "resource.k8s.io/v1": "ResourceClaim ResourceClaimTemplate",
}
_CLUSTER = {
    "v1": "Node Namespace PersistentVolume",
    "rbac.authorization.k8s.io/v1": "ClusterRole ClusterRoleBinding",
    "apiextensions.k8s.io/v1": "CustomResourceDefinition",
    "scheduling.k8s.io/v1": "PriorityClass",
    "storage.k8s.io/v1": "StorageClass CSIDriver CSINode VolumeAttachment",
    "node.k8s.io/v1": "RuntimeClass",
    "networking.k8s.io/v1": "IngressClass",
    "apiregistration.k8s.io/v1": "APIService",
    "certificates.k8s.io/v1": "CertificateSigningRequest",
    "admissionregistration.k8s.io/v1": "ValidatingWebhookConfiguration "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding",
    "resource.k8s.io/v1": "DeviceClass ResourceSlice",
}
_SUBRESOURCES = {
    "Pod": ("status", "eviction", "log"),
    "Deployment": ("status", "scale"),
    "StatefulSet": ("status", "scale"),
}


def plural_of(kind: str) -> str:
    """The resource name of a built-in kind."""
    name = kind.lower()
    if name == "endpoints":
        return name
    if name.endswith(("s", "x", "ch")):
        return f"{name}es"
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"


def builtin() -> Iterator[Kind]:
    """Every kind that needs no definition."""
    for table, namespaced in ((_NAMESPACED, True), (_CLUSTER, False)):
        for api_version, names in table.items():
            group, _, version = api_version.rpartition("/")
            for name in names.split():
                subresources = _SUBRESOURCES.get(name, ("status",))
                yield Kind(
                    group, version, name, plural_of(name), namespaced, subresources=subresources
                )
