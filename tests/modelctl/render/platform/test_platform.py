"""What the Gateway of an environment is told, for all models."""

from dataclasses import replace

import pytest

from modelctl.gateway import merging
from modelctl.gateway.fields import parse
from modelctl.gateway.reading import read
from modelctl.gateway.values import Gateway as Read
from modelctl.gateway.values import HeaderMatch
from modelctl.render import Shared, drift, generated_shared
from modelctl.repo.kinds import Environment, Environments, Gateway, GitSource
from modelctl.repo.repository import Repository

SOURCE = GitSource("https://git.example.com/platform/models.git", "refs/heads/main")
FOLDER = "argocd/platform/prod/gateway"


def environments(hostname: str = "models.example.com", template: str = "v2") -> Environments:
    """One environment."""
    gateway = Gateway("models", "edge", "https", hostname)
    return Environments(SOURCE, (Environment("prod", "local", template, gateway, {}),))


def gateway(hostname: str = "models.example.com") -> Read:
    """What a gateway reads of the rendered files."""
    files = generated_shared(Shared(environments(hostname))).items()
    return merging.gateway(read(parse(path, text.encode()) for path, text in files))


def test_the_first_template_says_nothing_to_the_gateway() -> None:
    """An environment that pins template v1 has no such file."""
    assert {} == generated_shared(Shared(environments(template="v1")))


def test_every_object_has_a_file_in_the_gateways_folder() -> None:
    """One object a file, in the Gateway's namespace, with a header that says what to edit."""
    files = generated_shared(Shared(environments()))

    assert {FOLDER} == {path.rpartition("/")[0] for path in files}
    assert all("\n  namespace: edge\n" in text for text in files.values())
    assert all("; edit argocd/environments.yaml instead.\n" in text for text in files.values())


def test_a_gateway_is_as_strict_and_as_patient_everywhere() -> None:
    """Retries, passive checks, timeouts and limits are those that were measured as safe."""
    backends = gateway().backends

    assert ("connect-failure", "refused-stream", "reset-before-request") == (
        backends.retry.triggers if backends.retry else None
    )
    assert 0 == backends.panic_threshold_percent
    assert backends.passive is not None
    assert (0, 0) == (backends.passive.consecutive_5xx, backends.passive.consecutive_gateway_errors)
    assert (1.0, 3.0, 30.0) == (
        backends.connect_timeout_s,
        backends.idle_timeout_s,
        backends.request_timeout_s,
    )


def test_a_gateway_that_cannot_send_says_when_to_try_again() -> None:
    """Its own 503 is JSON and has Retry-After, its own 504 is JSON."""
    answers = {override.statuses: override.answer for override in gateway().backends.overrides}

    assert {(503,), (504,)} == answers.keys()
    assert (("retry-after", "1"),) == answers[503,].headers
    assert {"application/json"} == {answer.content_type for answer in answers.values()}


def test_no_caller_says_what_a_request_is() -> None:
    """The role header is removed first, and a name that a server may take for it is refused."""
    clients = gateway().clients

    assert ("x-model-role",) == clients.removed_headers
    assert ("RejectRequest", "PreserveOrGenerate") == (clients.underscores, clients.request_id)


@pytest.mark.parametrize(
    ("hostname", "hosts"),
    [
        ("models.example.com", ("models.example.com", "*.models.example.com")),
        ("*.example.com", ("*.example.com",)),
    ],
)
def test_what_no_model_takes_is_answered_on_every_host(
    hostname: str, hosts: tuple[str, ...]
) -> None:
    """The route for the rest has the host of the models and those of models that are not there."""
    routes = {route.name: route for route in gateway(hostname).routes}

    assert hosts == routes["unknown-path"].hostnames
    assert (hostname,) == routes["protocol-server"].hostnames


def test_the_server_part_of_the_protocol_is_answered() -> None:
    """Metadata, liveness and readiness of the server are answered by the gateway itself."""
    routes = {route.name: route for route in gateway().routes}
    bodies = {
        (match.path, match.method): rule.answer.body
        for rule in routes["protocol-server"].rules
        for match in rule.matches
        if rule.answer
    }

    assert '{"name":"models","version":"v2","extensions":[]}' == bodies["/v2", "GET"]
    assert '{"live":true}' == bodies["/v2/health/live", "GET"]
    assert '{"ready":true}' == bodies["/v2/health/ready", "HEAD"]
    assert "" == bodies["/v2", "OPTIONS"]


def test_an_unknown_call_is_not_found_in_its_own_words() -> None:
    """A call of gRPC for no model gets the status of gRPC that says so."""
    rules = {rule.name: rule for route in gateway().routes for rule in route.rules}
    call = rules["unknown-call"]

    assert "content-type" == call.matches[0].headers[0].name
    assert isinstance(call.matches[0].headers[0], HeaderMatch)
    assert (("grpc-status", "5"),) == (call.answer.headers if call.answer else None)


@pytest.fixture
def whole(repository: Repository) -> Repository:
    """A repository whose environment has all its files for the Gateway."""
    texts = generated_shared(Shared(environments())).items()
    generated = {path: text.encode() for path, text in texts}
    return replace(repository, environments=environments(), generated=generated)


def test_nothing_to_render(whole: Repository) -> None:
    """A repository that is current has no change."""
    assert {} == drift.shared_changes(whole)


def test_what_rendering_changes(whole: Repository) -> None:
    """A file that differs or is missing is written, one that nothing generates is removed."""
    path = f"{FOLDER}/envoyproxy-models.yaml"
    stale = {**whole.generated, path: b"old", f"{FOLDER}/left.yaml": b"over"}

    changes = drift.shared_changes(replace(whole, generated=stale))

    assert {path: whole.generated[path], f"{FOLDER}/left.yaml": None} == changes


def test_unreadable_environments_change_nothing(whole: Repository) -> None:
    """Where the environments cannot be read, what was rendered before stays."""
    assert {} == drift.shared_changes(replace(whole, environments=Environments(SOURCE, ())))
