"""PyTorch: programs of torch.export, TorchScript, pickled modules, or a factory and its weights.

Any PyTorch from 1.13 on will do: a program of torch.export wants its exporter (2.9 or newer, with
onnxscript), all else is traced. Weights go into the one file that a digest covers.

Options: `factory` (`package.module:function`, which makes the module that the source has the
weights of), `inputs` (names, in the order of the module's arguments), `target_opset`.
"""

from __future__ import annotations

import importlib
import inspect
import io
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from conversion import Refused, environment, given, normal, plain, save, whole, with_edges

Array = np.ndarray[Any, Any]

_VERSIONS = ("torch", "onnxscript", "onnx", "numpy")
_SHOWN = 400  # characters of another program's words
_OPSET = {"old": 16, "new": 18}  # what the two exporters write without a conversion after it
_ROWS_AT_ONCE = 32  # of the original
_TRACED = 3  # rows; with one the batch would be taken for a constant
_TRUST = "add --trust if you know who made the file"


def convert(request: Mapping[str, Any]) -> dict[str, Any]:
    """The model of a PyTorch file."""
    if not request["trust"]:
        raise Refused("found a PyTorch file, which may run code of whoever made it", _TRUST)
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)
    options, path = request["options"], Path(request["source"])
    program = _program(torch, path)
    module = program.module() if program is not None else _module(torch, path, options)
    samples = with_edges(_samples(program, module, given(request), options))
    outputs = _answers(torch, module, list(samples.values()))
    model = _exported(torch, program or module, samples, len(outputs), options)
    expected = dict(zip(_outputs(len(outputs)), outputs, strict=True))
    save(request, model, samples, expected)
    return {"environment": environment(*_VERSIONS), "notes": []}


def _program(torch: Any, path: Path) -> Any:
    """The program of torch.export in a file; None where it holds something else."""
    export = getattr(torch, "export", None)
    if export is None or not hasattr(export, "load") or path.suffix not in (".pt2", ""):
        if path.suffix == ".pt2":
            raise Refused(
                f"found a program of torch.export, and torch {torch.__version__}",
                "name an interpreter with torch 2.9 or newer: --python PATH",
            )
        return None
    try:
        return export.load(path)
    except Exception as error:
        if path.suffix != ".pt2":
            return None
        raise _unreadable(error) from error


def _module(torch: Any, path: Path, options: Mapping[str, Any]) -> Any:
    """The module of a TorchScript file or a checkpoint, ready to answer."""
    try:
        return torch.jit.load(str(path), map_location="cpu").eval()
    except RuntimeError:
        pass  # no TorchScript
    sys.path.insert(0, str(path.parent))  # where a class or a factory of one's own may lie
    try:
        found = _unpickled(torch, path)
    except Exception as error:
        raise _unreadable(error) from error
    if "factory" in options:
        return _built(str(options["factory"]), found)
    if isinstance(found, torch.nn.Module):
        return found.eval()
    kind = "weights" if isinstance(found, Mapping) else f"a {type(found).__qualname__}"
    raise Refused(
        f"found {kind} without the module that they belong to",
        "save a program: torch.export.save(torch.export.export(module, (rows,), dynamic_shapes="
        "({0: torch.export.Dim('batch')},)), 'model.pt2'); or name what makes the module: "
        "--option factory=package.module:function",
    )


def _unpickled(torch: Any, path: Path) -> Any:
    takes = inspect.signature(torch.load).parameters
    way = {"weights_only": False} if "weights_only" in takes else {}
    return torch.load(str(path), map_location="cpu", **way)


def _built(factory: str, weights: Any) -> Any:
    name, _, function = factory.partition(":")
    try:
        module = getattr(importlib.import_module(name), function)()
    except (ImportError, AttributeError, ValueError) as error:
        raise Refused(
            f"found no {factory} ({error})",
            "name a function that is beside the file, or installed in that interpreter: "
            "--option factory=package.module:function",
        ) from error
    states = weights.get("state_dict", weights) if isinstance(weights, Mapping) else None
    if states is not None:
        try:
            module.load_state_dict(states)
        except RuntimeError as error:
            words = " ".join(str(error).split())[:_SHOWN]
            raise Refused(
                f"found weights that do not fit {factory} ({words})", "make the module they are of"
            ) from error
    return module.eval()


def _unreadable(error: Exception) -> Refused:
    words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
    return Refused(
        f"found a file that PyTorch cannot read ({words})",
        "name the interpreter that made it, which has its classes: --python PATH; or save a "
        "program with torch.export.save",
    )


def _samples(
    program: Any, module: Any, samples: Mapping[str, Array] | None, options: Mapping[str, Any]
) -> dict[str, Array]:
    """Rows by input name, in the order of the module's arguments."""
    names = _arguments(module, options)
    if program is not None:
        return _of_program(program, samples)
    if samples is None:
        raise Refused(
            "found a module that does not say what it takes",
            f"give rows of its inputs, named {', '.join(names) or 'as its arguments'}: "
            "--samples FILE.npz",
        )
    by_name = {plain(name): values for name, values in samples.items()}
    used = names if set(names) <= set(by_name) else list(by_name)
    return {name: _single(by_name[name]) for name in used}


