"""Everything that is asked of a cluster: one list a kind, however many models there are."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelctl.cluster.access import Access
from modelctl.cluster.failures import Asked, ClusterError, UnansweredError, late, no_namespace

Json = Mapping[str, Any]

ARGOCD = "argocd"  # the namespace of Argo CD and its Applications
_OURS = "app.kubernetes.io/part-of=models,app.kubernetes.io/managed-by=modelctl"
_PAGE = 500  # objects in one answer, as kubectl asks
_PATIENCE_S = 30.0  # for all lists together; who waits longer asks whether it hangs
_BEGINNINGS = 3  # of a list whose next page is known no more, before it is given up
_JSON = "application/json"
# Names and labels alone, of which the server need not send the rest.
_NAMES = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{_JSON}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object to list: where its API is, and which of them."""

    asked: Asked
    version: str
    selector: str = ""
    accept: str = _JSON

    @property
    def path(self) -> str:
        """The path of the list."""
        api = f"/apis/{self.asked.group}" if self.asked.group else "/api"
        below = f"/namespaces/{self.asked.namespace}" if self.asked.namespace else ""
        return f"{api}/{self.version}{below}/{self.asked.resource}"


APPLICATIONS = Resource(Asked("argoproj.io", "applications", ARGOCD), "v1alpha1")
# All of them: one of somebody else's for the same path is seen, and one that lost its labels.
ROUTES = Resource(Asked("gateway.networking.k8s.io", "httproutes"), "v1")
DEPLOYMENTS = Resource(Asked("apps", "deployments"), "v1")
PODS = Resource(Asked("", "pods"), "v1", _OURS)
NAMESPACES = Resource(Asked("", "namespaces"), "v1", accept=_NAMES)
RESOURCES = (NAMESPACES, APPLICATIONS, ROUTES, DEPLOYMENTS, PODS)


@dataclass(frozen=True, slots=True)
class Live:
    """What a cluster has, as its API says it."""

    applications: tuple[Json, ...] = ()
    routes: tuple[Json, ...] = ()
    deployments: tuple[Json, ...] = ()
    pods: tuple[Json, ...] = ()
    namespaces: frozenset[str] = frozenset()


def live(access: Access) -> Live:
    """All that is asked of a cluster.

    Raises:
        ClusterError: Anything could not be read; it says so of everything that could not.
    """
    end_s = time.monotonic() + _PATIENCE_S
    found: dict[Resource, tuple[Json, ...]] = {}
    faults: list[str] = []
    for resource in RESOURCES:
        try:
            found[resource] = _listed(access, resource, end_s)
        except UnansweredError:
            raise
        except ClusterError as error:
            faults.append(str(error))
    names = frozenset(str(each["metadata"]["name"]) for each in found.get(NAMESPACES, ()))
    if NAMESPACES in found and ARGOCD not in names:
        faults.append(str(no_namespace(access.place, ARGOCD)))
    if faults:
        raise ClusterError("\n".join(faults))
    return Live(found[APPLICATIONS], found[ROUTES], found[DEPLOYMENTS], found[PODS], names)


def _listed(access: Access, resource: Resource, end_s: float) -> tuple[Json, ...]:
    """Every object of a list, page by page, by a time.

    A list whose next page the cluster has forgotten, because it took too long, is begun anew.

    Raises:
        ClusterError: It cannot be read, or not by then.
    """
    found: list[Json] = []
    token = ""
    for _ in range(_BEGINNINGS):
        found, token = [], ""
        while (page := _page(access, resource, token, end_s)) is not None:
            found += page.get("items", ())
            token = str(page.get("metadata", {}).get("continue") or "")
            if not token:
                return tuple(found)
    raise late(access.place, resource.asked, _PATIENCE_S)


def _page(access: Access, resource: Resource, token: str, end_s: float) -> Json | None:
    left_s = end_s - time.monotonic()
    if left_s <= 0:
        raise late(access.place, resource.asked, _PATIENCE_S)
    wanted = {"limit": str(_PAGE), "labelSelector": resource.selector, "continue": token}
    query = {name: value for name, value in wanted.items() if value}
    return access.page(
        resource.path, query, resource.asked, accept=resource.accept, patience_s=left_s
    )
