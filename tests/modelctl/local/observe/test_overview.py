"""The status of a model, from its rollout and what its replicas say."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest

from modelctl.local.envoy.measure import Counters
from modelctl.local.observe.measured import Traffic
from modelctl.local.observe.overview import ModelFacts, model_status
from modelctl.local.observe.releases import ReplicaFacts
from modelctl.local.plan.rollout import Aim, Rollout, Step
from modelctl.local.plan.values import ModelPlan
from modelctl.local.servers.replica import Phase
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.repo.git import Commit
from modelctl.status.values import Health, ModelStatus, ReleaseStatus, ShadowStatus, Sync

OLD = Commit("a" * 40, "Ann", "2026-01-01T00:00:00+00:00", "apps/m: Begin")
NEW = Commit("b" * 40, "Bob", "2026-01-02T00:00:00+00:00", "apps/m: Shift")
READY = ReplicaFacts(Phase.READY, routed=True)
STARTING = ReplicaFacts(Phase.STARTING)
CRASHED = ReplicaFacts(
    Phase.WAITING, reason="exit code 86: digest differs", restarts=3, failing=True
)
Plan = Callable[..., ModelPlan]
Replicas = Mapping[str, Sequence[ReplicaFacts]]


def live(plan: ModelPlan | None) -> Rollout:
    """A rollout that has arrived at a plan."""
    return Rollout("m", Aim(plan, OLD), Step(Aim(plan, OLD)))


def under_way(before: ModelPlan | None, after: ModelPlan | None, *waiting: str) -> Rollout:
    """A rollout between two plans."""
    done = Step(Aim(before, OLD if before else None))
    return Rollout("m", Aim(after, NEW), done, waiting=waiting)


def status(
    rollout: Rollout,
    replicas: Replicas | None = None,
    *,
    refused: str = "",
    recent: Mapping[str, Counters] | None = None,
    since: Mapping[str, Counters] | None = None,
) -> ModelStatus:
    """The status with these replicas; every other workload has one that is ready."""
    workloads = tuple(rollout.workloads().values())
    facts = ModelFacts(
        workloads,
        {workload.name: [READY] for workload in workloads} | dict(replicas or {}),
        Traffic(recent or {}, 10.0, since or {}, "2026-01-01T00:00:00+00:00"),
        refused,
    )
    return model_status(rollout, facts)


def release(found: ModelStatus, name: str) -> ReleaseStatus:
    """The status of one release."""
    return next(item for item in found.releases if item.release == name)


def test_all_well(make_plan: Plan) -> None:
    """What runs as git says, and is ready, is Synced and Healthy, for no reason."""
    found = status(live(make_plan({"r1": 95, "r2": 5})))

    assert (Sync.SYNCED, "", Health.HEALTHY, "") == (
        found.sync,
        found.sync_reason,
        found.health,
        found.health_reason,
    )
    assert (OLD, OLD) == (found.commit, found.wanted)


def test_ready_is_what_envoy_sends_requests_to(make_plan: Plan) -> None:
    """A server that is ready counts only once Envoy sends it requests."""
    unknown = ReplicaFacts(Phase.READY)

    found = status(live(make_plan({"r1": 100})), {"m-r1": [unknown]})

    assert (Health.PROGRESSING, "ready so far: r1 0/1") == (found.health, found.health_reason)


def test_waiting_for_a_release(make_plan: Plan) -> None:
    """While a release that is to get traffic starts: OutOfSync and Progressing, with its name."""
    rollout = under_way(make_plan({"r1": 100}), make_plan({"r1": 90, "r2": 10}), "m-r2")

    found = status(rollout, {"m-r2": [STARTING]})

    assert (Sync.OUT_OF_SYNC, Health.PROGRESSING) == (found.sync, found.health)
    assert "new routes wait for r2 (Starting)" == found.sync_reason
    assert "ready so far: r2 0/1" == found.health_reason
    assert (OLD, NEW) == (found.commit, found.wanted)


def test_routes_that_envoy_refuses(make_plan: Plan) -> None:
    """A model whose routes Envoy does not take is OutOfSync with Envoy's own words."""
    rollout = under_way(make_plan({"r1": 100}), make_plan({"r1": 90, "r2": 10}))
    rollout.refused = "no such cluster"

    found = status(rollout)

    expected = "Envoy refuses its routes, and keeps those before: no such cluster"
    assert (Sync.OUT_OF_SYNC, expected) == (found.sync, found.sync_reason)


