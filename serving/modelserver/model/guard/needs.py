"""What a server has to look after, of what a graph needs: the rest the guards in the graph do."""

from dataclasses import dataclass

from modelserver.model.guard.plan import Plan


@dataclass(frozen=True, slots=True)
class Needs:
    """The inputs that must have elements, and why; the graph itself guards where `is_guarded`.

    `end` says that runs may go on for ever, and have to be ended.
    """

    elements: frozenset[str] = frozenset()
    why: str = ""
    is_guarded: bool = False
    end: bool = False

    @classmethod
    def of(cls, planned: Plan) -> "Needs":
        """What remains for this server to look after."""
        names = ", ".join(sorted(planned.why))
        why = f"ONNX Runtime would crash over it in {names}"
        return cls(frozenset(planned.needed), why, bool(planned.guards), not planned.ends)
