"""What is told of a model in a cluster: what git wants beside what its API says."""

from typing import Any

import pytest

from modelctl.cluster.wanted import Compared, WantedModel
from modelctl.status.values import Health, ShadowStatus, Sync
from tests.modelctl.cluster.scenes import (
    COMMIT,
    MODEL,
    NAMESPACE,
    REVISION,
    Object,
    application,
    deployment,
    live_application,
    live_deployment,
    live_route,
    pod,
    route,
    settled,
    status,
    wanted,
)

WEIGHTS = {"r1": 90, "r2": 10}


def test_well() -> None:
    """A model whose live objects are those of git, and run, is Synced and Healthy."""
    found = settled()

    assert (Sync.SYNCED, "", Health.HEALTHY, "") == (
        found.sync, found.sync_reason, found.health, found.health_reason,
    )  # fmt: skip
    assert (COMMIT, COMMIT, ()) == (found.commit, found.wanted, found.drift)


def test_releases() -> None:
    """Each release has its weights in git and live, its pods, image and artifact."""
    pods = (pod("r1"), pod("r1", restarts=2), pod("r2", restarts=1))
    deployments = (
        live_deployment(deployment("r1"), replicas=2),
        live_deployment(deployment("r2")),
    )

    first, second = settled(pods=pods, deployments=deployments).releases

    assert ("r1", "stable", "Ready", 2, 2, 2) == (
        first.release, first.role, first.state, first.ready, first.replicas, first.restarts,
    )  # fmt: skip
    assert (90.0, 90.0, 10.0, 10.0) == (
        first.weight, first.live_weight, second.weight, second.live_weight,
    )  # fmt: skip
    assert "2026-01-01T09:00:00Z" == first.started
    assert first.image.endswith("@sha256:" + "e" * 64)
    assert f"s3://models/{MODEL}/r1.onnx" == first.artifact_uri
    assert (None, None) == (first.measured, first.memory_bytes)


def test_synced_that_lies() -> None:
    """Where Argo CD shows Synced and the live weights are others, the model is OutOfSync."""
    found = settled(routes=(live_route(route({"r1": 100, "r2": 0})),))

    assert Sync.OUT_OF_SYNC is found.sync
    assert found.sync_reason.startswith("not applied, although Argo CD shows Synced: HTTPRoute")
    assert "spec.rules[shared].backendRefs[digits-r1].weight is 100, in git 90" in found.drift[0]
    assert [90.0, 100.0] == [found.releases[0].weight, found.releases[0].live_weight]
    assert found.commit is None


def test_what_argo_cd_alone_sees() -> None:
    """An object that is not compared here counts as Argo CD shows it."""
    resources = [
        {"kind": "Service", "name": "digits-r0", "status": "OutOfSync", "requiresPruning": True},
        {"kind": "HorizontalPodAutoscaler", "name": "digits-r1", "status": "OutOfSync"},
        {"kind": "NetworkPolicy", "name": "digits", "status": "Synced"},
    ]
    shown = live_application(application(), sync="OutOfSync", resources=resources)

    found = settled(applications=(shown,))

    assert "Argo CD shows OutOfSync: HorizontalPodAutoscaler digits-r1" == found.sync_reason


def test_a_former_service_is_no_fault() -> None:
    """A Service that outlives its release may be OutOfSync in a Synced Application."""
    service = {"kind": "Service", "name": "digits-r0", "status": "OutOfSync"}
    shown = live_application(application(), resources=[{**service, "requiresPruning": True}])

    assert Sync.SYNCED is settled(applications=(shown,)).sync


def test_a_sync_that_failed() -> None:
    """What was refused is told in the API's own words."""
    operation = {
        "phase": "Failed",
        "startedAt": "2026-01-01T09:00:00Z",
        "finishedAt": "2026-01-01T09:00:01Z",
        "message": 'HTTPRoute.gateway.networking.k8s.io "digits" is invalid:\n port: 99999',
        "retryCount": 4,
    }
    shown = live_application(application(), sync="OutOfSync", operationState=operation)

    found = settled(applications=(shown,), routes=(live_route(route({"r1": 100, "r2": 0})),))

    assert found.sync_reason.startswith(
        'its last sync failed: HTTPRoute.gateway.networking.k8s.io "digits" is invalid: port: 99999'
    )
    assert ("2026-01-01T09:00:01Z", "sync Failed after 4 tries") == (
        found.events[0].time, found.events[0].message,
    )  # fmt: skip


