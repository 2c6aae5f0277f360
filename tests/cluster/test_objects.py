"""A real API server takes every object of this repository, and a second time changes nothing.

Strict validation knows each field of each kind; rules in CEL, which no offline schema can check,
are evaluated.
"""

from collections.abc import Iterator

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
    found = [*world.documents(PROJECT, *folders, "argocd/config"), *_root(environment)]
    return iter(sorted(found, key=place))


def _root(environment: str) -> Iterator[Object]:
    return (
        item
        for item in world.documents(PROJECT, "argocd/bootstrap")
        if environment in str(item["spec"])
    )


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_object_is_accepted_as_it_is(api: Api, environment: str) -> None:
    """Applied strictly, then again: nothing is refused, and the second time nothing changes."""
    every = list(objects(environment))
    world.make_namespaces(api, every)
    unknown = sorted({i["kind"] for i in every if not api.serves(i["apiVersion"], i["kind"])})
    refused: list[str] = []
    versions: dict[str, list[str]] = {}
    for _ in range(2):
        for item in every:
            try:
                applied = api.apply(item)["metadata"]["resourceVersion"]
            except RefusedError as error:
                refused.append(f"{key(item)}: {error}")
            else:
                versions.setdefault(str(key(item)), []).append(applied)

    assert [] == unknown
    assert [] == refused
    assert [] == [name for name, seen in versions.items() if len(set(seen)) > 1]


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_every_pod_is_admitted(api: Api, environment: str) -> None:
    """Where only pods are admitted that ask for no privilege, those of each release are."""
    every = list(objects(environment))
    world.make_namespaces(api, every)
    for item in every:
        if item["kind"] == "ServiceAccount":
            api.apply(item)
    deployments = [item for item in every if item["kind"] == "Deployment"]
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
    item = next(item for item in objects(ENVIRONMENTS[-1]) if item["kind"] == "Deployment")
    world.make_namespaces(api, [item])
    pod = _pod(item)
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True

    with pytest.raises(RefusedError, match="violates PodSecurity"):
        api.create(pod, dry_run=True)


def _pod(deployment: Object) -> Object:
    template = deployment["spec"]["template"]
    about = {
        "name": f"{deployment['metadata']['name']}-0",
        "namespace": deployment["metadata"]["namespace"],
        "labels": template["metadata"]["labels"],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": template["spec"]}
