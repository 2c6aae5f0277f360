"""What the demo prints: one line an event with its time, and what was expected of it."""

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Timeline:
    """Prints events as they happen and remembers the expectations that did not hold."""

    began: float = field(default_factory=time.monotonic)
    held: int = 0
    broken: list[str] = field(default_factory=list)

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        print(f"\n{title}", flush=True)

    def tell(self, what: str) -> None:
        """Print something that happened."""
        print(f"  {time.monotonic() - self.began:6.1f} s  {what}", flush=True)

    def expect(self, *, held: bool, what: str) -> None:
        """Print an expectation and whether it held."""
        self.tell(f"{'ok  ' if held else 'FAIL'}  {what}")
        if held:
            self.held += 1
        else:
            self.broken.append(what)

    def result(self) -> str:
        """How many expectations held, of how many."""
        seconds = time.monotonic() - self.began
        count = self.held + len(self.broken)
        return f"{self.held} of {count} expectations held, in {seconds:.0f} s"
