"""Whether outputs are what the contract promises, by what runs gave.

What a graph declares of its outputs is a hint that ONNX Runtime does not hold it to: a label that
is declared `[1]` comes as `[5]` for five rows, and an output without a declared shape has one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modelserver.errors import ContractMismatch
from modelserver.model.contract import Contract
from modelserver.tensor.spec import ANY_SIZE

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """Shapes of all outputs of a run, in the contract's order, and how it was asked for.

    `rows` is the size of the first dimension where the contract leaves it free, else None.
    """

    rows: int | None
    shapes: tuple[Shape, ...]


def check(contract: Contract, runs: Sequence[Run]) -> None:
    """Return if every run gave what is promised.

    Raises:
        ContractMismatch: One did not; the error names the shapes that would be right.
    """
    problems = []
    for index, spec in enumerate(contract.outputs):
        for run in runs:
            found = run.shapes[index]
            if not _fits(spec.shape, found):
                right = _right(spec.shape, [each.shapes[index] for each in runs], run.rows)
                problems.append(
                    f"outputs.{spec.name}: found {list(found)}{_asked(run.rows)}, expected "
                    f"{list(spec.shape)}; {right} would be right"
                )
                break
    if problems:
        raise ContractMismatch(
            f"the model does not keep the contract: {'; '.join(problems)}; "
            "correct CONTRACT (model.yaml) or export the model anew"
        )


def _fits(promised: Shape, found: Shape) -> bool:
    return len(promised) == len(found) and all(
        promise in {ANY_SIZE, size} for promise, size in zip(promised, found, strict=True)
    )


def _asked(rows: int | None) -> str:
    if rows is None:
        return ""
    return " for one row" if rows == 1 else f" for {rows} rows"


def _right(promised: Shape, found: Sequence[Shape], rows: int | None) -> list[int]:
    """The narrowest shape that the runs allow, free wherever the promise has been free already."""
    if len({len(shape) for shape in found}) > 1:
        found = found[-1:]
    sizes = [
        across[0] if len(set(across)) == 1 else ANY_SIZE for across in zip(*found, strict=True)
    ]
    if len(promised) == len(sizes):
        sizes = [
            ANY_SIZE if promise == ANY_SIZE else size
            for promise, size in zip(promised, sizes, strict=True)
        ]
    if sizes[:1] == [rows]:
        sizes[0] = ANY_SIZE
    return sizes