def _single(values: Array) -> Array:
    return values.astype(np.float32) if values.dtype == np.float64 else values


def _arguments(module: Any, options: Mapping[str, Any]) -> list[str]:
    if "inputs" in options:
        return [plain(name) for name in str(options["inputs"]).split(",")]
    schema = getattr(getattr(module, "forward", None), "schema", None)
    if schema is not None:
        return [plain(one.name) for one in schema.arguments if one.name != "self"]
    return [plain(name) for name in inspect.signature(module.forward).parameters]


def _of_program(program: Any, samples: Mapping[str, Array] | None) -> dict[str, Array]:
    """Rows as a program declares its inputs; the first size has to be open."""
    wanted = {
        plain(node.name): node.meta["val"]
        for node in program.graph.nodes
        if node.op == "placeholder" and node.name in program.graph_signature.user_inputs
    }
    closed = [name for name, value in wanted.items() if isinstance(value.shape[0], int)]
    if closed:
        raise Refused(
            f"found the batch of {', '.join(closed)} fixed to its example's size",
            "export it again with dynamic_shapes={'…': {0: torch.export.Dim('batch')}} and an "
            "example of at least 2 rows",
        )
    rows = {}
    for number, (name, value) in enumerate(wanted.items()):
        shape = [size if isinstance(size, int) else 8 for size in value.shape[1:]]
        dtype = np.dtype(str(value.dtype).removeprefix("torch."))
        if samples is not None:
            by_name = {plain(each): values for each, values in samples.items()}
            rows[name] = by_name.get(name, list(by_name.values())[number]).astype(dtype)
        elif dtype.kind == "f":
            rows[name] = normal(shape, seed=number, dtype=dtype)
        else:
            rows[name] = whole(shape, below=2, seed=number, dtype=dtype)
    return rows


def _answers(torch: Any, module: Any, rows: Sequence[Array]) -> list[Array]:
    """What the original makes of the rows."""
    parts: list[list[Array]] = []
    with torch.no_grad():
        for start in range(0, len(rows[0]), _ROWS_AT_ONCE):
            some = [torch.from_numpy(values[start : start + _ROWS_AT_ONCE]) for values in rows]
            parts.append([one.numpy() for one in _flat(torch, module(*some))])
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def _flat(torch: Any, answer: Any) -> list[Any]:
    if isinstance(answer, torch.Tensor):
        return [answer]
    inner = answer.values() if isinstance(answer, Mapping) else answer
    return [one for part in inner for one in _flat(torch, part)]


def _exported(
    torch: Any,
    module: Any,
    samples: Mapping[str, Array],
    outputs: int,
    options: Mapping[str, Any],
) -> bytes:
    """The ONNX file of a program, or of a module that is traced."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if hasattr(module, "graph_signature"):
                opset = int(options.get("target_opset", _OPSET["new"]))
                made = torch.onnx.export(module, dynamo=True, opset_version=opset).model_proto
                _renamed(made.graph, list(samples), _outputs(outputs))
                return bytes(made.SerializeToString(deterministic=True))
            return _traced(torch, module, samples, outputs, options)
    except Exception as error:
        words = " ".join(f"{type(error).__name__}: {error}".split())[:_SHOWN]
        raise Refused(
            f"found a module that torch {torch.__version__} cannot export ({words})",
            "lengths and branches that depend on values have no ONNX form: give the module fixed "
            "ones, or export it to ONNX yourself",
        ) from error


def _traced(
    torch: Any,
    module: Any,
    samples: Mapping[str, Array],
    outputs: int,
    options: Mapping[str, Any],
) -> bytes:
    """Export by tracing: the way of TorchScript, which all versions have."""
    names = _outputs(outputs)
    rows = tuple(torch.from_numpy(values[:_TRACED]) for values in samples.values())
    takes = inspect.signature(torch.onnx.export).parameters
    way = {"dynamo": False} if "dynamo" in takes else {}
    file = io.BytesIO()
    torch.onnx.export(
        module,
        rows,
        file,
        input_names=list(samples),
        output_names=names,
        dynamic_axes={name: {0: "batch"} for name in (*samples, *names)},
        opset_version=int(options.get("target_opset", _OPSET["old"])),
        **way,
    )
    return file.getvalue()


def _outputs(count: int) -> list[str]:
    return ["output"] if count == 1 else [f"output_{number}" for number in range(count)]


def _renamed(graph: Any, inputs: Sequence[str], outputs: Sequence[str]) -> None:
    """Give inputs and outputs their names, wherever the graph speaks of them."""
    new = dict(zip([one.name for one in graph.output], outputs, strict=True))
    new |= dict(zip([one.name for one in graph.input], inputs, strict=True))
    for values in (graph.output, graph.input):
        for value in values:
            value.name = new[value.name]
    for node in graph.node:
        for ends in (node.input, node.output):
            for index, name in enumerate(ends):
                ends[index] = new.get(name, name)
