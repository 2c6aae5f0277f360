"""Values that several tests of the local engine begin with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine_kit import Repo, Up, running
from modelctl.gateway.reading import Objects
from modelctl.gateway.values import Backend, HeaderMatch, Match, Mirror, Route, RouteRule
from modelctl.local.plan.values import ModelPlan, PodTemplate, Workload

PATH = "/v2/models/m"
MakeWorkload = Callable[..., Workload]
MakePlan = Callable[..., ModelPlan]


def workload(release: str, *, replicas: int = 1, setting: str = "a") -> Workload:
    """A Deployment `m-<release>` behind a Service of the same name."""
    environment = (
        ("MODELSERVER_MODEL", "m"),
        ("MODELSERVER_RELEASE", release),
        ("SETTING", setting),
    )
    template = PodTemplate(environment, None, None, None, grace_s=5)
    return Workload(f"m-{release}", "m", release, replicas, template, (f"m-{release}",))


def direct(release: str) -> RouteRule:
    """The rule for requests that name a release."""
    asked = Match(PATH, headers=(HeaderMatch("x-model-release", release),))
    backends = (Backend(f"m-{release}", 80, 1),)
    return RouteRule(release, (asked,), backends, headers=(("x-model-role", "direct"),))


def plan(weights: dict[str, int], *, shadow: str = "", setting: str = "a") -> ModelPlan:
    """The plan of a model `m` with these weights, and a direct rule for each release."""
    deployed = dict.fromkeys((*weights, *([shadow] if shadow else [])))
    shared = RouteRule(
        "shared",
        (Match(PATH),),
        tuple(Backend(f"m-{release}", 80, weight) for release, weight in weights.items()),
        (Mirror(f"m-{shadow}", 82, 100_000),) if shadow else (),
        headers=(("x-model-role", "shared"),),
        timeout_s=30.0,
    )
    workloads = tuple(workload(release, setting=setting) for release in deployed)
    rules = (*map(direct, deployed), shared)
    route = Route("models", "m", (), rules)
    return ModelPlan("m", workloads, Objects(routes=(route,)), stable="r1")


@pytest.fixture
def make_workload() -> MakeWorkload:
    """`make_workload(release, replicas=1, setting="a")`."""
    return workload


@pytest.fixture
def make_plan() -> MakePlan:
    """`make_plan(weights, shadow="", setting="a")`."""
    return plan


@pytest.fixture
def own_repo(tmp_path: Path) -> Repo:
    """A repository that serves r1 of one model, for one test alone."""
    (tmp_path / "repo").mkdir()
    return Repo(tmp_path / "repo")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Repo, Up]]:
    """A repository and a `modelctl up` that follows it, for the tests of a module."""
    folder = tmp_path_factory.mktemp("engine")
    (folder / "repo").mkdir()
    repo = Repo(folder / "repo")
    with running(repo.root, folder / "state") as up:
        yield repo, up


@pytest.fixture
def repo(engine: tuple[Repo, Up]) -> Repo:
    """The module's repository."""
    return engine[0]


@pytest.fixture
def up(engine: tuple[Repo, Up]) -> Up:
    """The module's `modelctl up`, brought back to r1 alone, with all well."""
    repo, up = engine
    up.until_well(repo.serve({"r1": 100}).commit("apps/linear: Begin anew"))
    return up
