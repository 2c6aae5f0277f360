"""The AppProjects of an environment: what the models of a team, and the platform, may be."""

from collections.abc import Collection, Iterable

from modelctl.render.argocd.kinds import MODEL_KINDS, NAMESPACE_KINDS
from modelctl.render.argocd.metadata import API, GROUP, NAMESPACE, Object, destination, metadata
from modelctl.repo.kinds import GitSource, Team, namespace_of

ROOT = "root"
PLATFORM = "platform"
_COMPONENT = "project"
# What people of a team may do in Argo CD; whatever else is not listed is denied. Nothing in a
# cluster changes without a commit, so nobody may create, update, override or delete.
_RIGHTS = (
    ("applications", "get"),
    ("applications", "sync"),
    ("applications", "action/apps/Deployment/restart"),
    ("logs", "get"),
)


def team_project(team: Team, source: GitSource, former: Iterable[str] = ()) -> Object:
    """The project of a team: this repository, its namespace, the kinds that are rendered.

    No kind outside of a namespace is allowed, because none is listed. `former` are the teams that
    models of this one move from: as long as a move stands, what they left there can be pruned.
    """
    namespaces = sorted({namespace_of(each) for each in former} - {team.namespace})
    return _project(
        team.name,
        description=team.description,
        repositories=[source.url],
        destinations=[destination(each) for each in (team.namespace, *namespaces)],
        rights={
            "namespaceResourceWhitelist": _kinds(MODEL_KINDS),
            "orphanedResources": {"warn": True, "ignore": _kinds(NAMESPACE_KINDS)},
            "roles": [_role(team)],
        },
    )


def platform_project(source: GitSource, charts: Collection[str]) -> Object:
    """The project of what models need: anything, from this repository and the charts it names.

    Only Applications in argocd/platform are of this project; whoever reviews those files decides
    what a cluster is made of.
    """
    return _project(
        PLATFORM,
        description="What models need of the cluster.",
        repositories=[source.url, *sorted(charts)],
        destinations=[destination("*")],
        rights={
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            "namespaceResourceWhitelist": [{"group": "*", "kind": "*"}],
        },
    )


def root_project(source: GitSource) -> Object:
    """The project of the root Application alone: it may write Applications and projects."""
    return _project(
        ROOT,
        description="The root Application of the environment.",
        repositories=[source.url],
        destinations=[destination(NAMESPACE)],
        rights={
            "namespaceResourceWhitelist": _kinds(((GROUP, "Application"), (GROUP, "AppProject")))
        },
    )


def _project(
    name: str,
    *,
    description: str,
    repositories: list[str],
    destinations: list[Object],
    rights: Object,
) -> Object:
    return {
        "apiVersion": API,
        "kind": "AppProject",
        "metadata": metadata(name, _COMPONENT),
        "spec": {
            "description": description,
            "sourceRepos": repositories,
            "destinations": destinations,
            **rights,
        },
    }


def _role(team: Team) -> Object:
    subject, objects = f"proj:{team.name}:team", f"{team.name}/*"
    return {
        "name": "team",
        "description": "Sees, syncs and restarts the team's models; changes come through git.",
        "groups": list(team.groups),
        "policies": [
            f"p, {subject}, {resource}, {action}, {objects}, allow" for resource, action in _RIGHTS
        ],
    }


def _kinds(kinds: Iterable[tuple[str, str]]) -> list[Object]:
    return [{"group": group, "kind": kind} for group, kind in kinds]
