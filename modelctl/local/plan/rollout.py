"""One model on its way from what is live to what its last accepted revision wants.

Nothing here acts: it says which servers have to run and which routes Envoy should have by now, and
the engine sees to that.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from modelctl.local.plan.values import Lane, ModelPlan, RouteRule, Workload
from modelctl.repo.git import Commit

IsReady = Callable[[str, Lane], bool]


@dataclass(slots=True)
class Rollout:
    """The plan that a model aims at and the one that is live, with the commits that asked for them.

    `held` is a newer plan that the model's `paused: true` keeps from being applied; `waiting`
    names the Services that a new route still waits for. Times are monotonic seconds.
    """

    model: str
    target: ModelPlan | None = None
    target_commit: Commit | None = None
    live: ModelPlan | None = None
    live_commit: Commit | None = None
    live_since_s: float = 0.0
    paused: bool = False
    held: ModelPlan | None = None
    waiting: tuple[str, ...] = ()

    def aim(self, plan: ModelPlan | None, commit: Commit | None) -> None:
        """Aim at another plan, or with None at nothing; one that is still waited for is dropped."""
        self.target, self.target_commit = plan, commit

    def publish(self, plan: ModelPlan | None, commit: Commit | None, now_s: float) -> None:
        """Note that Envoy has the routes of a plan; the target may be a newer one by now."""
        before = self.live.weights() if self.live else {}
        if plan and plan.weights() != before:
            self.live_since_s = now_s
        self.live, self.live_commit = plan, commit
        self.waiting = ()

    @property
    def pending(self) -> bool:
        """Whether Envoy does not yet have what the target wants."""
        return self.live != self.target

    def rules(self) -> tuple[RouteRule, ...] | None:
        """The rules that Envoy should have now.

        They are empty while nothing is ready yet, and None once the model is to be gone.
        """
        if not self.waiting:
            return self.target.rules if self.target else None
        if self.live is not None:
            return self.live.rules
        return () if self.target else None

    def workloads(self) -> dict[str, Workload]:
        """Every Deployment that has to run now, by name: those that serve and those to come."""
        plans = [plan for plan in (self.live, self.target) if plan is not None]
        return {workload.name: workload for plan in plans for workload in plan.workloads}

    def unready(self, ready: IsReady) -> Iterator[str]:
        """The Services that must be ready before the target's routes may be published.

        Those are the ones that would get more traffic than now. A Service that keeps its share,
        or loses some, is not waited for: a way back must work while what it leaves is broken.
        """
        if self.target is None:
            return
        before = _shares(self.live.weights()) if self.live else {}
        for service, share in _shares(self.target.weights()).items():
            if share > before.get(service, 0) and not ready(service, Lane.WEIGHTED):
                yield service
        copied = self.live.shadows() if self.live else {}
        for service, per_million in self.target.shadows().items():
            if per_million > copied.get(service, 0) and not ready(service, Lane.SHADOW):
                yield service


def _shares(weights: dict[str, int]) -> dict[str, float]:
    total = sum(weights.values())
    return {service: weight / total for service, weight in weights.items()} if total else {}
