"""What a server is started with, and whether a running one is the same."""

from pathlib import Path

import pytest

from modelctl.local.plan.values import PodTemplate
from modelctl.local.servers.places import environment, same
from modelctl.local.state import StateFolder

FOLDER = StateFolder(Path("/state"))


def template(*more: tuple[str, str], files: str = "/state/files/abc") -> PodTemplate:
    """A template with a model, a port, and more."""
    settings = (("MODELSERVER_MODEL", "m"), ("MODELSERVER_PORT", "8080"), *more)
    return PodTemplate(settings, None, None, None, 5, files=files)


def test_mirror_port_only_where_the_template_has_one() -> None:
    """A server gets a second port where its template names one, else none."""
    with_one = template(("MODELSERVER_MIRROR_PORT", "8081"))

    assert "7002" == environment(with_one, FOLDER, 7001, 7002)["MODELSERVER_MIRROR_PORT"]
    assert "MODELSERVER_MIRROR_PORT" not in environment(template(), FOLDER, 7001, 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (template(), True),
        (template(files="/elsewhere/files/abc"), True),
        (template(files="/state/files/def"), False),
        (template(("MODELSERVER_THREADS", "2")), False),
        (template(("MODELSERVER_MIRROR_PORT", "8081")), False),
    ],
)
def test_same(found: PodTemplate, expected: bool) -> None:  # noqa: FBT001
    """Places do not count, the bytes of the files and every setting do."""
    wanted = environment(template(), FOLDER, 7001, 0)
    other = StateFolder(Path("/other"))

    assert expected is same(template(), wanted, environment(found, other, 8001, 8002))


def test_other_variables_of_the_template_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that the template sets counts whatever its name; the user's own do not."""
    store = template(("AWS_REGION", "eu"))
    monkeypatch.setenv("EDITOR", "ed")
    before = environment(store, FOLDER, 7001, 0)
    monkeypatch.setenv("EDITOR", "vi")

    assert same(store, environment(store, FOLDER, 7001, 0), before)
    assert not same(store, before, before | {"AWS_REGION": "us"})
