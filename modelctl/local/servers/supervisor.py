"""Keeps as many replicas of each Deployment as are wanted.

Where their template changes, new ones are ready before old ones end. Servers that an earlier engine
left running are replicas like others: those whose template is no longer wanted are replaced in the
same way, and those of Deployments that nobody wants end once it is known what is wanted.
"""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from itertools import count

from modelctl.local.plan.endpoints import Endpoints, Host
from modelctl.local.plan.values import PodTemplate, Workload
from modelctl.local.servers import places
from modelctl.local.servers.children import Child
from modelctl.local.servers.processes import Found
from modelctl.local.servers.replica import Phase, Replica, Surroundings

_GRACE_S = 30.0  # for a server of which nothing is known any more


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
    """Keeps the wanted replicas running; `apply`, `endpoints` and `settle` return at once."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._settled = False
        self._ending: set[asyncio.Task[None]] = set()
        self.groups: dict[str, Group] = {}

    def apply(self, wanted: Mapping[str, Workload], *, urgent: Collection[str] = ()) -> None:
        """Start and end replicas towards `wanted`.

        `urgent` are the names of Deployments that get traffic, or are to get it: they start before
        others.
        """
        for name, workload in sorted(wanted.items(), key=lambda item: item[0] not in urgent):
            group = self.groups.get(name)
            if group is None:
                group = self.groups[name] = Group(workload)
                self._adopt(group)
            group.workload = workload
            self._roll(group)
            for replica in group.replicas:
                replica.urgent = name in urgent
        for name, group in list(self.groups.items()):
            group.replicas = [r for r in group.replicas if r.phase is not Phase.GONE]
            if name not in wanted:
                for replica in group.active:
                    replica.end()
                if not group.replicas:
                    del self.groups[name]

    @property
    def adopting(self) -> bool:
        """Whether servers were taken over of which nobody has heard yet, for a probe's time.

        Meanwhile they are no ready endpoints, though they may well be: what Envoy has is better.
        """
        return any(replica.unknown for group in self.groups.values() for replica in group.replicas)

    def settle(self) -> None:
        """End what an earlier engine left and nothing wanted has taken over, once; drained first.

        To be called when `apply` has been given everything that is wanted.
        """
        if self._settled:
            return
        self._settled = True
        for found in self._around.launcher.left():
            ending = self._end(found, self._around.launcher.take(found))
            task = asyncio.get_running_loop().create_task(ending, name=found.name)
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    def endpoints(self) -> list[Endpoints]:
        """Every Service with the endpoints that Envoy should know."""
        services: dict[str, list[Host]] = {}
        for group in self.groups.values():
            hosts = [host for replica in group.replicas if (host := replica.host) is not None]
            for service in group.workload.services:
                services.setdefault(service, []).extend(hosts)
        return [Endpoints(name, tuple(hosts)) for name, hosts in services.items()]

    def memory_bytes(self) -> dict[str, int]:
        """What one server of each Deployment has in use now, the largest of them, by name."""
        return {
            name: max((r.child.memory_bytes() for r in group.replicas if r.child), default=0)
            for name, group in self.groups.items()
        }

    async def stop(self) -> None:
        """End every replica and whatever was left, all at once, and wait for the last."""
        self.settle()
        replicas = [replica for group in self.groups.values() for replica in group.replicas]
        for replica in replicas:
            replica.end()
        for replica in replicas:
            await replica.finished()
        while self._ending:
            await asyncio.wait(set(self._ending))

    async def leave(self) -> None:
        """Let every server run on, for the next engine to take over."""
        replicas = [replica for group in self.groups.values() for replica in group.replicas]
        await asyncio.gather(*(replica.leave() for replica in replicas))
        for task in self._ending:
            task.cancel()

    def _adopt(self, group: Group) -> None:
        """Make replicas of the servers that an earlier engine left of this Deployment."""
        launcher, workload = self._around.launcher, group.workload
        for found in launcher.left():
            is_one = found.leads and places.PORT in found.environment
            if not is_one or _deployment(found) != workload.name:
                continue
            template = self._template_of(found, workload.template)
            replica = Replica(
                found.name, workload, self._around, template=template, child=launcher.take(found)
            )
            group.replicas.append(replica)

    def _template_of(self, found: Found, wanted: PodTemplate) -> PodTemplate:
        """The template that a server was started from: the wanted one, or an older one like it."""
        would = places.environment(wanted, self._around.folder, 0, 0)
        is_same = places.same(wanted, would, found.environment)
        if is_same and found.command == tuple(self._around.command):
            return wanted
        older = tuple(sorted((k, v) for k, v in found.environment.items() if places.PREFIX in k))
        return replace(wanted, environment=older, missing=())

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
        serving = sum(replica.phase is Phase.READY for replica in current)
        for replica in _best_first(older)[max(0, wanted - serving) :]:
            replica.end()

    async def _end(self, found: Found, child: Child) -> None:
        """End a server that nobody wants: Envoy drops it first, then it may finish."""
        words = f"ends {found.name} (process {found.pid}), which an earlier run left"
        self._around.report("", "warning", words)
        port = found.environment.get(places.PORT, "")
        try:
            if found.leads and port.isdecimal():
                await self._around.drained(int(port))
            await child.end(_GRACE_S)
        finally:
            self._around.launcher.forget(child)


def _deployment(found: Found) -> str:
    """The Deployment whose replica a process is, from its name."""
    return found.name.rpartition("-")[0]


def _best_first(replicas: list[Replica]) -> list[Replica]:
    return sorted(replicas, key=lambda replica: replica.phase is not Phase.READY)


def _free_name(group: Group) -> str:
    taken = {replica.name for replica in group.replicas}
    names = (f"{group.workload.name}-{number}" for number in count(1))
    return next(name for name in names if name not in taken)
