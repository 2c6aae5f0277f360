"""Keeps as many replicas of each Deployment as are wanted.

Where their template changes, new ones are ready before old ones end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import Workload
from modelctl.local.servers.replica import Phase, Replica, Surroundings


@dataclass(slots=True)
class Group:
    """The replicas of one Deployment, some of them perhaps of an older template."""

    workload: Workload
    replicas: list[Replica] = field(default_factory=list)

    @property
    def active(self) -> list[Replica]:
        """The replicas that have not been told to end."""
        return [replica for replica in self.replicas if not replica.ending]


class Supervisor:
    """Keeps the wanted replicas running; every method but `stop` returns at once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self.groups: dict[str, Group] = {}

    def apply(self, wanted: Mapping[str, Workload]) -> None:
        """Start and end replicas towards `wanted`."""
        for name, workload in wanted.items():
            group = self.groups.setdefault(name, Group(workload))
            group.workload = workload
            self._roll(group)
        for name, group in list(self.groups.items()):
            group.replicas = [r for r in group.replicas if r.phase is not Phase.GONE]
            if name not in wanted:
                for replica in group.active:
                    replica.end()
                if not group.replicas:
                    del self.groups[name]

    def endpoints(self) -> list[Endpoints]:
        """Every Service with the endpoints that Envoy should know."""
        services: dict[str, list[Host]] = {}
        for group in self.groups.values():
            hosts = [host for replica in group.replicas if (host := replica.host) is not None]
            for service in group.workload.services:
                services.setdefault(service, []).extend(hosts)
        return [Endpoints(name, tuple(hosts)) for name, hosts in services.items()]

    async def stop(self) -> None:
        """End every replica, all at once, and wait for the last."""
        replicas = [replica for group in self.groups.values() for replica in group.replicas]
        for replica in replicas:
            replica.end()
        for replica in replicas:
            await replica.finished()

    def _roll(self, group: Group) -> None:
        """Replace replicas of an older template only as far as new ones have taken over."""
        wanted = group.workload.replicas
        current = [r for r in group.active if r.template == group.workload.template]
        older = [r for r in group.active if r.template != group.workload.template]
        for replica in _best_first(current)[wanted:]:
            replica.end()
        for _ in range(wanted - len(current)):
            replica = Replica(_free_name(group), group.workload, self._around)
            group.replicas.append(replica)
        serving = sum(r.phase is Phase.READY for r in current)
        for replica in _best_first(older)[max(0, wanted - serving) :]:
            replica.end()


def _best_first(replicas: list[Replica]) -> list[Replica]:
    return sorted(replicas, key=lambda replica: replica.phase is not Phase.READY)


def _free_name(group: Group) -> str:
    taken = {replica.name for replica in group.replicas}
    names = (f"{group.workload.name}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)
