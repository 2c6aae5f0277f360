"""What differs between a rendered object and the live one, and what is no difference."""

from typing import Any

import pytest

from modelctl.cluster import difference


def found(wanted: object, live: object) -> list[str]:
    """How a Deployment's spec differs."""
    return list(difference.deployment({"spec": wanted}, {"spec": live}))


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        ({}, {"replicas": 3}),
        ({"paused": False}, {}),
        ({"emptyDir": {}}, {}),
        ({"args": []}, {"args": None}),
        ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}),
        ({"sizeLimit": "1024Mi"}, {"sizeLimit": "1Gi"}),
        ({}, {"restartPolicy": "Always", "schedulerName": "default-scheduler"}),
        ({"serviceAccountName": "m"}, {"serviceAccountName": "m", "serviceAccount": "m"}),
    ],
)  # fmt: skip
def test_no_difference(wanted: Any, live: Any) -> None:  # noqa: ANN401 - any YAML
    """What the API server fills in, leaves out or writes in other units is no difference."""
    assert [] == found(wanted, live)


@pytest.mark.parametrize(
    ("wanted", "live", "words"),
    [
        ({"maxSurge": 0}, {}, "spec.maxSurge is absent, in git 0"),
        ({}, {"hostNetwork": True}, "spec.hostNetwork is True, in git absent"),
        ({}, {"restartPolicy": "Never"}, "spec.restartPolicy is 'Never', in git absent"),
        ({"cpu": "1000m"}, {"cpu": "1"}, "spec.cpu is '1', in git '1000m'"),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, "spec.limits.cpu is '2', in git '1'"),
        ({"args": ["a"]}, {"args": ["b"]}, "spec.args[0] is 'b', in git 'a'"),
        ({"args": ["a"]}, {"args": []}, "spec.args has 0 elements, in git 1"),
        ({"env": [{"name": "A"}]}, {"env": []}, "spec.env[A] is missing"),
        (
            {"env": [{"name": "A"}, {"name": "B"}]},
            {"env": [{"name": "B"}, {"name": "A"}]},
            "spec.env has another order",
        ),
        ({"template": {}}, {"template": "x"}, "spec.template is 'x', in git empty"),
    ],
)
def test_difference(wanted: Any, live: Any, words: str) -> None:  # noqa: ANN401 - any YAML
    """A difference names the field, what is there and what git says."""
    assert [words] == found(wanted, live)


def test_many() -> None:
    """An object that differs in much names the beginning, and how much more there is."""
    wanted = {f"field{index}": index for index in range(1, 9)}

    words = found(wanted, {})

    assert 4 == len(words)
    assert "5 fields more" == words[-1]


def test_labels() -> None:
    """Labels of git count, those beside them do not."""
    wanted = {"metadata": {"labels": {"a": "1"}}}

    both = {"metadata": {"labels": {"a": "1", "b": "2"}}}
    other = {"metadata": {"labels": {"a": "2"}}}

    assert [] == list(difference.route(wanted, both))
    assert ["metadata.labels[a] is '2', in git '1'"] == list(difference.route(wanted, other))


def test_a_route_has_every_default_written_out() -> None:
    """Whatever a live route has beyond git is a difference."""
    words = list(difference.route({"spec": {}}, {"spec": {"timeoutSeconds": 1}}))

    assert ["spec.timeoutSeconds is 1, in git absent"] == words


def test_what_argo_cd_writes_beside_the_spec_of_git() -> None:
    """Of an Application only what git has counts."""
    wanted = {"spec": {"project": "vision"}}

    words = list(difference.application(wanted, {"spec": {"project": "vision", "info": [1]}}))

    assert [] == words