def test_failing_release(make_plan: Plan) -> None:
    """A release that cannot start is Degraded with the server's own words."""
    rollout = under_way(make_plan({"r1": 100}), make_plan({"r1": 90, "r2": 10}), "m-r2")

    found = status(rollout, {"m-r2": [CRASHED]})

    assert Health.DEGRADED == found.health
    assert "r2: exit code 86: digest differs" == found.health_reason
    assert ("CrashLoopBackOff", 3) == (release(found, "r2").state, release(found, "r2").restarts)


def test_crash_between_restarts(make_plan: Plan) -> None:
    """A release that crashed stays Degraded while it starts again, until it is ready."""
    again = ReplicaFacts(Phase.STARTING, reason="killed by SIGKILL", restarts=1, failing=True)

    found = status(live(make_plan({"r1": 100})), {"m-r1": [again]})

    assert (Health.DEGRADED, "r1: killed by SIGKILL") == (found.health, found.health_reason)
    assert Sync.SYNCED == found.sync


def test_missing_file(make_plan: Plan) -> None:
    """A release whose artifact is not in the commit says which file is missing."""
    missing = ReplicaFacts(Phase.MISSING, reason="not in the commit: a.onnx", failing=True)

    found = status(live(make_plan({"r1": 100, "r2": 0})), {"m-r2": [missing]})

    assert "r2: not in the commit: a.onnx" == found.health_reason
    assert "MissingFile" == release(found, "r2").state


def test_refused_revision(make_plan: Plan) -> None:
    """A model that a refused revision changes is OutOfSync for that reason, and healthy."""
    found = status(live(make_plan({"r1": 100})), refused="b is refused: weights-sum-100")

    assert (Sync.OUT_OF_SYNC, "b is refused: weights-sum-100") == (found.sync, found.sync_reason)
    assert Health.HEALTHY == found.health


@pytest.mark.parametrize(("held", "sync"), [(True, Sync.OUT_OF_SYNC), (False, Sync.SYNCED)])
def test_paused(make_plan: Plan, held: bool, sync: Sync) -> None:  # noqa: FBT001 - a parameter
    """A paused model is OutOfSync as soon as git differs from what runs."""
    rollout = live(make_plan({"r1": 100}))
    rollout.paused = True
    rollout.held = make_plan({"r1": 0, "r2": 100}) if held else None

    found = status(rollout)

    assert sync == found.sync
    assert found.paused


def test_paused_from_the_beginning() -> None:
    """A model that was never applied because it is paused is Missing and OutOfSync."""
    found = status(Rollout("m", paused=True))

    assert (Sync.OUT_OF_SYNC, Health.MISSING) == (found.sync, found.health)


def test_removal(make_plan: Plan) -> None:
    """A model on its way out says so."""
    found = status(under_way(make_plan({"r1": 100}), None))

    assert (Sync.OUT_OF_SYNC, "being removed") == (found.sync, found.sync_reason)


def test_weights_in_git_and_live(make_plan: Plan) -> None:
    """A release has the weight that git wants and the one that is routed now, in percent."""
    rollout = under_way(make_plan({"r1": 3, "r2": 1}), make_plan({"r1": 50, "r2": 50}), "m-r2")

    found = release(status(rollout), "r1")

    assert (50.0, 75.0) == (found.weight, found.live_weight)


def test_measured_share_is_of_the_weighted_lane(make_plan: Plan) -> None:
    """Requests forced by a header, and copies, count as requests but not in the share."""
    rollout = live(make_plan({"r1": 90, "r2": 10}))
    counters = {
        "m-r1~weighted": Counters(900),
        "m-r2~weighted": Counters(100, 1, ((2.0, 100),)),
        "m-r2~direct": Counters(500, 0, ((2.0, 0), (4.0, 500))),
        "m-r2~shadow": Counters(400),
    }

    found = release(status(rollout, recent=counters, since=counters), "r2").measured

    assert 0.1 == found.share
    assert (1000, 100, 500, 400) == (found.requests, found.weighted, found.direct, found.shadow)
    assert (0.001, 100.0) == (found.error_rate, found.requests_per_s)


