"""Who may do what in Argo CD, asked of casbin with Argo CD's own model and the committed files."""

import pytest

from tests.argocd.rights import Person, Rights

ENVIRONMENTS = ("staging", "prod")
ANYBODY = Person("eve")
TEAM = Person("ann", ("vision",))
ON_CALL = Person("bob", ("on-call",))
PLATFORM = Person("cat", ("platform",))
EVERYTHING = Person("dan", ("vision", "forecasting", "on-call", "platform"))
OWN, OTHERS, ROOT = "vision/digits-cnn", "forecasting/linear", "root/root"
RESTART = "action/apps/Deployment/restart"


@pytest.fixture(scope="module", params=ENVIRONMENTS)
def rights(request: pytest.FixtureRequest) -> Rights:
    """The rights in each environment."""
    return Rights(request.param)


@pytest.mark.parametrize("thing", [OWN, OTHERS, ROOT])
def test_everybody_sees_every_state(rights: Rights, thing: str) -> None:
    """Whoever signs in may look, and may do nothing else."""
    assert rights.allow(ANYBODY, "applications", "get", thing)
    assert rights.allow(ANYBODY, "projects", "get", thing.partition("/")[0])
    assert not rights.allow(ANYBODY, "applications", "sync", thing)
    assert not rights.allow(ANYBODY, "logs", "get", thing)


def test_a_team_cares_for_its_own(rights: Rights) -> None:
    """It syncs, restarts and reads the logs of its models, and of no others."""
    for resource, action in [("applications", "sync"), ("applications", RESTART), ("logs", "get")]:
        assert rights.allow(TEAM, resource, action, OWN)
        assert not rights.allow(TEAM, resource, action, OTHERS)
        assert not rights.allow(TEAM, resource, action, ROOT)


def test_on_call_cares_for_all(rights: Rights) -> None:
    """It syncs, ends an operation (which is the same right), restarts and reads logs anywhere."""
    for thing in (OWN, OTHERS, ROOT):
        assert rights.allow(ON_CALL, "applications", "sync", thing)
        assert rights.allow(ON_CALL, "applications", RESTART, thing)
        assert rights.allow(ON_CALL, "logs", "get", thing)
        assert not rights.allow(ON_CALL, "applications", "delete", thing)


def test_the_platform_ends_applications(rights: Rights) -> None:
    """It alone deletes one, and sees clusters and repositories; it changes neither."""
    assert rights.allow(PLATFORM, "applications", "delete", OWN)
    for resource in ("clusters", "repositories"):
        assert rights.allow(PLATFORM, resource, "get", "https://git.example.com/a.git")
        assert not rights.allow(PLATFORM, resource, "create", "https://git.example.com/a.git")
        assert not rights.allow(ON_CALL, resource, "get", "https://git.example.com/a.git")


@pytest.mark.parametrize(
    ("resource", "action"),
    [
        ("applications", "override"),
        ("applications", "create"),
        ("applications", "update"),
        ("applications", "update/apps/Deployment/models-vision/digits-cnn-r1"),
        ("applications", "delete/apps/Deployment/models-vision/digits-cnn-r1"),
        ("applications", "rollback"),
        ("applications", "action/apps/Deployment/scale"),
        ("applicationsets", "create"),
        ("projects", "update"),
        ("exec", "create"),
        ("accounts", "update"),
    ],
)
@pytest.mark.parametrize("person", [ANYBODY, TEAM, ON_CALL, PLATFORM, EVERYTHING])
def test_nobody_changes_a_cluster_without_a_commit(
    rights: Rights, person: Person, resource: str, action: str
) -> None:
    """What would is denied to all, however many groups somebody is in."""
    for thing in (OWN, OTHERS, ROOT, "vision"):
        assert not rights.allow(person, resource, action, thing)


def test_a_denial_binds_no_other_role() -> None:
    """Why a rule of `check` refuses to allow again what all are denied: Argo CD would not."""
    allowed_again = Rights("prod", ["p, role:on-call, applications, override, */*, allow"])

    assert allowed_again.allow(ON_CALL, "applications", "override", OWN)
