"""Whatever a cluster holds, what must be told is told: generated states against an oracle."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from modelctl.cluster.wanted import Compared
from modelctl.repo.git import Commit
from modelctl.status.text import lines
from modelctl.status.values import (
    Addresses,
    EngineStatus,
    Health,
    ModelStatus,
    Sync,
    encode,
)
from tests.modelctl.cluster.scenes import (
    MODEL,
    Object,
    application,
    deployment,
    live_application,
    live_deployment,
    live_route,
    pod,
    route,
    status,
    wanted,
)

RELEASES = ("r1", "r2", "r10")
READY, STARTS, CRASHES = "ready", "starts", "crashes"
ADDRESSES = Addresses(
    "prod", "refs/heads/main of /r", None, None, "https://m", "", "", "", "argocd", "https://c", "c"
)
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class State:
    """What git wants, what the cluster has, and what Argo CD says of it."""

    git: dict[str, int] | None
    live: dict[str, int] | None  # the route's weights; None without a route
    running: dict[str, tuple[str, ...]] = field(default_factory=dict)  # pods by release
    restarts: int = 0
    sync: str | None = "Synced"  # None without an Application
    health: str = "Healthy"
    taken: bool = True
    elsewhere: bool = False
    behind: bool = False


@st.composite
def weights(draw: st.DrawFn) -> dict[str, int]:
    """Whole percents of some releases, 100 together."""
    releases = draw(st.lists(st.sampled_from(RELEASES), min_size=1, unique=True))
    first = draw(st.integers(0, 100)) if len(releases) > 1 else 100
    shares = [first, 100 - first, 0]
    return dict(zip(releases, shares, strict=False))


@st.composite
def states(draw: st.DrawFn) -> State:
    """Any state; half of them differ in little from what is well."""
    git = draw(st.one_of(weights(), weights(), weights(), st.none()))
    live = draw(st.one_of(st.just(git), st.just(git), weights(), st.none()))
    pods = st.lists(st.sampled_from((READY, READY, STARTS, CRASHES)), min_size=1, max_size=3)
    deployed = draw(st.one_of(st.just(tuple(git or ())), st.just(tuple(live or ()))))
    return State(
        git=git,
        live=live,
        running={release: tuple(draw(pods)) for release in deployed},
        restarts=draw(st.integers(0, 5)),
        sync=draw(st.sampled_from(("Synced", "Synced", "Synced", "OutOfSync", "Unknown", None))),
        health=draw(st.sampled_from(("Healthy", "Healthy", "Progressing", "Degraded", "Unknown"))),
        taken=draw(st.sampled_from((True, True, True, False))),
        elsewhere=draw(st.sampled_from((False, False, False, True))),
        behind=draw(st.sampled_from((False, False, False, True))),
    )


def told(state: State) -> dict[str, ModelStatus]:
    """What is told of a state."""
    git = None
    if state.git is not None:
        deployments = [deployment(release) for release in state.git]
        git = wanted(application(), route(state.git), *deployments)
    revision = ("b" if state.elsewhere else "a") * 40
    changed = frozenset({("a" * 40, MODEL)}) if state.behind else frozenset()
    shown = {"sync": state.sync or "", "health": state.health, "revision": revision}
    return status(
        git,
        applications=[live_application(application(), **shown)] if state.sync else [],
        routes=[live_route(route(state.live), taken=state.taken)] if state.live else [],
        deployments=[
            live_deployment(deployment(release), replicas=len(pods))
            for release, pods in state.running.items()
        ],
        pods=[_pod(r, each, state.restarts) for r, pods in state.running.items() for each in pods],
        compared=Compared(frozenset({"b" * 40}), changed),
    )


def _pod(release: str, how: str, restarts: int) -> Object:
    waiting = {"reason": "CrashLoopBackOff"} if how == CRASHES else None
    return pod(release, ready=how == READY, restarts=restarts, waiting=waiting)


def is_applied(state: State) -> bool:
    """The oracle: whether the cluster's own objects are those that git wants."""
    return (
        state.git is not None
        and state.live is not None
        and list(state.git.items()) == list(state.live.items())
        and set(state.git) == set(state.running)
    )


