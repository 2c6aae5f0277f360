"""What another platform's files say of a model, in the words of typed files."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelctl.model.tensors import Contract
from modelctl.repo.kinds import Batching, Gpu, Scale

_NOTHING_LIKE_IT = "nothing here is like it"
_INDEX = re.compile(r"\[\d+\]")
_LAST_INDEX = re.compile(r"\[\d+\]$")


@dataclass(frozen=True, slots=True)
class Left:
    """A field that could not be carried over, and why, or what takes its place."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """A model as its platform describes it; None is what the description does not say.

    `kind` is the platform's word for the format of the artifact, `path` the file where it lies
    beside the description, `uri` the address where the platform reads it.
    """

    platform: str
    name: str
    kind: str = ""
    path: Path | None = None
    uri: str | None = None
    owner: str | None = None
    description: str | None = None
    contract: Contract | None = None
    scale: Scale | None = None
    cpu: str | None = None
    memory: str | None = None
    gpu: Gpu | None = None
    providers: tuple[str, ...] = ()
    threads: int | None = None
    max_inflight: int | None = None
    request_timeout_s: int | None = None
    batching: Batching | None = None
    trained_from: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    left: tuple[Left, ...] = ()

    @property
    def is_onnx(self) -> bool:
        """Whether the artifact is an ONNX file, as far as the description tells."""
        return self.kind == "onnx"

    def without(self, *left: Left) -> "Found":
        """The same, with more that was left behind."""
        return replace(self, left=(*self.left, *left))


def left_behind(paths: Iterable[str], reasons: Mapping[str, str]) -> list[Left]:
    """The fields that nobody took, those of one reason in one line.

    `reasons` has a reason by a part of a path, such as `predictor.logger`; it stands for all that
    lies below. The longest part decides.
    """
    lines: dict[str, Left] = {}
    for path in paths:
        place, why = path, _NOTHING_LIKE_IT
        for known, reason in sorted(reasons.items(), key=lambda one: one[0].count(".")):
            below = _down_to(path, known)
            if below:
                place, why = below, reason
        lines.setdefault(place, Left(place, why))
    return list(lines.values())


def _down_to(path: str, known: str) -> str:
    """A path as far as a part of it that is known; empty where it has no such part."""
    names = [_INDEX.sub("", part) for part in path.split(".")]
    wanted = known.split(".")
    for end in range(len(wanted), len(names) + 1):
        if names[end - len(wanted) : end] == wanted:
            return _LAST_INDEX.sub("", ".".join(path.split(".")[:end]))
    return ""
