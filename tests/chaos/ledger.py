"""What callers saw, and what of it may be held against the engine.

Times are monotonic seconds. A wrong answer is never excused. A request that failed is excused where
its time and that of a fault overlap: a planned change has no fault, so nothing of it is excused.
"""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise

_TOLD = 3  # actions before a failure: what goes wrong late may have begun early


@dataclass(frozen=True, slots=True)
class Request:
    """One request: when it was sent and answered, by which release, and what was wrong with it.

    `failure` is empty for an answer, `wrong` for a right one.
    """

    began: float
    ended: float
    release: str = ""
    failure: str = ""
    wrong: str = ""


@dataclass(slots=True)
class Fault:
    """From before something was broken until everything was seen to be well again."""

    name: str
    began: float
    ended: float = float("inf")

    def excuses(self, request: Request) -> bool:
        """Whether a request was under way during the fault."""
        return request.began <= self.ended and self.began <= request.ended


@dataclass(slots=True)
class Split:
    """From when on, and until when, which releases alone may answer requests shared by weight."""

    releases: frozenset[str]
    settled: float
    ended: float = float("inf")

    def forbids(self, request: Request) -> bool:
        """Whether an answer came from a release without a share, all through the request."""
        inside = self.settled <= request.began and request.ended <= self.ended
        return inside and bool(request.release) and request.release not in self.releases


@dataclass(slots=True)
class Ledger:
    """Everything that happened."""

    requests: list[Request] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    splits: list[Split] = field(default_factory=list)
    actions: list[tuple[float, str]] = field(default_factory=list)  # when each began, in order
    followed_s: list[float] = field(default_factory=list)  # from a commit to its first answer
    outages_s: dict[str, list[float]] = field(default_factory=dict)  # by fault, without an answer

    def wrong(self) -> list[str]:
        """Answers that ONNX Runtime does not give, or that a release without a share gave."""
        began = [split.settled for split in self.splits]  # one ends before the next begins
        at = ((r, bisect_right(began, r.began) - 1) for r in self.requests if r.release)
        strays = [
            f"{request.release} answered, {sorted(self.splits[place].releases)} have a share"
            for request, place in at
            if place >= 0 and self.splits[place].forbids(request)
        ]
        return [request.wrong for request in self.requests if request.wrong] + strays

    def failed(self) -> Counter[str]:
        """Failures outside of every fault, by reason and by what was done meanwhile."""
        return Counter(
            f"{request.failure}, during: {self._done_at(request.began)}"
            for request in self.requests
            if request.failure and not any(fault.excuses(request) for fault in self.faults)
        )

    def _done_at(self, moment: float) -> str:
        """The actions that began last before a moment, the last one at the end."""
        place = bisect_right(self.actions, moment, key=lambda action: action[0])
        return " → ".join(name for _, name in self.actions[max(0, place - _TOLD) : place])

    def excused(self) -> int:
        """Failures during a fault."""
        return sum(bool(request.failure) for request in self.requests) - self.failed().total()

    def note_outage(self, fault: Fault) -> None:
        """Note how long the longest time without any answer was during a fault."""
        answered = sorted(r.ended for r in self.requests if not r.failure and fault.excuses(r))
        times = [fault.began, *(t for t in answered if t >= fault.began), fault.ended]
        longest = max(later - earlier for earlier, later in pairwise(times))
        self.outages_s.setdefault(fault.name, []).append(longest)
