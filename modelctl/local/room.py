"""Which models fit on this machine beside what runs on it."""

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from modelctl.local import limits
from modelctl.local.limits import Limits
from modelctl.local.plan.rollout import Rollout
from modelctl.local.plan.values import Workload
from modelctl.local.servers.supervisor import Group

_Servers = dict[str, Workload]  # by Deployment, with as many replicas as there are or are to be


@dataclass(frozen=True, slots=True)
class Room:
    """The limits of the machine as they were before anything was started."""

    limits: Limits

    def refused(
        self,
        rollouts: Mapping[str, Rollout],
        groups: Mapping[str, Group],
        first: Container[str] = (),
    ) -> dict[str, str]:
        """By model, why there is no room for what its target would start.

        What runs comes before what does not, and what served before (`first`) before what is new.
        Servers that are to replace others run beside them for a while, and need room for that.
        """
        running = _running(rollouts.values(), groups)
        wanted = {
            name: list(_more(rollout, running))
            for name, rollout in sorted(rollouts.items(), key=lambda item: item[0] not in first)
            if rollout.target is not None and rollout.pending
        }
        return limits.refused(wanted, self.limits, running.values())

    def short_of_memory(
        self, rollouts: Mapping[str, Rollout], used_bytes: Mapping[str, int]
    ) -> str:
        """A warning where memory is short for what the servers were seen to use; else ""."""
        wanted = [w for rollout in rollouts.values() for w in rollout.workloads().values()]
        return limits.short_of_memory(wanted, used_bytes, self.limits)


def _running(rollouts: Iterable[Rollout], groups: Mapping[str, Group]) -> _Servers:
    """The servers that there are, and those that what is live asks for."""
    plans = (rollout.live or rollout.fallback.plan for rollout in rollouts)
    live = {w.name: w for plan in plans if plan is not None for w in plan.workloads}
    return live | {
        name: replace(group.workload, replicas=len(group.replicas))
        for name, group in groups.items()
    }


def _more(rollout: Rollout, running: _Servers) -> Iterator[Workload]:
    """What a target would start beside what runs."""
    for wanted in rollout.target.workloads if rollout.target else ():
        found = running.get(wanted.name)
        is_there = found is not None and found.template == wanted.template
        count = wanted.replicas - (found.replicas if found is not None and is_there else 0)
        yield replace(wanted, replicas=max(0, count))
