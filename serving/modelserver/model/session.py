"""The model: a session of ONNX Runtime that keeps its contract."""

import ctypes
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from modelserver.errors import InferenceFailed, ModelMalformed, ModelUnsupported, RequestError
from modelserver.model import contract as contracts
from modelserver.model import empty, failures, size_names
from modelserver.model import providers as executors
from modelserver.model.contract import Contract, Graph, GraphTensor, SharedSize
from modelserver.model.graph import reader
from modelserver.model.graph.parts import ModelFile
from modelserver.model.guard import plan
from modelserver.model.guard.needs import Needs
from modelserver.model.guard.plan import Guards
from modelserver.model.provider_options import ProviderOptions
from modelserver.tensor.datatypes import Array

_SILENT = 4  # ONNX Runtime logs text; its failures arrive here as exceptions and are logged as JSON
_BFLOAT16 = 16  # onnx.TensorProto.BFLOAT16

LARGE_BYTES = 4 << 20
"""Inputs from this size on leave more memory in ONNX Runtime's arena than the next run needs."""


@dataclass(frozen=True)  # no slots: what depends on the contract is remembered
class Model:
    """A loaded session, what it promises and takes, and ONNX Runtime's names of its providers.

    An input that `needs` elements is never run without: `shapes` tell what the outputs are then.
    `spare` are inputs of a small run, which gives back the memory that earlier runs left behind.
    """

    session: Any
    contract: Contract
    graph: Graph
    providers: tuple[str, ...]
    needs: Needs = field(default_factory=Needs)
    shapes: empty.Shapes = field(default_factory=empty.Shapes)
    spare: dict[str, Array] = field(default_factory=dict, compare=False)

    @property
    def on_cpu(self) -> bool:
        """Whether no part of it runs on a GPU."""
        return self.providers == ("CPUExecutionProvider",)

    def run(
        self, outputs: Sequence[str], feeds: Mapping[str, Array], *, give_back: bool = False
    ) -> list[Array]:
        """The arrays of the named outputs.

        The memory of tensors is kept for the next run. After large inputs, or if `give_back` says
        so, it is given back to the system. A run that finds too little is made once more without
        what earlier ones have kept.

        Raises:
            InvalidRequest: ONNX Runtime blames the input's values (an index out of range, say), or
                sizes differ that the graph gives one name, or no element is there.
            RequestTooLarge: The run needs more memory than there is for one.
            DeadlineExceeded: The run might never have ended, and was.
            InferenceFailed: Anything else went wrong.
        """
        needs = self.needs
        if needs.elements and not all(feeds[name].size for name in needs.elements):
            return empty.answer(self.contract, self.shapes, needs.why, outputs, feeds)
        options = self._giving_back if give_back or _bytes(feeds) >= LARGE_BYTES else None
        try:
            arrays: list[Array] = self._run_once(outputs, feeds, options)
        except failures.RAISED as error:
            if needs.is_guarded and failures.blames_no_elements(error, feeds):
                why = failures.brief(error)
                return empty.answer(self.contract, self.shapes, why, outputs, feeds)
            if not (failures.is_short(error) and self._give_back()):
                raise self._failure(error, feeds) from error
        else:
            return arrays
        return self._run_again(outputs, feeds)

    def _run_once(self, outputs: Sequence[str], feeds: Mapping[str, Array], options: Any) -> Any:  # noqa: ANN401
        """The arrays of one run of ONNX Runtime, which has no types."""
        if self._has_bfloat16:
            return self._run_values(outputs, feeds)
        if self.needs.end:
            from modelserver.model import bounded  # noqa: PLC0415 - for few graphs alone

            return bounded.run(self.session, outputs, feeds)
        return self.session.run(outputs, feeds, options)

    def _run_again(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        try:
            arrays: list[Array] = self._run_once(outputs, feeds, self._giving_back)
        except failures.RAISED as error:
            self._give_back()
            raise self._failure(error, feeds) from error
        return arrays

    def _failure(self, error: Exception, feeds: Mapping[str, Array]) -> RequestError:
        """What a client is told of a run that failed."""
        told = failures.of_run(error)
        if isinstance(told, InferenceFailed) and not failures.blames_reuse(error):
            for size in self._named_sizes:
                size.check(feeds)
        return told

    def _give_back(self) -> bool:
        """Give back what runs have kept, and say whether that was possible."""
        if not self.spare or self._giving_back is None:
            return False
        try:
            self.session.run(self.contract.output_names, self.spare, self._giving_back)
        except failures.RAISED:
            return False
        return True

    @cached_property
    def _named_sizes(self) -> tuple[SharedSize, ...]:
        return contracts.shared_sizes(self.graph)

    @cached_property
    def _has_bfloat16(self) -> bool:
        return any(
            spec.datatype.name == "BF16" for spec in (*self.contract.inputs, *self.contract.outputs)
        )

    @cached_property
    def _giving_back(self) -> Any:  # noqa: ANN401 - ONNX Runtime has no types
        """Options of a run that shrinks the arena when it ends; None where there is no arena."""
        if not self.session.get_session_options().enable_cpu_mem_arena:
            return None
        options = onnxruntime.RunOptions()
        options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
        return options

    def _run_values(self, outputs: Sequence[str], feeds: Mapping[str, Array]) -> list[Array]:
        """As `run`, through OrtValue: the only way for BF16, which numpy does not have."""
        values = {
            spec.name: onnxruntime.OrtValue.ortvalue_from_numpy_with_onnx_type(
                np.ascontiguousarray(feeds[spec.name]), _BFLOAT16
            )
            if spec.datatype.name == "BF16"
            else onnxruntime.OrtValue.ortvalue_from_numpy(feeds[spec.name])
            for spec in self.contract.inputs
        }
        return [_to_numpy(value) for value in self.session.run_with_ort_values(outputs, values)]


def _bytes(feeds: Mapping[str, Array]) -> int:
    return sum([array.nbytes for array in feeds.values()])


def load(
    path: Path,
    contract: Contract,
    *,
    providers: Sequence[str],
    threads: int,
    options: ProviderOptions | None = None,
    engine_cache: Path | None = None,
    reuse_memory: bool | None = None,
    shares_arena: bool = False,
) -> Model:
    """The model in a verified, self-contained file, run by so many threads.

    `engine_cache` is the folder of compiled TensorRT engines, by default one beside the file. With
    `reuse_memory` a tensor that is not needed any more lends its memory to one of equal sizes, by
    the names that the graph gives them: names that are not true make runs fail. By default it does
    so where names can be true. With `shares_arena` it uses the arena that `arena.bound` made.

    Raises:
        ProviderMissing: A provider, its driver or its device is not there.
        ModelMalformed: The bytes are no model.
        ModelUnsupported: ONNX Runtime lacks an operator or an opset, or the protocol a type.
        ModelOutOfMemory: Memory is short.
        ContractMismatch: The graph does not keep the contract.
    """
    chosen = options or ProviderOptions()
    wanted = executors.prepare(providers, chosen, engine_cache or path.with_suffix(".engines"))
    arena = chosen.cpu.enable_cpu_mem_arena is not False
    file = _graph_of(path)
    planned = plan.plan(file, contract.input_names)
    if reuse_memory is None:
        reuse_memory = size_names.can_plan_memory(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # a missing provider is an error below
            session = onnxruntime.InferenceSession(
                _guarded(path, planned.guards) if planned.guards else str(path),
                _options(
                    threads,
                    arena=arena,
                    shared=shares_arena,
                    reuse=reuse_memory,
                    fall_back="cpu" in providers,
                ),
                providers=wanted,
            )
    except failures.RAISED as error:
        raise failures.of_load(error) from error
    executors.require(providers, session.get_providers())
    graph = Graph(_inputs(session, contract), _tensors(session.get_outputs()))
    contracts.check(contract, graph)
    _refuse_bf16_beside_bytes(contract)
    return Model(session, contract, graph, tuple(session.get_providers()), Needs.of(planned))


def _guarded(path: Path, guards: Mapping[str, Guards]) -> bytes:
    from modelserver.model.guard import rewrite  # noqa: PLC0415 - for few graphs alone

    return rewrite.guarded(path, guards)


def _graph_of(path: Path) -> ModelFile:
    try:
        return reader.read(path)
    except ModelMalformed as error:
        raise ModelMalformed(f"{error}; export the model again") from error


def _options(threads: int, *, arena: bool, shared: bool, reuse: bool, fall_back: bool) -> Any:  # noqa: ANN401
    """The options of a session; ONNX Runtime has no types."""
    options = onnxruntime.SessionOptions()
    options.enable_cpu_mem_arena = arena
    options.enable_mem_reuse = reuse
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Idle threads that spin would eat the quota of the event loop beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if shared:
        options.add_session_config_entry("session.use_env_allocators", "1")
    if not fall_back:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    return options


def _refuse_bf16_beside_bytes(contract: Contract) -> None:
    datatypes = {spec.datatype.name for spec in (*contract.inputs, *contract.outputs)}
    if "BF16" in datatypes and any(spec.datatype.name == "BYTES" for spec in contract.inputs):
        raise ModelUnsupported(
            "found a BYTES input beside BF16 tensors, which ONNX Runtime's Python interface cannot "
            "pass together; cast BF16 to FP32 at the edge of the graph"
        )


def _inputs(session: Any, contract: Contract) -> tuple[GraphTensor, ...]:  # noqa: ANN401
    """The graph's inputs, and those of its initializers that the contract names as inputs."""
    defaults = _tensors(session.get_overridable_initializers())
    named = tuple(tensor for tensor in defaults if tensor.name in contract.input_names)
    return _tensors(session.get_inputs()) + named


def _tensors(nodes: Sequence[Any]) -> tuple[GraphTensor, ...]:
    return tuple(
        GraphTensor(node.name, node.type, tuple(node.shape or ()) or None) for node in nodes
    )


def _to_numpy(value: Any) -> Array:  # noqa: ANN401 - ONNX Runtime has no types
    """A copy of a tensor; of BF16 its bits."""
    if value.data_type() != "tensor(bfloat16)":
        array: Array = value.numpy()
        return array
    content = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return np.frombuffer(content, np.uint16).reshape(value.shape())
