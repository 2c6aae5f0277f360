"""A real API server takes every object of this repository, and a second time changes nothing.

Strict validation knows each field of each kind; rules in CEL, which no offline schema can check,
are evaluated.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT
from tests.cluster import world
from tests.cluster.api import Api, Object, RefusedError, key
from tests.cluster.argo import place

ENVIRONMENTS = [each.name for each in load(WorkTree(PROJECT)).environments.ordered]


def objects(environment: str) -> Iterator[Object]:
    """Everything that one environment's cluster is given, in the order of a sync."""
    folders = [str(p.relative_to(PROJECT)) for p in PROJECT.glob(f"apps/*/rendered/{environment}")]
    folders += [f"argocd/{each}/{environment}" for each in ("applications", "projects", "platform")]
    # Argo CD's own settings: those of every environment, over which each lays its own.
    files = [*PROJECT.glob("argocd/config/*.yaml"), *_own(environment)]
    folders += [str(path.relative_to(PROJECT)) for path in files]
    found = {key(item): item for item in world.documents(PROJECT, *folders)}
    return iter(sorted(found.values(), key=place))


def _own(environment: str) -> Iterator[Path]:
    yield from PROJECT.glob(f"argocd/config/{environment}/*.yaml")
    yield from PROJECT.glob(f"argocd/bootstrap/{environment}.yaml")


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_accepted_as_it_is(api: Api, environment: str) -> None:
    """Applied strictly, again and again: nothing is refused, and the last time nothing changes.

    The second time may still: the status that a definition gives by default, as a Gateway's has, is
    left out when an object is made, and stored with the next write.
    """
    every = list(objects(environment))
    world.make_namespaces(api, every)
    unknown = sorted({i["kind"] for i in every if not api.serves(i["apiVersion"], i["kind"])})
    refused: list[str] = []
    versions: dict[str, list[str]] = {}
    for _ in range(3):
        for item in every:
            try:
                applied = api.apply(item)["metadata"]["resourceVersion"]
            except RefusedError as error:
                refused.append(f"{key(item)}: {error}")
            else:
                versions.setdefault(str(key(item)), []).append(applied)

    assert [] == unknown
    assert [] == refused
    assert [] == [name for name, seen in versions.items() if len(set(seen[1:])) > 1]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pod_is_admitted(api: Api, environment: str) -> None:
    """Where only pods are admitted that ask for no privilege, those of each release are."""
    deployments = _deployments(api, environment)
    refused = []
    for item in deployments:
        try:
            api.create(_pod(item), dry_run=True)
        except RefusedError as error:
            refused.append(f"{key(item)}: {error}")

    assert deployments
    assert [] == refused


def test_a_pod_that_asks_for_more_is_refused(api: Api) -> None:
    """These namespaces do refuse: else the test before this one would prove nothing."""
    pod = _pod(_deployments(api, ENVIRONMENTS[-1])[0])
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True

    with pytest.raises(RefusedError, match="violates PodSecurity"):
        api.create(pod, dry_run=True)


def _deployments(api: Api, environment: str) -> list[Object]:
    """The Deployments of an environment, whose pods find their namespaces and accounts."""
    every = list(objects(environment))
    world.make_namespaces(api, every)
    for item in every:
        if item["kind"] == "ServiceAccount":
            api.apply(item)
    return [item for item in every if item["kind"] == "Deployment"]


def _pod(deployment: Object) -> Object:
    template = deployment["spec"]["template"]
    about = {
        "name": f"{deployment['metadata']['name']}-0",
        "namespace": deployment["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template["spec"]}
