"""The local Envoy is told what Envoy Gateway tells its own, for the same rendered objects.

What `egctl` gave lies in `egctl/`, by case, with the objects that it was given. After a wanted
change of the renderer: `make cluster-tools`, then `UPDATE_GOLDEN=1 python -m pytest tests/cluster`.
"""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from modelctl.gateway import merging
from modelctl.gateway.fields import Field
from modelctl.gateway.reading import read
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.objects import model_plan
from modelctl.local.plan.values import Published
from modelctl.render.templates import TEMPLATES
from modelctl.repo.kinds import Environment, Serving, Shadow
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import WorkTree
from scratch import PROJECT
from tests.cluster import tools, translation

MODEL = "digits-cnn"
RECORDED = Path(__file__).parent / "egctl"
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """What is served of the sample model."""

    weights: dict[str, int]
    shadow: Shadow | None = None


CASES = {
    "plain": Case({"r1": 100}),
    "introduced": Case({"r1": 100, "r2": 0}),
    "canary": Case({"r1": 90, "r2": 10}),
    "promoted": Case({"r1": 0, "r2": 100}),
    "shadow": Case({"r1": 100}, Shadow("r2", 20)),
}


@pytest.fixture(scope="module")
def sample() -> tuple[ModelFiles, Environment]:
    """The sample model, and an environment of the newest template."""
    repository = load(WorkTree(PROJECT))
    environment = repository.environments.get("local")
    assert environment is not None
    return repository.model(MODEL), replace(environment, template=max(TEMPLATES))


def objects(sample: tuple[ModelFiles, Environment], case: Case) -> tuple[list[JSON], list[JSON]]:
    """What is rendered for the model, and for the Gateway itself."""
    files, environment = sample
    template = TEMPLATES[environment.template]
    serving: Serving = replace(
        files.servings["local"], weights=case.weights, shadow=case.shadow, stable="r1"
    )
    releases = [files.releases[release] for release in serving.deployed]
    assert files.model is not None
    own = template.objects(files.model, releases, serving, environment)
    return list(own), list(template.platform(environment))


def resources(own: list[JSON], platform: list[JSON]) -> Snapshot:
    """What the local engine makes of the same objects, with a pod of each release."""
    said = read(Field(value, value["kind"]) for value in platform)
    plan = model_plan(MODEL, (Field(value, value["kind"]) for value in own))
    published = Published(plan.routes, tuple(merging.policies(plan.gateway, said).items()))
    names = [value["metadata"]["name"] for value in own if value["kind"] == "Service"]
    services = tuple(
        Endpoints(name, (Host(9000 + place, 9100 + place, ready=True),))
        for place, name in enumerate(names)
    )
    wanted = Wanted(8080, {MODEL: published}, services, merging.gateway(said))
    return snapshot(Path("/nowhere"), wanted)


def recorded(name: str, text: str) -> JSON:
    """What `egctl` gave for a case; given these objects, and no others."""
    found: JSON = json.loads((RECORDED / f"{name}.json").read_bytes())
    assert text == found["objects"], "rendered anew: record what egctl says of it, see above"
    answer: JSON = found["answer"]
    return answer


@pytest.mark.parametrize("name", CASES)
def test_envoy_gateway_says_what_is_recorded(
    sample: tuple[ModelFiles, Environment], name: str
) -> None:
    """The pinned `egctl` accepts every object, and its answer is the recorded one."""
    egctl = tools.find("egctl")
    if egctl is None:
        pytest.skip("egctl is not built: make cluster-tools builds it where there is Go")
    own, platform = objects(sample, CASES[name])
    text = translation.objects_text([*own, *platform])
    answer = translation.without_bootstrap(translation.translated(egctl, text))

    assert {} == translation.refused(answer)
    if os.environ.get("UPDATE_GOLDEN"):
        RECORDED.mkdir(exist_ok=True)
        content = json.dumps({"objects": text, "answer": answer}, sort_keys=True)
        (RECORDED / f"{name}.json").write_text(content + "\n", encoding="utf-8")
    assert translation.theirs(answer) == translation.theirs(recorded(name, text))


@pytest.mark.parametrize("name", CASES)
def test_the_local_envoy_gets_the_same(sample: tuple[ModelFiles, Environment], name: str) -> None:
    """Routes in their order, clusters, weights and what callers may do: nothing kinder."""
    own, platform = objects(sample, CASES[name])
    answer = recorded(name, translation.objects_text([*own, *platform]))
    made = resources(own, platform)
    their_routes, their_clusters = translation.theirs(answer)
    our_routes, our_clusters = translation.ours(made.routes, made.clusters)

    assert their_routes == {host: our_routes[host] for host in their_routes}
    assert sorted(map(_text, their_clusters.values())) == sorted(map(_text, our_clusters.values()))
    assert translation.their_listener(answer) == translation.our_listener(made.listeners[0])


def _text(value: JSON) -> str:
    return json.dumps(value, sort_keys=True)
