"""One model's way from what is live to what is wanted."""

from collections.abc import Callable

from modelctl.local.plan.rollout import Aim, Rollout, Step
from modelctl.local.plan.values import ModelPlan, Published
from modelctl.repo.git import Commit

COMMIT = Commit("c" * 40, "Ann", "2026-01-01T00:00:00+00:00", "apps/m: Shift")
Plan = Callable[..., ModelPlan]
READY = frozenset({"m-r1", "m-r2", "m-r3"})


def aim(plan: ModelPlan | None, split: int = 0) -> Aim:
    """A plan to aim at."""
    return Aim(plan, COMMIT, (), split) if plan else Aim()


def on_the_way(live: ModelPlan | None, target: ModelPlan | None) -> Rollout:
    """A rollout between two plans, all of the first being served."""
    rollout = Rollout("m")
    if live is not None:
        rollout.aim(aim(live, 1))
        rollout.publish(rollout.next(READY), 1.0)
    rollout.aim(aim(target, 2))
    return rollout


def plan_of(rollout: Rollout, *ready: str) -> ModelPlan | None:
    """Which plan is to be served while only these Services are ready."""
    return rollout.next(ready).aim.plan


def rules_of(step: Step) -> list[str]:
    """The names of the rules that are published."""
    routes = step.published.routes if step.published else ()
    return [rule.name for route in routes for rule in route.rules]


def test_first_routes_come_with_the_first_that_is_ready(make_plan: Plan) -> None:
    """Of a new model those that are ready answer for the others, as in a cluster."""
    target = make_plan({"r1": 90, "r2": 10})
    rollout = on_the_way(None, target)

    assert Step(Aim(), Published(())) == rollout.next(())
    assert ("m-r1", "m-r2") == rollout.waiting
    assert target == plan_of(rollout, "m-r1")
    assert () == rollout.waiting


def test_release_at_zero_holds_nothing_up(make_plan: Plan) -> None:
    """A release that enters at weight 0 is not waited for."""
    target = make_plan({"r1": 100, "r2": 0})

    assert target == plan_of(on_the_way(make_plan({"r1": 100}), target), "m-r1")


def test_more_for_a_release_that_is_not_ready_is_refused(make_plan: Plan) -> None:
    """What gives a release more traffic waits until it is ready, and what is live stays."""
    live, target = make_plan({"r1": 100, "r2": 0}), make_plan({"r1": 90, "r2": 10})
    rollout = on_the_way(live, target)

    assert live == plan_of(rollout, "m-r1")
    assert ("m-r2",) == rollout.waiting
    assert {"m-r1", "m-r2"} == set(rollout.workloads())
    assert target == plan_of(rollout, "m-r1", "m-r2")


def test_way_back_is_never_blocked(make_plan: Plan) -> None:
    """Traffic can leave a broken release, whether or not what it leaves is ready."""
    back = make_plan({"r1": 100, "r2": 0})

    assert back == plan_of(on_the_way(make_plan({"r1": 50, "r2": 50}), back), "m-r1")
    assert back == plan_of(on_the_way(back, back))


def test_shares_are_compared_not_weights(make_plan: Plan) -> None:
    """The same shares in other numbers wait for nothing."""
    target = make_plan({"r1": 50, "r2": 50})

    assert target == plan_of(on_the_way(make_plan({"r1": 1, "r2": 1}), target))


def test_a_shadow_is_not_waited_for(make_plan: Plan) -> None:
    """A shadow that is not ready loses copies and holds nothing up."""
    target = make_plan({"r1": 100}, shadow="r2")

    assert target == plan_of(on_the_way(make_plan({"r1": 100}), target), "m-r1")


def test_rule_for_a_release_comes_when_it_can_be_answered(make_plan: Plan) -> None:
    """A new release's own rule waits until it is ready, and then stays whatever becomes of it."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100, "r2": 0}))

    assert ["r1", "shared"] == rules_of(rollout.next({"m-r1"}))
    step = rollout.next({"m-r1", "m-r2"})
    assert ["r1", "r2", "shared"] == rules_of(step)
    rollout.publish(step, 2.0)
    assert ["r1", "r2", "shared"] == rules_of(rollout.next(()))


def test_fallback_serves_until_something_is_live(make_plan: Plan) -> None:
    """Until the target is ready what was good before serves, and the target wins."""
    good, target = make_plan({"r1": 100}), make_plan({"r2": 100})
    rollout = on_the_way(None, target)
    rollout.fallback = aim(good)

    assert {"m-r1", "m-r2"} == set(rollout.workloads())
    assert good == plan_of(rollout, "m-r1")
    assert target == plan_of(rollout, "m-r1", "m-r2")
    rollout.publish(rollout.next({"m-r1"}), 1.0)
    assert target == plan_of(rollout, "m-r1", "m-r2")


def test_refused_by_envoy(make_plan: Plan) -> None:
    """A target that Envoy refuses leaves what is live, until there is another target."""
    live, target = make_plan({"r1": 100}), make_plan({"r1": 90, "r2": 10})
    rollout = on_the_way(live, target)
    rollout.refuse(rollout.aimed, "no")

    assert live == plan_of(rollout, *READY)
    rollout.aim(aim(target))
    assert live == plan_of(rollout, *READY)
    rollout.aim(aim(make_plan({"r1": 80, "r2": 20})))
    assert "" == rollout.refused
    assert rollout.target == plan_of(rollout, *READY)


def test_refused_fallback_is_none(make_plan: Plan) -> None:
    """A fallback that Envoy refuses is dropped."""
    rollout = on_the_way(None, make_plan({"r2": 100}))
    rollout.fallback = aim(make_plan({"r1": 100}))
    rollout.refuse(rollout.fallback, "no")

    assert plan_of(rollout, "m-r1") is None


def test_split_is_numbered_by_weights(make_plan: Plan) -> None:
    """Other weights are another split; the same weights keep theirs, and their time."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, setting="b"))
    assert 1 == rollout.aimed.split
    rollout.publish(rollout.next(READY), 2.0)
    assert 1.0 == rollout.live_since_s

    rollout.aim(aim(make_plan({"r1": 90, "r2": 10}), 3))
    assert 3 == rollout.aimed.split
    rollout.publish(rollout.next(READY), 3.0)
    assert (COMMIT, 3.0) == (rollout.live_commit, rollout.live_since_s)


def test_target_replaces_a_workload_of_the_same_name(make_plan: Plan) -> None:
    """Of two templates of one Deployment the target's runs."""
    rollout = on_the_way(make_plan({"r1": 100}), make_plan({"r1": 100}, setting="b"))

    assert "b" == rollout.workloads()["m-r1"].template.variable("SETTING")


def test_removal(make_plan: Plan) -> None:
    """A model that git no longer has loses its rules first, then its workloads."""
    rollout = on_the_way(make_plan({"r1": 100}), None)

    assert rollout.pending
    assert Step() == rollout.next(READY)
    assert {"m-r1"} == set(rollout.workloads())
    rollout.publish(rollout.next(READY), 1.0)
    assert {} == rollout.workloads()


def test_newer_target_supersedes(make_plan: Plan) -> None:
    """A revert that comes while another target waits is what counts from then on."""
    live = make_plan({"r1": 100})
    rollout = on_the_way(live, make_plan({"r1": 0, "r2": 100}))
    assert live == plan_of(rollout, "m-r1")

    rollout.aim(aim(live))

    assert live == plan_of(rollout)
    assert not rollout.pending
    assert {"m-r1"} == set(rollout.workloads())