def test_share_begins_with_the_weights(make_plan: Plan) -> None:
    """The share counts since the weights changed, the rest over the whole window."""
    recent = {"m-r1~weighted": Counters(1000), "m-r2~weighted": Counters(50)}
    since = {"m-r1~weighted": Counters(50), "m-r2~weighted": Counters(50)}

    found = release(
        status(live(make_plan({"r1": 50, "r2": 50})), recent=recent, since=since), "r1"
    ).measured

    assert (0.5, 1000) == (found.share, found.requests)


def test_no_traffic(make_plan: Plan) -> None:
    """Without traffic nothing is claimed to be measured."""
    found = release(status(live(make_plan({"r1": 100}))), "r1").measured

    assert (None, None, None) == (found.share, found.error_rate, found.latency_p99_ms)


def test_roles(make_plan: Plan) -> None:
    """A release has the role that the route gives it; the shadow is one."""
    found = status(live(make_plan({"r1": 100}, shadow="r2")))

    assert ["stable", "shadow"] == [item.role for item in found.releases]
    assert ShadowStatus("r2", 10.0) == found.shadow


def test_draining_release_is_shown(make_plan: Plan) -> None:
    """A release that is no longer wanted is shown until it is gone, and worries nobody."""
    rollout = live(make_plan({"r2": 100}))
    old = make_plan({"r1": 100}).workloads
    facts = ModelFacts(
        (*old, *rollout.workloads().values()),
        {
            "m-r1": [ReplicaFacts(Phase.DRAINING)],
            "m-r2": [READY],
        },
    )

    found = model_status(rollout, facts)

    assert ("Draining", None) == (release(found, "r1").state, release(found, "r1").weight)
    assert Health.HEALTHY == found.health


def test_client_errors_beside_server_errors(make_plan: Plan) -> None:
    """Answers with a 4xx are no errors of the server, and shown all the same."""
    counters = {"m-r1~weighted": Counters(201, 0, (), 201)}

    found = release(status(live(make_plan({"r1": 100})), recent=counters), "r1").measured

    assert (0.0, 1.0) == (found.error_rate, found.client_error_rate)


def test_age_restarts_and_memory_of_all_servers(make_plan: Plan) -> None:
    """A release is as old as its oldest server that runs; restarts and memory are those of all."""
    old = ReplicaFacts(
        Phase.READY, routed=True, restarts=1, started_s=1_767_225_600.0, memory_bytes=50
    )
    young = replace(old, restarts=2, started_s=1_767_229_200.0, memory_bytes=70)

    found = release(status(live(make_plan({"r1": 100})), {"m-r1": [young, old, STARTING]}), "r1")

    assert ("2026-01-01T00:00:00+00:00", 3, 120) == (
        found.started,
        found.restarts,
        found.memory_bytes,
    )


def test_what_a_release_is_made_of(make_plan: Plan) -> None:
    """Image, artifact and contract are what the servers are started with."""
    contract = '{"inputs":[{"name":"x","datatype":"FP32","shape":[-1,1]}],"outputs":[]}'
    variables = (
        ("MODELSERVER_ARTIFACT_URI", "file:a.onnx"),
        ("MODELSERVER_ARTIFACT_SHA256", "c" * 64),
        ("MODELSERVER_CONTRACT", contract),
    )
    plan = make_plan({"r1": 100})
    own = plan.workloads[0]
    made = replace(own, image="i@sha256:e", template=replace(own.template, environment=variables))

    whole = status(live(replace(plan, workloads=(made,))))

    found = release(whole, "r1")
    assert ("i@sha256:e", "file:a.onnx", "c" * 64) == (
        found.image,
        found.artifact_uri,
        found.artifact_sha256,
    )
    assert Contract((TensorSpec("x", "FP32", (-1, 1)),), ()) == whole.contract


@pytest.mark.parametrize("written", ["", "{", "[]", "null", '{"inputs": [{}], "outputs": []}'])
def test_contract_that_cannot_be_read(make_plan: Plan, written: str) -> None:
    """A contract that is no contract is unknown; the status does not fail for it."""
    plan = make_plan({"r1": 100})
    own = plan.workloads[0]
    template = replace(own.template, environment=(("MODELSERVER_CONTRACT", written),))

    found = status(live(replace(plan, workloads=(replace(own, template=template),))))

    assert found.contract is None


def test_since_when_the_share_is_counted(make_plan: Plan) -> None:
    """The status says since when shares are counted."""
    found = status(live(make_plan({"r1": 50, "r2": 50})))

    assert "2026-01-01T00:00:00+00:00" == found.share_since
