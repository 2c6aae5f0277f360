"""Typed values: every field of a schema arrives, and defaults are filled in."""

import dataclasses

import pytest

from modelctl.model.tensors import TensorSpec
from modelctl.pages import fields
from modelctl.repo import typed
from modelctl.repo.kinds import (
    ArgoCd,
    Batching,
    ClusterGateway,
    Dns,
    Golden,
    Gpu,
    Network,
    Notifications,
    Quota,
    Shadow,
    SingleSignOn,
    Team,
)


def test_model() -> None:
    """A model has its folder and every field of its file."""
    model = typed.model("digits", fields.example("model"))

    assert ("digits", "digits-cnn", "vision") == (model.folder, model.name, model.owner)
    assert (TensorSpec("features", "FP32", (-1, 1)),) == model.contract.inputs
    assert (50, 0.001, 200) == (
        model.service_level.latency_p99_ms,
        model.service_level.error_rate,
        model.service_level.peak_rps,
    )


def test_release() -> None:
    """A release has its folder, its number and every field that a server needs."""
    example = fields.example("release")
    example["runtime"]["batching"] = {"max_size": 32, "max_delay_ms": 0}
    example["resources"]["gpu"] = {"resource": "nvidia.com/gpu", "count": 1}
    release = typed.release("digits", "r2", example)

    assert ("digits", "r2") == (release.folder, release.id)
    assert example["artifact"] == {
        "uri": release.artifact.uri,
        "sha256": release.artifact.sha256,
        "bytes": release.artifact.size_bytes,
    }
    assert Batching(32, 0) == release.runtime.batching
    assert Gpu("nvidia.com/gpu", 1) == release.resources.gpu
    assert Golden(**example["golden"]) == release.golden


def test_owners_word_on_rows() -> None:
    """A release may declare that rows of a batch are independent; without a word it does not."""
    example = fields.example("release")
    example["runtime"]["batching"] = {"max_size": 32, "max_delay_ms": 0, "independent": True}

    declared = typed.release("digits", "r2", example).runtime.batching

    assert Batching(32, 0, independent=True) == declared
    assert declared != Batching(32, 0)


@pytest.mark.parametrize(
    ("part", "field"), [("runtime", "batching"), ("resources", "gpu"), ("golden", "")]
)
def test_optional_parts_of_a_release(part: str, field: str) -> None:
    """What a release leaves out is None."""
    example = fields.example("release")
    holder = example[part] if field else example
    holder.pop(field or part, None)
    release = typed.release("digits", "r2", example)

    assert (getattr(getattr(release, part), field) if field else release.golden) is None


def test_serving() -> None:
    """A serving file keeps the order of its weights, and adds the shadow to what is deployed."""
    serving = typed.serving("digits", "prod", fields.example("serving"))

    assert ["r1", "r2"] == list(serving.weights)
    assert Shadow("r3", 10) == serving.shadow
    assert ("r1", "r2", "r3") == serving.deployed
    assert not serving.paused


def test_defaults_of_a_serving_file() -> None:
    """Without shadow and paused, there is no shadow and nothing is paused."""
    example = {k: v for k, v in fields.example("serving").items() if k not in ("shadow", "paused")}
    serving = typed.serving("digits", "prod", example)

    assert serving.shadow is None
    assert serving.paused is False


def test_environments() -> None:
    """Environments keep their order and are found by name; mirrors default to none."""
    environments = typed.environments(fields.example("environments"))
    local = environments.get("local")

    assert "refs/heads/main" == environments.source.revision
    assert local is not None
    assert {} == local.artifact_mirrors
    assert environments.get("prod") is None


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (typed.model("a", fields.example("model")), "model"),
        (typed.serving("a", "b", fields.example("serving")), "serving"),
    ],
)
def test_no_field_is_forgotten(value: object, kind: str) -> None:
    """A value has a field for each of its schema's, so that nothing is typed in vain."""
    own = {field.name for field in dataclasses.fields(value)}  # type: ignore[arg-type]  # both are dataclasses

    assert set(fields.example(kind)) <= own


def test_defaults_of_an_environment() -> None:
    """Without a word on its network it is as most clusters are, and Argo CD has no settings."""
    (environment,) = typed.environments(fields.example("environments")).ordered

    assert Network(Dns("kube-system", ()), "monitoring") == environment.network
    assert ("169.254.169.254/32", "fd00:ec2::254/128") == environment.network.metadata_addresses
    assert environment.argocd is None
    assert environment.gateway.cluster is None
    assert "gateway" == environment.gateway.pods_namespace


def test_an_environment_in_full() -> None:
    """The gateway's proxies, the network and Argo CD's settings arrive as they are said."""
    example = fields.example("environments")
    said = example["environments"][0]
    cluster = {"name": "inner", "listener": "http", "hostname": "inner.gateway.svc"}
    said["gateway"] |= {"proxies_namespace": "envoy", "cluster": cluster}
    said["network"] = {
        "dns": {"addresses": ["169.254.20.10/32"]},
        "metadata_addresses": [],
        "image_pull_secrets": ["pull"],
    }
    said["argocd"] = {
        "sso": {"issuer": "https://login.acme.test", "client_id": "argo"},
        "on_call_groups": ["on-call"],
        "notifications": {"chat": True},
    }
    (environment,) = typed.environments(example).ordered

    assert "envoy" == environment.gateway.pods_namespace
    assert ClusterGateway("inner", "http", "inner.gateway.svc") == environment.gateway.cluster
    assert (
        Network(Dns("kube-system", ("169.254.20.10/32",)), "monitoring", (), ("pull",))
        == environment.network
    )
    assert (
        ArgoCd(
            sso=SingleSignOn("https://login.acme.test", "argo", "argocd-oidc"),
            on_call_groups=("on-call",),
            notifications=Notifications(chat=True),
        )
        == environment.argocd
    )


def test_teams() -> None:
    """A team has a namespace of its name, its groups, and its quota where it has one."""
    example = fields.example("teams")
    example["teams"].append({"name": "pricing", "description": "Prices.", "groups": ["p"]})
    teams = typed.teams(example)

    assert ["vision", "pricing"] == [team.name for team in teams.ordered]
    assert Team("pricing", "Prices.", ("p",)) == teams.get("pricing")
    assert Quota("64", "256Gi", 200) == teams.ordered[0].quota
    assert "models-vision" == teams.ordered[0].namespace
    assert teams.get("nobody") is None
