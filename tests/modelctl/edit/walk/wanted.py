"""What an operation on traffic should come to, as its page says it."""

from dataclasses import dataclass

from tests.modelctl.edit.walk.files import WHOLE, Fields


@dataclass(frozen=True, slots=True)
class Wanted:
    """A serving file after an operation."""

    stable: str
    weights: dict[str, int]
    shadow: str | None

    def as_fields(self) -> Fields:
        """The same, as the file says it."""
        shadow = {"shadow": {"release": self.shadow}} if self.shadow else {}
        return {"stable": self.stable, "weights": self.weights, **shadow}


def current(serving: Fields) -> Wanted:
    """A serving file as it is."""
    shadow = serving.get("shadow")
    return Wanted(serving["stable"], dict(serving["weights"]), shadow and shadow["release"])


def after(serving: Fields, name: str, word: str | None) -> Wanted | None:
    """A serving file after `shift r2=5`, `promote r2` or `retire r2`; None where it is refused."""
    return {"shift": _shift, "promote": _promote, "retire": _retire}[name](current(serving), word)


def _shift(now: Wanted, word: str | None) -> Wanted | None:
    release, _, share = (word or "").partition("=")
    if release not in now.weights and int(share):
        return None
    weights = now.weights | {release: int(share)}
    if release != now.stable:
        weights[now.stable] = 0
        weights[now.stable] = WHOLE - sum(weights.values())
    is_whole = sum(weights.values()) == WHOLE and min(weights.values()) >= 0
    return Wanted(now.stable, weights, now.shadow) if is_whole else None


def _promote(now: Wanted, word: str | None) -> Wanted | None:
    tried = [r for r, weight in now.weights.items() if weight and r != now.stable]
    release = word or (tried[0] if len(tried) == 1 else "")
    if release not in now.weights:
        return None
    return Wanted(release, {r: WHOLE * (r == release) for r in now.weights}, now.shadow)


def _retire(now: Wanted, word: str | None) -> Wanted | None:
    idle = [r for r, weight in now.weights.items() if not weight and r != now.stable]
    release = word or (idle[0] if len(idle) == 1 else "")
    if release and release == now.shadow:
        return Wanted(now.stable, now.weights, None)
    if release not in idle:
        return None
    return Wanted(now.stable, {r: w for r, w in now.weights.items() if r != release}, now.shadow)