def test_a_sync_that_runs() -> None:
    """A sync that has come to no end is told with its beginning."""
    operation = {"phase": "Running", "startedAt": "2026-01-01T08:00:00Z", "message": "waiting"}
    shown = live_application(application(), sync="OutOfSync", operationState=operation)

    assert settled(applications=(shown,)).sync_reason.startswith(
        "a sync runs since 2026-01-01T08:00:00Z: waiting; Argo CD shows OutOfSync"
    )


def test_argo_cd_does_not_know() -> None:
    """A comparison that failed leaves the sync Unknown, with what Argo CD says of it."""
    condition = {
        "type": "ComparisonError",
        "message": "app path does not exist",
        "lastTransitionTime": "2026-01-01T09:30:00Z",
    }
    shown = live_application(application(), sync="Unknown", conditions=[condition])

    found = settled(applications=(shown,))

    assert Sync.UNKNOWN is found.sync
    assert "Argo CD does not know: ComparisonError: app path does not exist" == found.sync_reason
    assert ("ComparisonError: app path does not exist",) == found.application.conditions  # type: ignore[union-attr]
    assert ["error"] == [event.level for event in found.events]


def test_a_clone_that_is_old() -> None:
    """Where Argo CD has a commit that is not here, nobody can say here whether it is applied."""
    shown = live_application(application(), revision="b" * 40)

    found = settled(applications=(shown,), compared=Compared(frozenset({"b" * 40})))

    words = "Argo CD compared it with a commit that is not in the history here: bbbbbbbbbbbb"
    assert (Sync.UNKNOWN, words, None) == (found.sync, found.sync_reason, found.commit)


def test_a_commit_that_argo_cd_has_not_seen() -> None:
    """Where something was rendered since Argo CD has compared, its Synced is of before."""
    found = settled(compared=Compared(changed=frozenset({(REVISION, MODEL)})))

    words = "Argo CD has not looked at its last commit: it compared with aaaaaaaaaaaa"
    assert (Sync.OUT_OF_SYNC, words, None) == (found.sync, found.sync_reason, found.commit)


def test_no_application() -> None:
    """A model in git without an Application is not applied, whatever runs."""
    found = settled(applications=())

    assert (Sync.OUT_OF_SYNC, "git has it and the cluster has no Application") == (
        found.sync, found.sync_reason,
    )  # fmt: skip
    assert Health.HEALTHY is found.health


def test_no_model_in_git() -> None:
    """An Application without a model in git is told, with what Argo CD says."""
    condition = {"type": "ComparisonError", "message": "app path does not exist"}
    shown = live_application(application(), sync="Unknown", conditions=[condition])

    found = status(None, applications=(shown,), routes=(live_route(route({"r1": 100})),))[MODEL]

    assert Sync.OUT_OF_SYNC is found.sync
    assert found.sync_reason.startswith("git has no such model here, and its Application is there")
    assert "app path does not exist" in found.sync_reason
    assert [("r1", None, 100.0, "Missing")] == [
        (each.release, each.weight, each.live_weight, each.state) for each in found.releases
    ]


def test_objects_that_nobody_wants() -> None:
    """Objects of a model that is in git no more, and has no Application, are told."""
    found = status(None, deployments=(live_deployment(deployment("r1")),), pods=(pod("r1"),))

    assert [MODEL] == list(found)
    assert found[MODEL].sync_reason.endswith("and some of its objects are there")