def is_there(state: State) -> bool:
    """The oracle: whether there is anything to tell of."""
    return any((state.git is not None, state.live, state.running, state.sync))


@given(states())
def test_sync(state: State) -> None:
    """Synced is told where the objects are those of git, and Argo CD and this clone agree."""
    found = told(state)

    assert is_there(state) == (list(found) == [MODEL])
    if not found:
        return
    is_agreed = state.sync == "Synced" and not (state.elsewhere or state.behind)
    assert (found[MODEL].sync is Sync.SYNCED) == (is_applied(state) and is_agreed)
    assert (found[MODEL].sync_reason == "") == (found[MODEL].sync is Sync.SYNCED)
    assert (found[MODEL].commit is not None) == (
        is_applied(state) and not (state.sync and (state.elsewhere or state.behind))
    )


@given(states())
def test_unknown_is_neither_yes_nor_no(state: State) -> None:
    """Unknown is told where Argo CD does not know, or knows of a commit that is not here."""
    found = told(state).get(MODEL)

    is_unknown = state.git is not None and state.sync is not None and (
        state.elsewhere or state.sync == "Unknown"
    )  # fmt: skip
    assert (found is not None and found.sync is Sync.UNKNOWN) == is_unknown


@given(states())
def test_health(state: State) -> None:
    """Healthy is told only where everything that is read is well, and Argo CD says so."""
    found = told(state).get(MODEL)
    if found is None:
        return

    pods = [each for some in state.running.values() for each in some]
    served = {release for release, weight in (state.live or {}).items() if weight}
    has_all = {*(state.git or {}), *served} <= set(state.running) and bool(pods)
    is_well = has_all and set(pods) == {READY} and (state.taken or not state.live)
    assert (found.health is Health.HEALTHY) == (
        is_well and (state.sync is None or state.health == "Healthy")
    )
    if CRASHES in pods:
        assert Health.DEGRADED is found.health
    assert (found.health_reason == "") == (found.health is Health.HEALTHY)


@given(states())
def test_releases(state: State) -> None:
    """Every release that git wants, that runs or that has traffic is told, with its numbers."""
    found = told(state).get(MODEL)
    releases = found.releases if found else ()

    served = {release for release, weight in (state.live or {}).items() if weight}
    assert sorted({*(state.git or {}), *state.running, *served}, key=RELEASES.index) == [
        each.release for each in releases
    ]
    for each in releases:
        pods = state.running.get(each.release, ())
        assert (state.git or {}).get(each.release) == each.weight
        assert (state.live or {}).get(each.release) == each.live_weight
        assert (pods.count(READY), len(pods)) == (each.ready, each.replicas)
        assert state.restarts * len(pods) == each.restarts
        assert (each.state == "CrashLoopBackOff") == (CRASHES in pods)


@given(states())
def test_drift(state: State) -> None:
    """Each weight, route and Deployment that differs is named, up to the bound of an object."""
    found = told(state).get(MODEL)
    if found is None or state.git is None:
        assert found is None or found.drift == ()
        return

    drift = "\n".join(found.drift)
    assert is_applied(state) == (not drift)
    if state.live is None:
        assert "HTTPRoute digits is missing" in drift
    for release in set(state.git) ^ set(state.running):
        assert f"Deployment digits-{release} " in drift
    if state.live is not None and state.git.keys() == state.live.keys():
        differing = {r for r, weight in state.git.items() if weight != state.live[r]}
        named = {release for release in state.git if f"[digits-{release}].weight is" in drift}
        assert differing == named


@given(states())
def test_text_and_json(state: State) -> None:
    """The status is shown in lines that a terminal can print, with each reason in the end."""
    commit = Commit("a" * 40, "Ann", "2026-01-01T10:00:00+00:00", "apps/m: Shift")
    models = tuple(told(state).values())
    whole = EngineStatus(
        ADDRESSES, Sync.SYNCED, "", commit, None, (), "", 0.0, models, ()
    )  # fmt: skip

    shown = list(lines(json.loads(encode(whole.to_json())), NOW))

    assert all(line.isprintable() for line in shown)
    for model in models:
        reasons = [line for line in shown if line.startswith(f"{MODEL}: ")]
        assert len(reasons) == bool(model.sync_reason) + bool(model.health_reason)
