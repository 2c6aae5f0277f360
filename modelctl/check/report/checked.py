"""What was looked at: a report without findings means little if nothing was."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from modelctl.finding import Finding, Level
from modelctl.repo.layout import Kind, place


@dataclass(frozen=True, slots=True)
class Checked:
    """How much was looked at, and what was not asked."""

    models: int
    releases: int
    servings: int
    shown: tuple[str, ...] = ()  # paths that findings were asked for in; empty for all
    returned: tuple[str, ...] = ()  # models that are back at what was applied before, in words
    unasked: tuple[str, ...] = ()  # rules that compare, where there was nothing to compare with

    @classmethod
    def of(
        cls,
        paths: Iterable[str],
        *shown: str,
        returned: Sequence[str] = (),
        unasked: Sequence[str] = (),
    ) -> "Checked":
        """The number of files of each kind that people write for models."""
        kinds = Counter(place(path).kind for path in paths)
        counts = kinds[Kind.MODEL], kinds[Kind.RELEASE], kinds[Kind.SERVING]
        return cls(*counts, shown, tuple(returned), tuple(unasked))


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, then warnings, then notes, each in their order."""
    levels = list(Level)
    return sorted(findings, key=lambda finding: levels.index(finding.level))


def printable(text: str) -> str:
    """A text without what drives a terminal: a name or a value may hold anything."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def counted(count: int, word: str) -> str:
    """A number and what it counts."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