def test_paused() -> None:
    """What is paused in git is not applied, and that is the reason."""
    held = application(paused=True)
    items = (held, route({"r1": 100, "r2": 0}), deployment("r1"), deployment("r2"))

    found = status(
        wanted(*items),
        applications=(live_application(held, sync="OutOfSync"),),
        routes=(live_route(route(WEIGHTS)),),
        deployments=(live_deployment(items[2]), live_deployment(items[3])),
        pods=(pod("r1"), pod("r2")),
    )[MODEL]

    assert found.paused
    assert found.sync_reason.startswith("paused: true in git; changes are not applied; not applied")


def test_an_application_that_was_changed_by_hand() -> None:
    """Auto-sync that was switched off in the cluster is named."""
    changed = application()
    changed["spec"]["syncPolicy"]["automated"]["enabled"] = False

    found = settled(applications=(live_application(changed),))

    assert found.drift == (
        "Application digits: spec.syncPolicy.automated.enabled is False, in git True",
    )


def test_a_path_that_was_changed_by_hand() -> None:
    """An Application that leads elsewhere is this model's still, and is told so."""
    changed = application()
    changed["spec"]["source"]["path"] = "apps/digits/rendered/staging"
    other = live_application(application("linear"))

    found = settled(applications=(live_application(changed), other))

    assert found.drift[0].startswith("Application digits: spec.source.path is")


def test_an_application_that_is_being_deleted() -> None:
    """An Application on its way out is told."""
    shown = live_application(application())
    shown["metadata"]["deletionTimestamp"] = "2026-01-01T09:30:00Z"

    assert "its Application is being deleted" == settled(applications=(shown,)).sync_reason


def test_no_namespace() -> None:
    """A namespace that the cluster does not have is named."""
    found = settled(namespaces=frozenset({"argocd"}))

    assert f"its namespace is missing: {NAMESPACE}" == found.sync_reason


def _container(item: Object) -> Object:
    found: Object = item["spec"]["template"]["spec"]["containers"][0]
    return found


def _with_variable(item: Object) -> None:
    _container(item)["env"].append({"name": "DEBUG", "value": "1"})


def _with_image(item: Object) -> None:
    _container(item)["image"] = "registry.example.com/modelserver:latest"


def _with_restart(item: Object) -> None:
    annotations = {"kubectl.kubernetes.io/restartedAt": "2026-01-01T09:00:00Z"}
    item["spec"]["template"]["metadata"]["annotations"] = annotations


@pytest.mark.parametrize(
    ("change", "drift"),
    [
        (_with_variable, "env[DEBUG] is not in git"),
        (_with_image, ".image is 'registry.example.com/modelserver:latest', in git 'registry"),
        (_with_restart, ""),
    ],
)
def test_a_deployment_that_was_changed_by_hand(change: Any, drift: str) -> None:  # noqa: ANN401
    """A variable or an image set by hand is named; a restart that a team asked for is none."""
    changed = live_deployment(deployment("r1"))
    change(changed)

    found = settled(deployments=(changed, live_deployment(deployment("r2"))))

    assert bool(drift) == bool(found.drift)
    assert drift in "".join(found.drift)


def test_what_is_missing_and_what_is_too_much() -> None:
    """Objects that only one side has are named."""
    found = settled(
        deployments=(live_deployment(deployment("r1")), live_deployment(deployment("r3"))),
        routes=(),
    )

    assert (
        "HTTPRoute digits is missing in models-vision",
        "Deployment digits-r2 is missing in models-vision",
        "Deployment digits-r3 in models-vision is not in git",
    ) == found.drift
    assert Health.MISSING is found.health
    assert "r2: the cluster has no Deployment of it" == found.health_reason


def test_a_route_of_somebody_else_for_the_same_path() -> None:
    """Of two routes for one host and path the older wins: the other one is told."""
    own, other = live_route(route(WEIGHTS)), live_route(route(WEIGHTS, namespace="models-old"))
    other["metadata"]["labels"] = {}

    found = settled(routes=(own, other))

    assert Sync.OUT_OF_SYNC is found.sync
    assert found.drift == (
        "HTTPRoute models-old/digits takes the same requests, and of two the older wins",
    )


