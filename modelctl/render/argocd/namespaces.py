"""The namespaces of teams, and what bounds everything in them."""

from collections.abc import Iterator

from modelctl.render.argocd.metadata import Object, metadata
from modelctl.repo.kinds import Environment, Quota, Team, Teams

_COMPONENT = "namespace"
_LEVEL = "restricted"  # of the Pod Security Standards; the pods of models are made for it
_POD_SECURITY = ("enforce", "audit", "warn")
# A namespace goes with everything in it: a file that goes missing must not take models along.
_KEPT = {"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}


def objects(environment: Environment, teams: Teams) -> tuple[Object, ...]:
    """The namespace, its bounds and its first policy of each team that serves in an environment."""
    return tuple(
        value for team in teams.ordered if team.serves_in(environment) for value in _of_team(team)
    )


def _of_team(team: Team) -> Iterator[Object]:
    yield _namespace(team)
    if team.quota is not None:
        yield _quota(team, team.quota)
    yield _limits(team)
    yield _nothing_goes(team)


def _namespace(team: Team) -> Object:
    whole = metadata(team.namespace, _COMPONENT, namespace=None)
    security = {f"pod-security.kubernetes.io/{mode}": _LEVEL for mode in _POD_SECURITY}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            **whole,
            "labels": whole["labels"] | security | {"modelctl.dev/team": team.name},
            "annotations": _KEPT,
        },
    }


def _quota(team: Team, quota: Quota) -> Object:
    """What pods may take together; memory is bounded by limits too, which are equal to requests."""
    return _object(
        team,
        "v1",
        "ResourceQuota",
        {
            "hard": {
                "requests.cpu": quota.cpu,
                "requests.memory": quota.memory,
                "limits.memory": quota.memory,
                "pods": str(quota.pods),
                **{f"requests.{name}": str(count) for name, count in sorted(quota.gpus.items())},
            }
        },
    )


def _limits(team: Team) -> Object:
    """What a container has that says nothing of its own, as a quota wants it from every one."""
    return _object(
        team,
        "v1",
        "LimitRange",
        {
            "limits": [
                {
                    "type": "Container",
                    "default": {"memory": "256Mi"},
                    "defaultRequest": {"cpu": "100m", "memory": "256Mi"},
                }
            ]
        },
    )


def _nothing_goes(team: Team) -> Object:
    """No pod is reached and none reaches anything, but as a policy of its own says."""
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return _object(team, "networking.k8s.io/v1", "NetworkPolicy", spec)


def _object(team: Team, api_version: str, kind: str, spec: Object) -> Object:
    """An object of a team's namespace; its name is the namespace's, so that each has one file."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": metadata(team.namespace, _COMPONENT, namespace=team.namespace),
        "spec": spec,
    }
