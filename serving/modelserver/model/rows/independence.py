"""Whether rows of several requests may share a run, and from where that is known."""

from dataclasses import dataclass

from modelserver.model.contract import Contract
from modelserver.model.graph.parts import ModelFile
from modelserver.tensor.spec import ANY_SIZE


@dataclass(frozen=True, slots=True)
class Independence:
    """What is known of rows; `why_not` says what is in the way of a proof (None: nothing).

    `is_possible` says whether the contract has a batch dimension at all. `is_claimed` says that the
    release declares rows to be independent.
    """

    why_not: str | None
    is_possible: bool = True
    is_claimed: bool = False

    @property
    def may_share(self) -> bool:
        """Whether rows may share a run, unless a trial shows otherwise."""
        return self.why_not is None or (self.is_possible and self.is_claimed)

    @property
    def is_trusted(self) -> bool:
        """Whether it rests on the word of the release alone."""
        return self.why_not is not None and self.may_share

    def __str__(self) -> str:
        """In words, for people."""
        if self.why_not is None:
            return "proven from the graph"
        known_by = "claimed by the release, " if self.is_trusted else ""
        return f"{known_by}not proven: {self.why_not}"


NOT_ASKED = Independence("not asked, as batching is off")
"""Where rows never share a run, nothing has to be known of them."""


def of(file: ModelFile, contract: Contract, *, is_claimed: bool) -> Independence:
    """What is known of the rows of a model that keeps its contract."""
    if reason := no_batch_because(contract):
        return Independence(reason, is_possible=False, is_claimed=is_claimed)
    from modelserver.model.rows import proof  # noqa: PLC0415 - its table of operators is large

    return Independence(proof.why_dependent(file, contract), is_claimed=is_claimed)


def no_batch_because(contract: Contract) -> str | None:
    """Why the contract keeps rows of several requests apart; None if it does not."""
    if not contract.inputs:
        return "the model has no inputs"
    for spec in (*contract.inputs, *contract.outputs):
        if not spec.shape:
            return f"{spec.name} has no dimensions"
        if spec.shape[0] != ANY_SIZE:
            return f"the first dimension of {spec.name} is fixed"
    return None
