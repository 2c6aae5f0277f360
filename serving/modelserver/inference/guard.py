"""The output guard, which notices that a model's outputs cannot be right.

It measures two shares of the last answers: of those that hold NaN or an infinity although the
client sent neither, and of those that are constant, which means that a real-valued output equals,
bit for bit, the output for a different input. A share that reaches its bound is logged and
counted, and makes the server unready if the policy says so. One answer in `SLICE` is looked at for
constants.
"""

import zlib
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from modelserver.codec.calls import Call
from modelserver.model.contract import Contract
from modelserver.observe import logs
from modelserver.observe.metrics import Metrics
from modelserver.tensor.datatypes import Array

SLICE = 64
"""Answers after which the shares are measured again."""

RECOVERED = 0.5
"""Outputs are trusted again once the share is below this part of the bound."""

_REAL = frozenset({"FP16", "FP32", "FP64", "BF16"})


@dataclass(frozen=True, slots=True)
class Policy:
    """How many answers are looked back on, and at which shares of them the outputs are suspect.

    `unready` says that the server then wants no more requests.
    """

    window: int
    nonfinite_share: float
    constant_share: float
    unready: bool


class Guard:
    """Looks at the answers of one model; all methods belong to the event loop.

    `on_change` is called with the reason when outputs become suspect, and with None when they are
    trusted again. Whoever answers counts `due` down by one for each answer.
    """

    def __init__(
        self,
        policy: Policy,
        contract: Contract,
        metrics: Metrics,
        on_change: Callable[[str | None], None],
    ) -> None:
        self.due = SLICE
        self._policy = policy
        self._bounds = {"nonfinite": policy.nonfinite_share, "constant": policy.constant_share}
        self._real = frozenset(
            spec.name for spec in contract.outputs if spec.datatype.name in _REAL
        )
        self._metrics = metrics
        self._on_change = on_change
        self._nonfinite = 0
        self._before: tuple[int, int] | None = None
        self._looks: deque[Mapping[str, float]] = deque(maxlen=max(1, policy.window // SLICE))
        self._suspect: frozenset[str] = frozenset()

    def look(self, call: Call, arrays: Sequence[Array], *, nonfinite: bool) -> None:
        """Look at an answer: it is wanted of each one that is `nonfinite`, and once `due` is 0."""
        if nonfinite:
            self._metrics.nonfinite_answers += 1
            self._nonfinite += all(map(_is_finite, call.feeds.values()))
        if self.due > 0:
            return
        self.due = SLICE
        constant = not nonfinite and self._is_constant(call, arrays)
        self._metrics.constant_answers += constant
        self._looks.append({"nonfinite": self._nonfinite / SLICE, "constant": constant})
        self._nonfinite = 0
        self._judge()

    def _is_constant(self, call: Call, arrays: Sequence[Array]) -> bool:
        outputs = dict(zip(call.outputs, arrays, strict=True))
        real = {name: array for name, array in outputs.items() if name in self._real}
        if not real:
            return False
        before = self._before
        self._before = now = (_fingerprint(call.feeds, call.rows), _fingerprint(real, call.rows))
        return before is not None and before[0] != now[0] and before[1] == now[1]

    def _judge(self) -> None:
        """Compare the shares with their bounds; answers that are still to come count as sound."""
        size = self._looks.maxlen or 1
        shares = {kind: sum(look[kind] for look in self._looks) / size for kind in self._bounds}
        self._metrics.guard_share.update(shares)
        suspect = frozenset(
            kind
            for kind, bound in self._bounds.items()
            if shares[kind] >= (bound * RECOVERED if kind in self._suspect else bound)
        )
        before, self._suspect = self._suspect, suspect
        for kind in suspect - before:
            self._metrics.guard_trips[kind] += 1
            logs.error("outputs-suspect", kind=kind, share=shares[kind], window=self._policy.window)
        if suspect == before:
            return
        if not suspect:
            logs.info("outputs-trusted", **shares)
        if self._policy.unready:
            self._on_change(self._reason(shares) if suspect else None)

    def _reason(self, shares: Mapping[str, float]) -> str:
        found = ", ".join(
            f"{shares[kind]:.0%} {kind} (expected less than {self._bounds[kind]:.0%})"
            for kind in sorted(self._suspect)
        )
        return f"outputs: found {found} among the last {self._policy.window} answers"


def _is_finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def _fingerprint(tensors: Mapping[str, Array], rows: int) -> int:
    """A number that two different sets of tensors hardly have in common.

    Where every tensor has the call's rows, the first row alone counts, so that calls of different
    sizes can be compared.
    """
    by_row = all(array.shape[:1] == (rows,) for array in tensors.values())
    digest = 0
    for name in sorted(tensors):
        array = tensors[name][:1] if by_row else tensors[name]
        if array.dtype == object:
            digest = zlib.crc32("\0".join(map(str, array.ravel())).encode(), digest)
        else:
            digest = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data, digest)
    return digest
