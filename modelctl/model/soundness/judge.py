"""Why ONNX Runtime would not load a model, judged without it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from modelctl.model.soundness import functions, selfcontained, structure, types, versions
from modelctl.model.soundness.errors import UnsoundError
from modelctl.model.soundness.inference import Inference
from modelctl.model.soundness.view import Viewer

_Proto = Any  # protobuf messages carry no types here


@dataclass(frozen=True, slots=True)
class Judgement:
    """`problem` holds with every provider, `cpu_problem` where the CPU is the only one."""

    problem: str = ""
    cpu_problem: str = ""


def judge(model: _Proto) -> Judgement:
    """The first problem of a parsed model, as a sentence that begins with a verb."""
    try:
        selfcontained.check(model)
        opsets = versions.opsets(model)
        functions.check(model)
        viewer = Viewer(model, opsets)
        structure.check(viewer.graph, model.ir_version)
        inference = Inference(model.ir_version, opsets, viewer)
        outputs = inference.run(viewer.graph, None, None)
        _refuse_complex([*outputs, *(value.type for value in model.graph.input)])
    except UnsoundError as error:
        return Judgement(problem=str(error))
    except UnicodeDecodeError as error:
        return Judgement(problem=f"has a name that is no UTF-8: {error.object!r}")
    except RecursionError:
        return Judgement(problem="nests graphs and functions too deep to be followed")
    return Judgement(cpu_problem=inference.without_kernel)


def _refuse_complex(kinds: Iterable[_Proto | None]) -> None:
    for kind in kinds:
        if "complex" in types.name(kind):
            raise UnsoundError(f"takes or gives {types.name(kind)}, which no kernel does")
