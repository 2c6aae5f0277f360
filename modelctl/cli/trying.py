"""A model's file as somebody brings it: made such that it is served, and tried before that."""

import argparse
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.model import trial
from modelctl.model.golden import golden_problem
from modelctl.model.graph import artifact_facts
from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.model.trial import Refusal, Trial
from modelctl.packaging import formats
from modelctl.packaging.normalise import normalise, with_shapes
from modelctl.repo.kinds import Runtime

_OF_THE_GRAPH = frozenset({"ModelUnsupported", "ModelMalformed", "ModelNotSelfContained"})
_MOST_ROWS = 32  # that are tried together; a server uses as many of them as gain something


@dataclass(frozen=True, slots=True)
class Brought:
    """Bytes that a server takes, and what their trial showed.

    `golden` is the golden file of the release, None where none can be made. `words` tell in a line
    each what was changed and found out.
    """

    content: bytes
    graph: Graph
    trial: Trial
    golden: bytes | None
    words: tuple[str, ...]

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes, in lower-case hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Terms:
    """How a model would be run, and what it is held to; no contract: what it shows of itself."""

    runtime: Runtime
    contract: Contract | None = None


def bring(path: Path, arguments: argparse.Namespace, terms: Terms) -> Brought:
    """The model in a file, tried as the arguments say: against a golden file, or on an example.

    Raises:
        UsageError: It is no ONNX file, or no server would serve it; the message names the path as
            it was typed, and what to do.
    """
    _refuse_other_format(path)
    try:
        normal = normalise(path, tidy=False)
    except UsageError as error:
        raise UsageError(f"{path}: the file {error}") from error
    brought = tried(str(path), normal.content, arguments, terms)
    return replace(brought, words=(*normal.changes, *brought.words))


def tried(name: str, content: bytes, arguments: argparse.Namespace, terms: Terms) -> Brought:
    """The same of bytes, which `name` names.

    Raises:
        UsageError: No server would serve them.
    """
    if arguments.example is not None and not arguments.example.is_file():
        raise UsageError(f"{arguments.example} cannot be read: it is no file")
    given = _golden(arguments, terms.contract)
    found, words = _found(content, arguments, terms, given), []
    if isinstance(found, Refusal) and found.shapes:
        content = with_shapes(content, found.shapes)
        words = [f"the shapes of {', '.join(found.shapes)} are declared as runs gave them"]
        found = _found(content, arguments, terms, given)
    if isinstance(found, Refusal):
        raise UsageError(f"{name}: {_words(name, content, terms.runtime, found)}")
    content, graph = _declared(name, content, terms.runtime, found)
    return Brought(content, graph, found, given or found.golden, (*words, *found.notes))


def _found(
    content: bytes, arguments: argparse.Namespace, terms: Terms, golden: bytes | None
) -> Trial | Refusal:
    batching = terms.runtime.batching
    return trial.run(
        content,
        contract=terms.contract,
        providers=terms.runtime.providers,
        threads=terms.runtime.threads,
        max_rows=batching.max_size if batching else _MOST_ROWS,
        rows_claimed=bool(batching and batching.independent),
        golden=golden,
        example=arguments.example,
    )


def _refuse_other_format(path: Path) -> None:
    try:
        found = formats.recognise(path)
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else str(error.args[-1])
        raise UsageError(f"{path} cannot be read: {why}") from error
    if found.name != "onnx":
        raise UsageError(f"{path} is {found.words}, not an ONNX file: {found.way}")


def _golden(arguments: argparse.Namespace, contract: Contract | None) -> bytes | None:
    """The golden file that is given, if it fits what is known of the contract."""
    if arguments.golden is None:
        return None
    try:
        content: bytes = arguments.golden.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{arguments.golden} cannot be read: {os.strerror(error.errno or 0)}"
        ) from error
    if contract is not None and (problem := golden_problem(content, contract)):
        raise UsageError(f"{arguments.golden}: the golden file {problem}")
    return content


def _words(name: str, content: bytes, runtime: Runtime, found: Refusal) -> str:
    """Why a server would not start; what the graph itself says is more exact."""
    facts = artifact_facts(name, content)
    problem = facts.problem_with(runtime.providers)
    if problem and found.error in _OF_THE_GRAPH:
        return f"the file {problem}"
    return f"a server would not serve it ({found.error}): {found}"


def _declared(name: str, content: bytes, runtime: Runtime, found: Trial) -> tuple[bytes, Graph]:
    """The bytes, with outputs declared as runs gave them, and their graph.

    Raises:
        UsageError: `check` would refuse the file.
    """
    facts = artifact_facts(name, content)
    shapes = {spec.name: spec.shape for spec in found.contract.outputs}
    wrong = facts.graph is None or any(
        len(spec.shape) != len(shapes[spec.name])
        or any(
            size not in (-1, said) for size, said in zip(spec.shape, shapes[spec.name], strict=True)
        )
        for spec in facts.graph.outputs
        if spec.name in shapes
    )
    if wrong:
        content = with_shapes(content, shapes)
        facts = artifact_facts(name, content)
    problem = facts.problem_with(runtime.providers)
    if facts.graph is None or problem:
        raise UsageError(f"{name}: the file {problem}")
    return content, facts.graph


def _contradicts(declared: TensorSpec, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Whether an output declares another shape than runs gave it."""
    found = shapes.get(declared.name)
    if found is None:
        return False
    sizes = zip(declared.shape, found, strict=False)
    return len(declared.shape) != len(found) or any(size not in {-1, at} for size, at in sizes)
