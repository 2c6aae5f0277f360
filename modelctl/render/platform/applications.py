"""The Applications that sync what is rendered for an environment as a whole, one a folder."""

from modelctl.render.argocd.metadata import API, Object, destination, metadata, source
from modelctl.render.argocd.project import PLATFORM
from modelctl.render.argocd.sync import OPTIONS, PRUNE_OPTION, retry
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, GitSource

# The kinds of some objects come with other Applications, and are not there yet on the first day.
# What is there already is applied meanwhile; the rest comes with the next try.
_KINDS_TO_COME = "SkipDryRunOnMissingResource=true"


def application(environment: Environment, folder: str, of: GitSource) -> Object:
    """The Application of one folder below the platform of an environment.

    Deleting it leaves what it applied: it has no finalizer.
    """
    return {
        "apiVersion": API,
        "kind": "Application",
        "metadata": {
            **metadata(layout.platform_application(folder), "platform"),
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": "."},
        },
        "spec": {
            "project": PLATFORM,
            "source": source(of, layout.platform_folder(environment.name, folder)),
            "destination": destination(_namespace(environment, folder)),
            "revisionHistoryLimit": 10,
            "syncPolicy": {
                "automated": {"enabled": True, "prune": True, "selfHeal": True},
                "syncOptions": sorted({*OPTIONS, PRUNE_OPTION, _KINDS_TO_COME}),
                "retry": retry(),
            },
        },
    }


def _namespace(environment: Environment, folder: str) -> str:
    """Where dashboards are read; every other object names its own, where it has one."""
    is_read = folder == "dashboards"
    return environment.network.monitoring_namespace if is_read else environment.gateway.namespace
