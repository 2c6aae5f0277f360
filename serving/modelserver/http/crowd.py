"""All connections of a process, and which of them must go where they become too many.

A process may have so many files open, and a connection is one. Past that the kernel, or the event
loop, resets whoever comes next, and a health check may be next. So some are kept: where
connections become many, those make room whose clients have done nothing for longest: those that
sent nothing, that stopped in the middle of something, or that were answered and did not ask again.
"""

import resource
from collections.abc import Iterable
from dataclasses import dataclass
from heapq import nsmallest
from pathlib import Path
from typing import Protocol

from modelserver.observe import logs
from modelserver.observe.metrics import Metrics

_OTHER_FILES = 32
"""Files that are kept for all but connections: artifacts, libraries, logs, the event loop."""

_MOST = 16384
"""Connections of which each takes some ten kilobytes; more are of no use to one model."""

_LEAST = 4
"""However few files a process may have."""

_BACKLOG = 2048
"""Connections that may wait to be accepted, as many as uvicorn's own."""

_BURST_SHIFT = 1
"""Bits: as many as half may be accepted in one turn, before idle ones have made room."""

_WAITING_HEADER_BYTES = 8 << 20
"""Of headers that are not there as a whole, over all connections."""


class Member(Protocol):
    """A connection."""

    waiting_header_bytes: int

    @property
    def idle_since(self) -> float | None:
        """When its client did something last; None while a request of it is answered."""

    @property
    def is_receiving(self) -> bool:
        """Whether the body of a request is on its way."""

    def part(self) -> None:
        """End it, to make room."""


@dataclass(frozen=True, slots=True)
class Room:
    """Connections that may stay open, those beyond them that are let in, those that may wait."""

    stay: int
    burst: int
    backlog: int


def room() -> Room:
    """The room that the limit of open files leaves, beside the files that are open now."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return Room(_MOST, _BACKLOG, _BACKLOG)
    try:
        used = len(list(Path("/proc/self/fd").iterdir()))
    except OSError:
        used = _OTHER_FILES
    free = max(_LEAST, limit - used - _OTHER_FILES)
    burst = min(_BACKLOG, max(1, free >> _BURST_SHIFT))
    return Room(min(_MOST, free - burst), burst, burst)


class Crowd:
    """The connections of a process. Past `room.stay` idle ones go; past the burst nobody comes."""

    def __init__(self, room: Room, metrics: Metrics) -> None:
        self.room = room
        self._members: set[Member] = set()
        self._metrics = metrics
        self._waiting_header_bytes = 0
        self._told = False
        metrics.connections = lambda: len(self._members)
        metrics.connections_limit = room.stay

    def enter(self, member: Member) -> bool:
        """Whether a new connection is let in."""
        if len(self._members) >= self.room.stay:
            self._make_room()
        if len(self._members) >= self.room.stay + self.room.burst:
            self._count("shortage")
            return False
        self._members.add(member)
        return True

    @property
    def is_over(self) -> bool:
        """Whether there are more connections than may stay, so that each ends with its answer."""
        return len(self._members) > self.room.stay

    def leave(self, member: Member) -> None:
        """Forget a connection."""
        self._members.discard(member)
        self.wait_for_headers(member, 0)

    def wait_for_headers(self, member: Member, size: int) -> None:
        """Count the bytes of headers that a connection waits with; the oldest go if too many do."""
        self._waiting_header_bytes += size - member.waiting_header_bytes
        member.waiting_header_bytes = size
        if self._waiting_header_bytes > _WAITING_HEADER_BYTES:
            waiting = (each for each in self._members if each.waiting_header_bytes)
            self._part(nsmallest(1, waiting, key=_idle_since))

    def close_silent(self, member: Member) -> None:
        """End a connection on which nothing ever came."""
        self._count("silent")
        member.part()

    def receiving(self) -> list[Member]:
        """Connections with bodies on their way, first the one that has been idle for longest."""
        return sorted((each for each in self._members if each.is_receiving), key=_idle_since)

    def _make_room(self) -> None:
        """Part with some at once, so that not every newcomer has to look at all."""
        if not self._told:
            self._told = True
            logs.warning(
                "connections-short",
                limit=self.room.stay,
                detail="idle connections are closed from now on; raise the limit of open files",
            )
        number = len(self._members) - self.room.stay + 1 + (self.room.stay >> 4)
        idle = (each for each in self._members if each.idle_since is not None)
        self._part(nsmallest(number, idle, key=_idle_since))

    def _part(self, members: Iterable[Member]) -> None:
        for each in members:
            self._count("shortage")
            self.leave(each)
            each.part()

    def _count(self, reason: str) -> None:
        self._metrics.connections_closed[reason] += 1


def _idle_since(member: Member) -> float:
    return member.idle_since or 0.0
