"""The Applications of what models need, as people wrote them, and who brings which kinds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT

Json = Any

PLATFORM = PROJECT / "argocd" / "platform"
ENVIRONMENTS = tuple(
    each.name for each in load(WorkTree(PROJECT)).environments.ordered if each.engine == "argocd"
)
# The groups whose definitions a chart brings; every chart that is used has a line.
KINDS_OF_CHARTS: Mapping[str, tuple[str, ...]] = {
    "cert-manager": ("acme.cert-manager.io", "cert-manager.io"),
    "external-secrets": ("external-secrets.io", "generators.external-secrets.io"),
    "gateway-crds-helm": ("gateway.envoyproxy.io", "gateway.networking.k8s.io"),
    "gateway-helm": (),  # with crds.enabled false
    "gpu-operator": ("nfd.k8s-sigs.io", "nvidia.com", "resource.nvidia.com"),
    "keda": ("eventing.keda.sh", "keda.sh"),
    "kube-prometheus-stack": ("monitoring.coreos.com",),
    "metrics-server": (),
    "victoria-logs-collector": (),
    "victoria-logs-single": (),
}
# The groups of Kubernetes itself, and Argo CD's own, which Ansible installs with it.
BUILT_IN = {
    "",
    "admissionregistration.k8s.io",
    "apps",
    "argoproj.io",
    "autoscaling",
    "networking.k8s.io",
    "policy",
}


def applications(environment: str) -> dict[str, Json]:
    """What stands directly in the folder of an environment, by file name without its suffix."""
    paths = sorted((PLATFORM / environment).glob("*.yaml"))
    return {path.stem: yaml.safe_load(path.read_text()) for path in paths}


def charts(environment: str) -> dict[str, Json]:
    """Those that people write, whose sources are charts."""
    written = applications(environment)
    return {name: value for name, value in written.items() if not name.startswith("application-")}


def sources(application: Json) -> list[Json]:
    """The one source of an Application, or all of them."""
    spec = application["spec"]
    found: list[Json] = spec.get("sources") or [spec["source"]]
    return found


def owners(environment: str) -> Iterator[tuple[str, str]]:
    """Each group of kinds with the Application that brings its definitions."""
    for name, application in charts(environment).items():
        for source in sources(application):
            for group in KINDS_OF_CHARTS[source["chart"]]:
                yield group, name


def used_groups(environment: str) -> set[str]:
    """The groups of all objects that stand in the repository for an environment."""
    folders = [*PROJECT.glob(f"apps/*/rendered/{environment}"), PLATFORM / environment]
    return {group_of(path) for folder in folders for path in folder.rglob("*.yaml")}


def group_of(path: Path) -> str:
    """The API group of the object in a file."""
    group, slash, _ = str(yaml.safe_load(path.read_text())["apiVersion"]).partition("/")
    return group if slash else ""
