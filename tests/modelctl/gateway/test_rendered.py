"""Whatever models are rendered: each request reaches the releases that git names, or is refused."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.gateway.fields import Field
from modelctl.gateway.reading import read
from modelctl.gateway.simulator import Outcome, Request, outcome
from modelctl.gateway.values import Route
from modelctl.render.templates import TEMPLATES
from modelctl.repo.kinds import Environment
from tests.modelctl.render.v2.conftest import Placement, placements

EXAMPLES = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# Each is the beginning of another, or is like something else that stands in a path or a host.
NAMES = ["m", "m-grpc", "m9", "mm", "versions", "v2", "models", "infer", "health"]


@dataclass(frozen=True)
class Together:
    """Some models behind one Gateway."""

    models: tuple[Placement, ...]
    routes: tuple[Route, ...]

    @property
    def host(self) -> str:
        """A host that is the environment's."""
        return self.models[0].environment.gateway.hostname.replace("*.", "any.")

    def ask(
        self, path: str, headers: Mapping[str, str] | None = None, host: str = "", method: str = ""
    ) -> Outcome:
        """What becomes of a request."""
        request = Request(host or self.host, path, method or "POST", headers or {})
        return outcome(self.routes, request)

    def ways(self, model: str, release: str) -> list[Outcome]:
        """What becomes of each kind of request that names a release of a model."""
        named = {"x-model-release": release} if release else {}
        path = f"/v2/models/{model}"
        below = f"{path}/versions/{release}" if release else path
        call = {"content-type": "application/grpc+proto"}
        method = "/inference.GRPCInferenceService/ModelInfer"
        own = self.models[0].environment.gateway.hostname.removeprefix("*.")
        return [
            self.ask(f"{below}/infer"),
            self.ask(below, method="GET"),
            self.ask(f"{path}/infer", named),
            self.ask(method, {**call, **named, "x-model-name": model}),
            self.ask(method, {**call, **named}, host=f"{model}.{own}"),
        ]


@st.composite
def together(draw: st.DrawFn) -> Together:
    """Up to three models, whose names differ, in one environment."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    first = draw(placements())
    # One door for all, and what is rendered of it for this machine.
    gateway = replace(first.environment.gateway, cluster=None, listener="http")
    environment = replace(first.environment, engine="local", gateway=gateway)
    models = []
    for name in names:
        placement = draw(placements())
        own = replace(placement.model, name=name, folder=name)
        models.append(replace(placement, model=own, environment=environment))
    return Together(tuple(models), rendered(models, environment))


def rendered(models: list[Placement], environment: Environment) -> tuple[Route, ...]:
    """The routes of models and of the Gateway itself, as they are read from what is rendered."""
    template = TEMPLATES[environment.template]
    objects = [
        *template.platform(environment),
        *(value for model in models for value in model.objects()),
    ]
    return read(Field(value, value["kind"]) for value in objects).routes


@EXAMPLES
@given(found=together())
def test_a_request_that_names_a_release_reaches_it(found: Together) -> None:
    """By path, header, metadata and host, at any weight, and as a request that names one."""
    for model in found.models:
        for release in model.serving.deployed:
            for way in found.ways(model.model.name, release):
                assert {f"{model.model.name}-{release}": Fraction(1)} == way.shares
                assert way.rule is not None
                assert (("x-model-role", "direct"),) == way.rule.headers
                assert () == way.rule.mirrors


@EXAMPLES
@given(found=together())
def test_a_release_that_is_not_there_is_refused(found: Together) -> None:
    """A name that is no deployed release gets 404, never another release."""
    for model in found.models:
        for release in ("r100000000", "r", "latest", f"{model.serving.deployed[0]}0x"):
            for way in found.ways(model.model.name, release):
                assert way.answer is not None
                assert 404 == way.answer.status


@EXAMPLES
@given(found=together())
def test_all_other_requests_are_shared_by_weight(found: Together) -> None:
    """Shares are the weights in git, as exact fractions, whichever way the model is named."""
    for model in found.models:
        expected = {
            f"{model.model.name}-{release}": Fraction(weight, 100)
            for release, weight in model.serving.weights.items()
            if weight
        }
        for way in found.ways(model.model.name, ""):
            assert expected == way.shares
            assert way.rule is not None
            assert (("x-model-role", "shared"),) == way.rule.headers
            shadow = model.serving.shadow
            copied = [shadow.percent * 10_000] if shadow else []
            assert copied == [mirror.per_million for mirror in way.rule.mirrors]


@EXAMPLES
@given(found=together())
def test_the_path_counts_before_the_header(found: Together) -> None:
    """A request whose path and header name two releases reaches the one of the path."""
    for model in found.models:
        for release in model.serving.deployed:
            path = f"/v2/models/{model.model.name}/versions/{release}/infer"
            for other in (*model.serving.deployed, "latest"):
                way = found.ask(path, {"x-model-release": other})
                assert {f"{model.model.name}-{release}": Fraction(1)} == way.shares


@EXAMPLES
@given(found=together())
def test_no_model_takes_what_is_not_its(found: Together) -> None:
    """A path or a call of no model, and the server's own paths, are answered by the gateway."""
    there = {model.model.name for model in found.models}
    for name in {*NAMES, "m9x", "m-"} - there:
        for way in found.ways(name, ""):
            assert way.answer is not None
            assert 404 == way.answer.status
    for path in ("/v2", "/v2/health/live", "/v2/health/ready"):
        way = found.ask(path, method="GET")
        assert way.answer is not None
        assert 200 == way.answer.status
    rest = found.ask("/")
    assert rest.answer is not None
    assert 404 == rest.answer.status
    assert {404: Fraction(1)} == found.ask("/v2", host="elsewhere.org").failed
