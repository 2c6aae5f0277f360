"""How often in a row a server has failed, and how long its next start therefore waits. Pure."""

from dataclasses import dataclass

from modelctl.local.timing import Timing

_COUNTED = 32  # the wait has long reached its limit


@dataclass(slots=True)
class Failures:
    """Failures in a row; one after a long time of health counts as the first. Times in seconds."""

    timing: Timing
    count: int = 0
    ready_since_s: float | None = None

    def ready(self, now_s: float) -> bool:
        """Note that the server is ready; gives whether that is news since its start."""
        if self.ready_since_s is not None:
            return False
        self.ready_since_s = now_s
        return True

    def note(self, now_s: float) -> None:
        """Count one more."""
        since_s = self.ready_since_s
        if since_s is not None and now_s - since_s > self.timing.stable_s:
            self.count = 0
        self.count = min(self.count + 1, _COUNTED)

    def begin_again(self) -> float:
        """Forget that it was ready; gives the wait before it is started again."""
        timing = self.timing
        first_s = timing.retry_s if self.ready_since_s is None else timing.restart_s
        self.ready_since_s = None
        wait_s: float = first_s * 2 ** (self.count - 1)
        return min(wait_s, timing.backoff_limit_s)
