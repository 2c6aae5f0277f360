"""What is told of answers that a real API server gave.

`PYTHONPATH=tests python -m tests.cluster.prod` wrote them to recorded.json. One
live weight was changed there, one pod crashes, and Argo CD calls everything Synced.
"""

import json
from pathlib import Path

import pytest

from modelctl.cluster.facts import facts, sorted_out
from modelctl.cluster.lists import Live
from modelctl.cluster.overview import model_status
from modelctl.cluster.wanted import Compared, WantedModel
from modelctl.status.values import Health, ModelStatus, Sync

MODEL = "digits-mlp"
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text(encoding="utf-8"))


@pytest.fixture
def found() -> ModelStatus:
    """The status of the model that was recorded."""
    kinds = ("applications", "routes", "deployments", "pods")
    live = Live(*(tuple(RECORDED[kind]) for kind in kinds), frozenset(RECORDED["namespaces"]))
    models = {
        MODEL: WantedModel(MODEL, {path: text.encode() for path, text in RECORDED["git"].items()})
    }
    applications = sorted_out(live, "prod", models).models
    (known,) = facts(models, {}, live, applications, Compared())
    return model_status(known)


def test_sync(found: ModelStatus) -> None:
    """The one field that differs is told, and nothing that the API server filled in."""
    assert (Sync.OUT_OF_SYNC, 1) == (found.sync, len(found.drift))
    assert found.drift[0].startswith(f"HTTPRoute {MODEL}: spec.rules[")
    assert ".weight is 37, in git " in found.drift[0]
    assert "although Argo CD shows Synced" in found.sync_reason


def test_health(found: ModelStatus) -> None:
    """The one pod that crashes is told with its last error."""
    assert Health.DEGRADED is found.health
    assert "exit code 86: ArtifactDigestMismatch" in found.health_reason
    assert [4] == [each.restarts for each in found.releases if each.restarts]


def test_releases(found: ModelStatus) -> None:
    """Image, artifact and contract are those of the live Deployments."""
    assert found.releases
    for each in found.releases:
        assert each.image.startswith("registry.example.com/modelserver@sha256:")
        assert each.artifact_uri.endswith(f"/{MODEL}/{each.release}.onnx")
        assert 64 == len(each.artifact_sha256)
    assert found.contract is not None
    assert ["image"] == [each.name for each in found.contract.inputs]
