"""Runs models in children: `python -m tests.serving.native.drive KIND [--older]`.

Prints a line of JSON for each input that ended its child, and what was tried at the end. Sessions
have threads, which no fork survives: the parent makes none.
"""

import argparse
import json
import os
import resource
import select
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from modelserver.model import session
from modelserver.model.contract import Contract
from modelserver.tensor.datatypes import BY_ORT_TYPE
from modelserver.tensor.spec import TensorSpec
from tests.serving.native import cases, variants
from tests.serving.native.cases import Case, Feeds

HANGS_S = 6
"""Seconds without a sign of life, after which a child is ended; runs take milliseconds."""

_MEMORY_BYTES = 3 << 30
_WIDE = {
    "bfloat16": (np.uint16, 16),
    "float8_e4m3fn": (np.uint8, 17),
    "float8_e5m2": (np.uint8, 19),
}


def deaths(
    kind: str, *, older: bool, served: bool, only: frozenset[str]
) -> Iterator[dict[str, Any]]:
    """What ended a child; the last value says which operators ran at all."""
    ran: set[tuple[str, str]] = set()
    chosen = cases.all_cases() if older else cases.distinct_cases()
    for case in chosen:
        if only and not only & {op for _, op in case.operators}:
            continue
        for each in (case, *(cases.lowered(case) if older else ())):
            begin = 0
            while True:
                done, status = _child(each, kind, begin, served=served)
                if done >= 0:
                    ran |= each.operators
                if not status:
                    break
                if done >= 0:
                    yield _death(each, kind, done, status)
                else:
                    yield {"case": each.name, "signal": status, "variant": "load"}
                    break
                begin = done + 1
    yield {"ran": sorted(ran)}


def _death(case: Case, kind: str, index: int, status: int) -> dict[str, Any]:
    name, feeds = list(_variants(case, kind))[index]
    shapes = {key: list(each.shape) for key, each in feeds.items() if hasattr(each, "shape")}
    empty = []
    if len(case.model.graph.node) == 1:
        names = case.model.graph.node[0].input
        empty = [place for place, key in enumerate(names) if 0 in shapes.get(key, [])]
    return {
        "case": case.name,
        "operators": sorted(case.operators),
        "variant": name,
        "signal": "hangs" if status == signal.SIGKILL else signal.Signals(status).name,
        "empty_inputs": empty,
        "shapes": shapes,
    }


def _variants(case: Case, kind: str) -> Iterator[variants.Variant]:
    yield "as it is", case.feeds
    yield from variants.KINDS[kind](case.feeds)


def _child(case: Case, kind: str, begin: int, *, served: bool) -> tuple[int, int]:
    """The last variant that was begun (-1: none), and the signal that ended the child, or 0."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _work(case, kind, begin, writing, served=served)
    os.close(writing)
    done, status = -1, 0
    while True:
        if not select.select([reading], [], [], HANGS_S)[0]:
            os.kill(pid, signal.SIGKILL)
        content = os.read(reading, 1 << 16)
        if not content:
            break
        done = int(content.split(b"\n")[-2])
    os.close(reading)
    _, code = os.waitpid(pid, 0)
    status = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
    return done, status


def _work(case: Case, kind: str, begin: int, writing: int, *, served: bool) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    warnings.simplefilter("ignore")
    try:
        run = _served(case) if served else _bare(case)
    except Exception:  # noqa: BLE001 - ONNX Runtime's errors have no base
        os._exit(1)
    for index, (_, feeds) in enumerate(_variants(case, kind)):
        if index < begin:
            continue
        os.write(writing, b"%d\n" % index)
        try:
            run(feeds)
        except Exception:  # noqa: BLE001, S112 - an error is what is wanted
            continue
    os._exit(0)


def _options() -> Any:  # noqa: ANN401 - ONNX Runtime has no types
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return options


def _bare(case: Case) -> Callable[[Feeds], object]:
    bare = onnxruntime.InferenceSession(case.model.SerializeToString(), _options())
    return lambda feeds: bare.run(None, {name: _given(each) for name, each in feeds.items()})


def _served(case: Case) -> Callable[[Feeds], object]:
    """As the model server loads and runs it, with all that a contract can allow."""
    with tempfile.NamedTemporaryFile(suffix=".onnx") as file:
        file.write(case.model.SerializeToString())
        file.flush()
        bare = onnxruntime.InferenceSession(file.name, _options())
        contract = Contract(_specs(bare.get_inputs()), _specs(bare.get_outputs()))
        model = session.load(Path(file.name), contract, providers=["cpu"], threads=1)
    return lambda feeds: model.run(contract.output_names, feeds)


def _specs(nodes: Any) -> tuple[TensorSpec, ...]:  # noqa: ANN401 - ONNX Runtime has no types
    return tuple(
        TensorSpec(node.name, BY_ORT_TYPE[node.type], (-1,) * len(node.shape)) for node in nodes
    )


def _given(array: Any) -> Any:  # noqa: ANN401 - what ONNX Runtime takes
    if not isinstance(array, np.ndarray):
        return array
    if array.dtype.kind in "SU":
        return array.astype(object)
    if wide := _WIDE.get(array.dtype.name):
        bits = np.ascontiguousarray(array).view(wide[0])
        return onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, wide[1])
    return array


def main() -> None:
    """Print every death as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=variants.KINDS)
    parser.add_argument("--older", action="store_true", help="all cases, and older versions")
    parser.add_argument("--served", action="store_true", help="as the model server runs them")
    parser.add_argument("--only", default="", help="operators, with commas")
    arguments = parser.parse_args()
    only = frozenset(filter(None, arguments.only.split(",")))
    chosen = {"older": arguments.older, "served": arguments.served, "only": only}
    for each in deaths(arguments.kind, **chosen):
        sys.stdout.write(json.dumps(each) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
