"""One environment of Argo CD's with everything that can be said of it, and its teams."""

import pytest

from modelctl.repo.kinds import (
    ArgoCd,
    Environment,
    Gateway,
    GitSource,
    Notifications,
    Quota,
    SingleSignOn,
    Team,
    Teams,
)


@pytest.fixture
def source() -> GitSource:
    """The repository, as Argo CD reads it."""
    return GitSource("https://git.acme.test/platform/models.git", "refs/heads/main", "gitlab")


@pytest.fixture
def settings() -> ArgoCd:
    """Everything that can be said of Argo CD."""
    return ArgoCd(
        url="https://argocd.acme.test",
        sso=SingleSignOn("https://login.acme.test", "argocd"),
        on_call_groups=("on-call", "Night Shift"),
        platform_groups=("platform",),
        dashboards_url="https://grafana.acme.test/",
        notifications=Notifications(chat=True, commit_status=True),
    )


@pytest.fixture
def prod(settings: ArgoCd) -> Environment:
    """The environment."""
    gateway = Gateway("models", "gateway", "https", "models.acme.test")
    return Environment("prod", "argocd", "v2", gateway, {}, argocd=settings)


@pytest.fixture
def vision() -> Team:
    """A team with a quota that serves everywhere."""
    quota = Quota("64", "256Gi", 200, {"nvidia.com/gpu": 8, "nvidia.com/mig-1g.10gb": 0})
    return Team("vision", "Reads pictures.", ("vision", "vision-ops"), quota=quota)


@pytest.fixture
def teams(vision: Team) -> Teams:
    """That team, and one without a quota that serves in staging alone."""
    return Teams((vision, Team("pricing", "Prices.", ("pricing",), ("staging",))))
