"""The options of syncs in what people write for Argo CD: of Applications, and of one object."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelctl.check.written import Written, everything
from modelctl.finding import Pointer

ANNOTATION = "argocd.argoproj.io/sync-options"


@dataclass(frozen=True, slots=True)
class Option:
    """One option, as it is written, and where."""

    text: str
    at: Pointer

    @property
    def folded(self) -> str:
        """In small letters, as Argo CD compares some of them."""
        return self.text.casefold()

    @property
    def name(self) -> str:
        """What stands before the equals sign."""
        return self.text.partition("=")[0]


def options(each: Written) -> Iterator[Option]:
    """Every option in an object, those of values for a chart too."""
    for at, found in everything(each.value):
        if not isinstance(found, str) or not at:
            continue
        if at[-1] == ANNOTATION:
            for part in found.split(","):
                yield Option(part.strip(), at)
        elif isinstance(at[-1], int) and at[-2:-1] == ("syncOptions",):
            yield Option(found.strip(), at)