def test_what_stayed_after_a_move() -> None:
    """Objects in the namespace of a former owner are told."""
    former = live_route(route(WEIGHTS, namespace="models-old"))

    found = settled(routes=(live_route(route(WEIGHTS)), former))

    assert "HTTPRoute digits in models-old is not in git" in found.drift


CRASH = {
    "exitCode": 86,
    "reason": "Error",
    "message": '{"event": "start", "level": "info"}\n'
    '{"event": "failed", "level": "error", "error": "ArtifactDigestMismatch", "detail": "sha256"}',
}


@pytest.mark.parametrize(
    ("changes", "state", "health", "reason"),
    [
        (
            {"waiting": {"reason": "CrashLoopBackOff"}, "last": CRASH, "restarts": 7},
            "CrashLoopBackOff", Health.DEGRADED,
            "r2: exit code 86: ArtifactDigestMismatch: sha256",
        ),
        (
            {"waiting": {"reason": "CrashLoopBackOff"},
             "last": {"exitCode": 137, "reason": "OOMKilled"}},
            "CrashLoopBackOff", Health.DEGRADED, "r2: exit code 137 (OOMKilled)",
        ),
        (
            {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}},
            "ImagePullBackOff", Health.DEGRADED, "r2: Back-off pulling image",
        ),
        (
            {"waiting": {"reason": "ContainerCreating"}},
            "Starting", Health.PROGRESSING, "r2: 0/1 ready",
        ),
        ({}, "Starting", Health.PROGRESSING, "r2: 0/1 ready"),
        (
            {"containerStatuses": [], "conditions": [
                {"type": "PodScheduled", "status": "False", "message": "0/3 nodes: no GPU"}]},
            "Pending", Health.PROGRESSING, "r2: 0/1 ready (0/3 nodes: no GPU)",
        ),
    ],
)  # fmt: skip
def test_a_pod_that_does_not_serve(
    changes: dict[str, Any], state: str, health: Health, reason: str
) -> None:
    """A release takes the state of its worst pod, in Kubernetes' words, with the reason."""
    found = settled(pods=(pod("r1"), pod("r2", ready=False, **changes)))

    assert (state, health, reason) == (
        found.releases[1].state, found.health, found.health_reason,
    )  # fmt: skip


def test_a_pod_that_was_ready() -> None:
    """A pod whose probe fails is told apart from one that starts."""
    unready = pod("r2", ready=False)
    unready["status"]["containerStatuses"][0]["started"] = True

    found = settled(pods=(pod("r1"), unready))

    assert ("Unready", "r2: 0/1 ready (its readiness probe fails)") == (
        found.releases[1].state, found.health_reason,
    )  # fmt: skip


def test_pods_that_are_over_do_not_count() -> None:
    """An evicted pod that is kept to be read says nothing of the release."""
    evicted = pod("r1", restarts=9, phase="Failed", reason="Evicted")

    found = settled(pods=(pod("r1"), evicted, pod("r2")))

    assert (Health.HEALTHY, 0) == (found.health, found.releases[0].restarts)


def test_a_rollout_that_came_to_no_end() -> None:
    """A Deployment past its deadline is Degraded, in its controller's words."""
    late = live_deployment(deployment("r2"))
    message = 'ReplicaSet "digits-r2-1" has timed out progressing.'
    condition = {"type": "Progressing", "status": "False", "message": message}
    late["status"]["conditions"] = [condition]

    found = settled(deployments=(live_deployment(deployment("r1")), late))

    assert (Health.DEGRADED, f"r2: {message}") == (found.health, found.health_reason)


@pytest.mark.parametrize(
    ("status_of", "reason"),
    [
        ({"observedGeneration": 0}, "its last change has not been looked at yet"),
        ({"updatedReplicas": 0}, "0 of 1 pods have the newest template"),
    ],
)
def test_a_rollout_that_is_under_way(status_of: dict[str, int], reason: str) -> None:
    """Ready pods of the former template are no end of a rollout."""
    changed = live_deployment(deployment("r2"))
    changed["status"] |= status_of

    found = settled(deployments=(live_deployment(deployment("r1")), changed))

    assert (Health.PROGRESSING, f"r2: 1/1 ready ({reason})") == (found.health, found.health_reason)


