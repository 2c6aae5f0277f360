"""One model's way from what is live to what is wanted."""

from collections.abc import Callable

from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Lane, ModelPlan
from modelctl.repo.git import Commit

COMMIT = Commit("c" * 40, "Ann", "2026-01-01T00:00:00+00:00", "apps/m: Shift")
Plan = Callable[..., ModelPlan]


def on_the_way(live: ModelPlan | None, target: ModelPlan | None) -> Rollout:
    """A rollout between two plans."""
    rollout = Rollout("m", live=live)
    rollout.aim(target, COMMIT)
    return rollout


def waits_for(rollout: Rollout, *ready: str) -> list[str]:
    """What is waited for while only these Services are ready, in every lane."""
    return list(rollout.unready(lambda service, _: service in ready))


def test_first_routes_wait_for_every_weighted_release(make_plan: Plan) -> None:
    """A new model is published once each release with traffic is ready."""
    rollout = on_the_way(None, make_plan({"r1": 90, "r2": 10, "r3": 0}))

    assert ["m-r1", "m-r2"] == waits_for(rollout)
    assert ["m-r2"] == waits_for(rollout, "m-r1")
    assert [] == waits_for(rollout, "m-r1", "m-r2")


def test_release_at_zero_is_not_waited_for(make_plan: Plan) -> None:
    """A release that enters at weight 0 holds nothing up."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100, "r2": 0}))

    assert [] == waits_for(rollout, "m-r1")


def test_first_traffic_waits(make_plan: Plan) -> None:
    """A release gets its first traffic only when it is ready."""
    rollout = on_the_way(make_plan({"r1": 100, "r2": 0}), make_plan({"r1": 90, "r2": 10}))

    assert ["m-r2"] == waits_for(rollout, "m-r1")


def test_way_back_is_never_blocked(make_plan: Plan) -> None:
    """Traffic can leave a broken release, whether or not what it leaves is ready."""
    rollout = on_the_way(make_plan({"r1": 50, "r2": 50}), make_plan({"r1": 100, "r2": 0}))

    assert [] == waits_for(rollout, "m-r1")
    assert [] == waits_for(on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100})))


def test_shares_are_compared_not_weights(make_plan: Plan) -> None:
    """The same shares in other numbers wait for nothing."""
    rollout = on_the_way(make_plan({"r1": 1, "r2": 1}), make_plan({"r1": 50, "r2": 50}))

    assert [] == waits_for(rollout)


def test_shadow_is_waited_for(make_plan: Plan) -> None:
    """Copies are sent only to a release that is ready in its own lane."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, shadow="r2"))
    ready = {("m-r1", Lane.WEIGHTED), ("m-r2", Lane.WEIGHTED)}

    assert ["m-r2"] == list(rollout.unready(lambda service, lane: (service, lane) in ready))


def test_copies_that_stay_wait_for_nothing(make_plan: Plan) -> None:
    """A shadow that has its share already is not waited for, ready or not."""
    before = make_plan({"r1": 90, "r3": 10}, shadow="r2")
    rollout = on_the_way(before, make_plan({"r1": 100, "r3": 0}, shadow="r2"))

    assert [] == waits_for(rollout, "m-r1")


def test_a_ready_shadow_gets_its_copies(make_plan: Plan) -> None:
    """A shadow that is ready holds nothing up."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, shadow="r2"))

    assert [] == waits_for(rollout, "m-r2")


def test_old_routes_serve_meanwhile(make_plan: Plan) -> None:
    """While something is waited for, the live rules stay and both plans' workloads run."""
    live, target = make_plan({"r1": 100}), make_plan({"r2": 100})
    rollout = on_the_way(live, target)
    rollout.waiting = ("m-r2",)

    assert live.rules == rollout.rules()
    assert {"m-r1", "m-r2"} == set(rollout.workloads())


def test_nothing_live_yet(make_plan: Plan) -> None:
    """A model that waits for its first release has no rules, but is known."""
    rollout = on_the_way(None, make_plan({"r1": 100}))
    rollout.waiting = ("m-r1",)

    assert () == rollout.rules()


def test_publish(make_plan: Plan) -> None:
    """Once published, only the target's workloads are wanted, and its commit is live."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r2": 100}))

    rollout.publish(rollout.target, COMMIT, 7.0)

    assert not rollout.pending
    assert {"m-r2"} == set(rollout.workloads())
    assert (COMMIT, 7.0) == (rollout.live_commit, rollout.live_since_s)


def test_measurement_begins_with_new_weights_only(make_plan: Plan) -> None:
    """A change that keeps the weights does not begin a new measurement."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, setting="b"))
    rollout.live_since_s = 3.0

    rollout.publish(rollout.target, COMMIT, 7.0)

    assert 3.0 == rollout.live_since_s


def test_target_replaces_a_workload_of_the_same_name(make_plan: Plan) -> None:
    """Of two templates of one Deployment the target's runs."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, setting="b"))

    template = rollout.workloads()["m-r1"].template

    assert "b" == template.variable("SETTING")


def test_removal(make_plan: Plan) -> None:
    """A model that git no longer has loses its rules first, then its workloads."""
    rollout = on_the_way(make_plan({"r1": 100}), None)

    assert rollout.pending
    assert rollout.rules() is None
    assert {"m-r1"} == set(rollout.workloads())
    rollout.publish(None, None, 1.0)
    assert {} == rollout.workloads()


def test_newer_target_supersedes(make_plan: Plan) -> None:
    """A revert that comes while another target waits is what counts from then on."""
    live = make_plan({"r1": 100})
    rollout = on_the_way(live, make_plan({"r1": 0, "r2": 100}))
    rollout.waiting = ("m-r2",)

    rollout.aim(live, COMMIT)

    assert [] == waits_for(rollout)
    assert not rollout.pending
    assert {"m-r1"} == set(rollout.workloads())
