"""A `config.pbtxt` of Triton, in the model's folder of a model repository.

Source: triton-inference-server/common, protobuf/model_config.proto.
"""

from pathlib import Path

from modelctl.errors import UsageError
from modelctl.importing import contracts, pbtxt
from modelctl.importing.fields import Fields
from modelctl.importing.found import Found, Left, left_behind
from modelctl.model.graph import ANY_SIZE
from modelctl.model.tensors import TensorSpec
from modelctl.repo.kinds import Batching, Gpu

NAME = "config.pbtxt"
_DEFAULT_FILE = "model.onnx"
_ONNX = ("onnxruntime_onnx", "onnxruntime")
_TYPES = {f"TYPE_{name}": name for name in contracts.DATATYPES} | {"TYPE_STRING": "BYTES"}
_CUDA, _TENSORRT = ("cuda", "cpu"), ("tensorrt", "cuda", "cpu")
_MOST_THREADS = 256  # of the schema
_SESSION = "the server sets ONNX Runtime's session: `runtime` of a release says providers, threads"
_REASONS = {
    "backend": "the server is the release's `image`",
    "runtime": "the server is the release's `image`",
    "platform": "the server is the release's `image`",
    "version_policy": "each version is a release of its own: `modelctl release`",
    "instance_group": "replicas take the place of instances in one server: `scale`",
    "dynamic_batching": "a batch waits `runtime.batching.max_delay_ms` and has `max_size` rows",
    "dynamic_batching.priority_levels": "requests have no priorities; `runtime.max_inflight` "
    "bounds how many wait",
    "dynamic_batching.default_queue_policy": "`runtime.max_inflight` bounds how many wait",
    "optimization": _SESSION,
    "parameters": _SESSION,
    "model_warmup": "the server warms up by itself, and with the release's golden file",
    "response_cache": "answers are not kept",
    "rate_limiter": "`runtime.max_inflight` bounds requests at work",
    "label_filename": "put labels into the graph (ArgMax and a LabelEncoder), or leave them to "
    "the caller",
    "optional": "a request carries every input",
    "allow_ragged_batch": "requests of one batch have the same sizes",
    "format": "the graph says the order of its dimensions",
    "model_transaction_policy": "one answer a request",
    "metric_tags": "metrics carry model and release",
    "model_metrics": "metrics are those of the server",
    "batch_input": "callers send what the graph takes",
    "batch_output": "callers get what the graph gives",
    "cc_model_filenames": "one file serves on every GPU",
    "model_operations": "custom operators are not loaded",
    "model_repository_agents": "the server verifies the SHA-256 of its file",
}


def read(text: str, folder: Path, where: str) -> Found:
    """What a `config.pbtxt` says; its artifact lies in the folder of a version beside it.

    Raises:
        UsageError: It is no such file, or describes no model that could be served here.
    """
    fields = Fields(pbtxt.read(text, where))
    _refuse_composed(fields, where)
    name = fields.text("name") or folder.name
    kind = fields.text("backend") or fields.text("platform") or ""
    file = fields.text("default_model_filename") or _DEFAULT_FILE
    path, older = _path(folder, file)
    if kind in _ONNX or (not kind and path is not None):
        kind = "onnx"
        fields.take("platform")
    rows = fields.integer("max_batch_size") or 0
    inputs, outputs = (_tensors(fields, side, is_batched=rows > 0) for side in ("input", "output"))
    gpu, providers = _gpu(fields), _providers(fields)
    found = Found(
        platform="Triton",
        name=name,
        kind=kind,
        path=path,
        contract=contracts.contract(inputs, outputs),
        gpu=gpu,
        providers=providers or (_CUDA if gpu else ()),
        threads=_threads(fields),
        batching=_batching(fields, rows),
        left=older,
    )
    return found.without(*left_behind(fields.left(), _REASONS))


def _refuse_composed(fields: Fields, where: str) -> None:
    if fields.has("ensemble_scheduling") or fields.peek("platform") == "ensemble":
        raise UsageError(
            f"{where}: found an ensemble, expected one model: import the models of its steps by "
            "themselves, or join their graphs with `modelctl package --before`/`--after`"
        )
    if fields.has("sequence_batching"):
        raise UsageError(
            f"{where}: found sequence_batching, expected a model without memory of the requests "
            "before: make state an input and an output of the graph"
        )


def _path(folder: Path, file: str) -> tuple[Path | None, tuple[Left, ...]]:
    """The file of the latest version, and the versions before."""
    numbers = sorted(
        int(each.name)
        for each in folder.iterdir()
        if each.name.isdigit() and (each / file).exists()
    )
    if not numbers:
        return None, ()
    why = "an older version: add it with `modelctl release`"
    older = tuple(Left(f"{number}/{file}", why) for number in numbers[:-1])
    return folder / str(numbers[-1]) / file, older


def _tensors(fields: Fields, side: str, *, is_batched: bool) -> list[TensorSpec]:
    """One side of the contract; nothing where Triton completes it from the graph."""
    tensors = fields.every(side)
    if any(tensor.peek("dims") is None or not tensor.has("data_type") for tensor in tensors):
        fields.take(side)
        return []
    return [_tensor(tensor, is_batched=is_batched) for tensor in tensors]


def _tensor(tensor: Fields, *, is_batched: bool) -> TensorSpec:
    """An input or output; the shape is that of the graph, where `reshape` says another one."""
    dims, reshaped = tensor.sizes("dims"), tensor.within("reshape")
    sizes = reshaped.sizes("shape") if "shape" in reshaped else dims
    kind = tensor.text("data_type") or ""
    if kind not in _TYPES:
        raise UsageError(
            f"found the data_type {kind!r}, expected one of {', '.join(sorted(_TYPES))}"
        )
    shape = (ANY_SIZE, *sizes) if is_batched else tuple(sizes)
    return TensorSpec(tensor.text("name") or "", _TYPES[kind], shape)


def _gpu(fields: Fields) -> Gpu | None:
    groups = fields.every("instance_group")
    has_gpu = False
    for group in groups:
        has_gpu = group.take("kind") == "KIND_GPU" or has_gpu
        if group.peek("count") == 1:
            group.take("count")
    return Gpu("nvidia.com/gpu", 1) if has_gpu else None


def _providers(fields: Fields) -> tuple[str, ...]:
    accelerators = fields.within("optimization", "execution_accelerators")
    names = {one.text("name") for one in accelerators.every("gpu_execution_accelerator")}
    return _TENSORRT if "tensorrt" in names else _CUDA if "cuda" in names else ()


def _threads(fields: Fields) -> int | None:
    for parameter in fields.every("parameters"):
        if parameter.peek("key") == "intra_op_thread_count":
            parameter.take("key")
            count = parameter.within("value").integer("string_value")
            return count if count and 1 <= count <= _MOST_THREADS else None
    return None


def _batching(fields: Fields, rows: int) -> Batching | None:
    if "dynamic_batching" not in fields or rows < 2:  # noqa: PLR2004 - one row is no batch
        return None
    dynamic = fields.within("dynamic_batching")
    delay_us = dynamic.integer("max_queue_delay_microseconds") or 0
    dynamic.take("preferred_batch_size")
    return Batching(min(rows, 4096), min(delay_us / 1000, 1000.0))
