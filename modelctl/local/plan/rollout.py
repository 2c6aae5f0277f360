"""One model on its way from what is live to what its last accepted revision wants.

Nothing here acts: it says which servers have to run and which routes Envoy should have by now, and
the engine sees to that.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from modelctl.gateway.values import Route, RouteRule, TrafficPolicy
from modelctl.local.plan.values import Lane, ModelPlan, Published, Workload, lane
from modelctl.repo.git import Commit


@dataclass(frozen=True, slots=True)
class Aim:
    """A plan that a model may be brought to; without one there is nothing to serve.

    `commit` is the last that changed the model, `policies` what the gateway does by the name of the
    route, `split` numbers the weights.
    """

    plan: ModelPlan | None = None
    commit: Commit | None = None
    policies: tuple[tuple[str, TrafficPolicy], ...] = ()
    split: int = 0

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each Service in the rules that share by weight."""
        return self.plan.weights() if self.plan else {}


@dataclass(frozen=True, slots=True)
class Step:
    """An aim, and what of it can be answered; no routes at all for a model that is gone."""

    aim: Aim = Aim()
    published: Published | None = None


@dataclass(slots=True)
class Rollout:
    """What a model aims at, what is done of that, and what to fall back to while nothing is.

    `held` is a newer plan that the model's `paused: true` keeps from being applied; `waiting` names
    the Services that would get more than now and have no replica that is ready, `refused` is what
    Envoy said to the target, `no_room` why its servers are not started, `removed` says that git no
    longer has the model. Times are monotonic seconds.
    """

    model: str
    aimed: Aim = Aim()
    done: Step = Step()
    fallback: Aim = Aim()
    live_since_s: float = 0.0
    paused: bool = False
    held: ModelPlan | None = None
    waiting: tuple[str, ...] = ()
    refused: str = ""
    no_room: str = ""
    removed: bool = False

    @property
    def target(self) -> ModelPlan | None:
        """The plan that git wants."""
        return self.aimed.plan

    @property
    def target_commit(self) -> Commit | None:
        """The commit that wants it."""
        return self.aimed.commit

    @property
    def live(self) -> ModelPlan | None:
        """The plan that Envoy routes by."""
        return self.done.aim.plan

    @property
    def live_commit(self) -> Commit | None:
        """The commit that it comes from."""
        return self.done.aim.commit

    @property
    def pending(self) -> bool:
        """Whether Envoy does not yet have what the target wants."""
        return self.live != self.target

    def aim(self, aim: Aim) -> None:
        """Aim at another plan, or at nothing; the same weights as now keep their number."""
        if aim.plan != self.target:
            self.refused = ""
        self.removed = aim.plan is None
        same = (each for each in (self.done.aim, self.aimed) if each.weights == aim.weights)
        self.aimed = replace(aim, split=next(same, aim).split)

    def note_commit(self, commit: Commit) -> None:
        """Note the commit of the target, where it was not known yet."""
        known = replace(self.aimed, commit=self.aimed.commit or commit)
        if self.done.aim == self.aimed:
            self.done = replace(self.done, aim=known)
        self.aimed = known

    def refuse(self, aim: Aim, words: str) -> None:
        """Note that Envoy refuses a plan; what is live stays until there is another."""
        if aim == self.aimed:
            self.refused = words
        else:
            self.fallback = Aim()

    def next(self, ready: Collection[str]) -> Step:
        """Where to bring the model now, by the Services that have a replica that is ready."""
        self.waiting = tuple(self._unready(ready))
        if self.removed:
            return Step()
        aim = self._best(ready)
        if aim.plan is None:
            return Step(aim, Published(()))
        routes = tuple(self._answered(route, ready) for route in aim.plan.routes)
        return Step(aim, Published(routes, aim.policies, aim.split))

    def publish(self, step: Step, now_s: float) -> None:
        """Note that Envoy routes by a step; the target may be a newer one by now."""
        if step.aim.weights != self.done.aim.weights:
            self.live_since_s = now_s
        self.done = step

    def workloads(self) -> dict[str, Workload]:
        """Every Deployment that has to run now, by name: those that serve and those to come."""
        plans = [self.live or self.fallback.plan, None if self.no_room else self.target]
        return {workload.name: workload for plan in plans if plan for workload in plan.workloads}

    def _best(self, ready: Collection[str]) -> Aim:
        """The target if it can be served, or else what is live, or else the fallback."""
        is_held = self.waiting or self.refused or self.no_room
        if not is_held and self.target is not None:
            return self.aimed
        if self.live is None and any(s in ready for s, w in self.fallback.weights.items() if w):
            return self.fallback
        return self.done.aim

    def _unready(self, ready: Collection[str]) -> Iterator[str]:
        """The Services without a ready replica that keep the target from being applied.

        Those are the ones that would get more traffic than now. A Service that keeps its share, or
        loses some, is not waited for: a way back must work while what it leaves is broken. Where
        nothing is live, the others answer for one that is not ready, as in a cluster.
        """
        before, after = _shares(self.done.aim.weights), _shares(self.aimed.weights)
        if self.live is None and any(s in ready for s, share in after.items() if share):
            return
        for service, share in after.items():
            if share > before.get(service, 0) and service not in ready:
                yield service

    def _answered(self, route: Route, ready: Collection[str]) -> Route:
        """A route without the rules for one release that cannot be answered yet."""
        had = self.done.published.routes if self.done.published else ()
        known = {_identity(each, rule) for each in had for rule in each.rules}
        return replace(
            route,
            rules=tuple(
                rule
                for rule in route.rules
                if lane(rule) is not Lane.DIRECT
                or rule.answer is not None
                or _identity(route, rule) in known
                or any(backend.service in ready for backend in rule.backends)
            ),
        )


def _identity(route: Route, rule: RouteRule) -> tuple[str, ...]:
    """What makes a rule for one release the same in two plans."""
    return route.name, *(backend.service for backend in rule.backends)


def _shares(weights: dict[str, int]) -> dict[str, float]:
    total = sum(weights.values())
    return {service: weight / total for service, weight in weights.items()} if total else {}
