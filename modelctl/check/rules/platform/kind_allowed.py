"""An object that people write is of a kind that its Application may apply.

## What it does
Holds the objects of `argocd/platform/` to the projects of their Applications. The files of an
environment's folder are applied by `root`, which writes Applications and projects in the namespace
`argocd` and nothing else. Those of its `site/` are applied in the project `platform`: no kind of
Argo CD's own, and of the kinds outside of namespaces those that the project lists. The files of
`argocd/config/` are of the namespace `argocd`, where Argo CD looks for its settings.

## Why
Argo CD refuses the whole sync for one object that its project does not allow, so that everything
beside it waits too. An ApplicationSet makes Applications that no check has seen.

## Bad
```yaml
# argocd/platform/prod/priority.yaml
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
```

## Good
```yaml
# argocd/platform/prod/site/storage.yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
```
"""

from collections.abc import Iterator

from modelctl.check.written import GROUP, ROOT, SETTINGS, SITE, Written, written
from modelctl.finding import Level, Scope, Violation
from modelctl.render.argocd.kinds import PLATFORM_KINDS
from modelctl.render.argocd.metadata import NAMESPACE
from modelctl.repo.layout import PLATFORM
from modelctl.repo.repository import Files

ID = "kind-allowed"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_OF_ROOT = ("Application", "AppProject")
# Kinds outside of namespaces that are well known and that no chart of the platform needs.
_OUTSIDE = frozenset(
    {
        ("", "Node"),
        ("", "PersistentVolume"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("resource.k8s.io", "DeviceClass"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("snapshot.storage.k8s.io", "VolumeSnapshotClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "VolumeAttachment"),
    }
)


def check(files: Files) -> Iterator[Violation]:
    """One finding for each object that is not applied."""
    for each in written(files):
        if not each.kind:
            continue
        if each.reader == ROOT:
            yield from _of_root(each)
        elif each.reader == SITE:
            yield from _of_a_site(each)
        elif each.reader == SETTINGS and each.namespace not in ("", NAMESPACE):
            message = f"found the namespace {each.namespace}, expected {NAMESPACE}"
            remedy = f"write namespace: {NAMESPACE}, where Argo CD looks for it"
            yield each.violation("metadata", "namespace", message=message, remedy=remedy)


def _of_root(each: Written) -> Iterator[Violation]:
    if each.kind == "ApplicationSet":
        message = "found an ApplicationSet, expected Applications, each in a file"
        remedy = "write them out: what a set generates is in no commit, and no check sees it"
        yield each.violation("kind", message=message, remedy=remedy)
    elif each.kind not in _OF_ROOT or each.group not in ("", GROUP):
        if each.group == GROUP:
            return  # it is a word that no server knows: another rule's
        message = f"found the kind {each.kind}, expected {' or '.join(_OF_ROOT)}"
        remedy = f"move it to {PLATFORM}/{each.environment}/{SITE}/: root may write nothing else"
        yield each.violation("kind", message=message, remedy=remedy)
    elif each.namespace not in ("", NAMESPACE):
        message = f"found the namespace {each.namespace}, expected {NAMESPACE}"
        remedy = f"write namespace: {NAMESPACE}, the only one that root writes into"
        yield each.violation("metadata", "namespace", message=message, remedy=remedy)


def _of_a_site(each: Written) -> Iterator[Violation]:
    if each.group == GROUP:
        message = f"found the kind {each.kind}, expected none of Argo CD's own in {SITE}/"
        remedy = f"move an Application to {PLATFORM}/{each.environment}/; write no ApplicationSet"
        yield each.violation("kind", message=message, remedy=remedy)
    elif (each.group, each.kind) in _OUTSIDE:
        allowed = ", ".join(kind for _, kind in PLATFORM_KINDS)
        message = f"found the kind {each.kind}, expected one that the project platform allows"
        remedy = f"outside of namespaces it allows {allowed}; let Ansible bring others"
        yield each.violation("kind", message=message, remedy=remedy)