def test_scaled_to_nothing() -> None:
    """A release with traffic and no replicas is a fault."""
    empty = live_deployment(deployment("r2"), replicas=0)

    found = settled(deployments=(live_deployment(deployment("r1")), empty), pods=(pod("r1"),))

    assert (Health.DEGRADED, "r2: it has traffic and is scaled to 0 replicas") == (
        found.health, found.health_reason,
    )  # fmt: skip


def test_a_gateway_that_refuses_the_route() -> None:
    """What a gateway has against a route is told."""
    refused = live_route(route(WEIGHTS))
    refused["status"]["parents"][0]["conditions"][1] |= {
        "status": "False", "reason": "BackendNotFound", "message": "Service digits-r2 not found",
    }  # fmt: skip

    found = settled(routes=(refused,))

    assert Health.DEGRADED is found.health
    assert "HTTPRoute digits: ResolvedRefs is False, BackendNotFound: Service digits-r2" in (
        found.health_reason
    )


@pytest.mark.parametrize("generation", [None, 2])
def test_a_gateway_that_has_not_looked(generation: int | None) -> None:
    """A route that no gateway has seen as it is now is on its way."""
    fresh = live_route(route(WEIGHTS), taken=generation is not None)
    for each in fresh["status"]["parents"]:
        for condition in each["conditions"]:
            condition["observedGeneration"] = generation

    found = settled(routes=(fresh,))

    assert (Health.PROGRESSING, "HTTPRoute digits: no gateway has taken it as it is now") == (
        found.health, found.health_reason,
    )  # fmt: skip


def test_argo_cd_finds_something_worse() -> None:
    """Health that Argo CD sees in objects that are not read here counts, with its words."""
    scaler = {"kind": "HorizontalPodAutoscaler", "name": "digits-r1", "status": "Synced"}
    bad = {**scaler, "health": {"status": "Degraded", "message": "no metrics"}}
    shown = live_application(application(), health="Degraded", resources=[bad])

    found = settled(applications=(shown,))

    assert (Health.DEGRADED, "HorizontalPodAutoscaler digits-r1: no metrics") == (
        found.health, found.health_reason,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told"), [("Suspended", Health.PROGRESSING), ("Unknown", Health.UNKNOWN)]
)
def test_other_words_of_argo_cd(said: str, told: Health) -> None:
    """Each word of Argo CD has its place."""
    found = settled(applications=(live_application(application(), health=said),))

    assert (told, f"Argo CD shows {said}") == (found.health, found.health_reason)


def test_shadow() -> None:
    """A release that gets copies is the shadow, with its percent, as the live route says."""
    mirrored = route({"r1": 100}, shadow=("r2", 20))
    items = (application(), mirrored, deployment("r1"), deployment("r2"))

    found = status(
        wanted(*items),
        applications=(live_application(items[0]),),
        routes=(live_route(mirrored),),
        deployments=(live_deployment(items[2]), live_deployment(items[3])),
        pods=(pod("r1"), pod("r2")),
    )[MODEL]

    assert ShadowStatus("r2", 20) == found.shadow
    assert ["stable", "shadow"] == [each.role for each in found.releases]
    assert Sync.SYNCED is found.sync


def test_a_rendered_file_that_a_hand_has_broken() -> None:
    """A file that cannot be read is told as what it is: nothing in the cluster is like it."""
    git = wanted(application(), route(WEIGHTS), deployment("r1"), deployment("r2"))
    broken = {path: b"{" if "httproute" in path else each for path, each in git.files.items()}

    found = status(
        WantedModel(MODEL, broken),
        applications=(live_application(application()),),
        routes=(live_route(route(WEIGHTS)),),
        deployments=(live_deployment(deployment("r1")), live_deployment(deployment("r2"))),
        pods=(pod("r1"), pod("r2")),
    )[MODEL]

    assert Sync.OUT_OF_SYNC is found.sync
