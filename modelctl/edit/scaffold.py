"""The text of new typed files: what `modelctl new` and `modelctl release` write.

People go on editing it, so it is short. It carries no comments: by the first line of a file their
editor finds its schema, and shows what each field means.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil

from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.repo.characters import escaped
from modelctl.repo.documents import parse
from modelctl.repo.kinds import (
    REQUEST_TIMEOUT_S,
    Artifact,
    Golden,
    Model,
    Resources,
    Runtime,
    ServiceLevel,
    Serving,
)

_P99_FACTOR = 2  # times the promised p99: the longest request of a server that keeps its promise
_LONGEST_TIMEOUT_S = 1200  # of the schema
_EXACT = 2.0**53  # below it, a whole float and its digits are the same number


@dataclass(frozen=True, slots=True)
class Provenance:
    """How an artifact was trained: by which commit or run, on which data, with which metrics.

    `packaged` is what `modelctl package` made it of, and with what.
    """

    trained_from: str
    data_sha256: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    packaged: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class NewRelease:
    """Everything that a release file says."""

    artifact: Artifact
    graph: Graph
    image: str
    runtime: Runtime
    resources: Resources
    golden: Golden | None
    provenance: Provenance | None
    contract: Contract | None = None


def ample_timeout_s(level: ServiceLevel, least_s: int = REQUEST_TIMEOUT_S) -> int:
    """The time for a request that a service level needs, and no less than `least_s`."""
    needed_s = ceil(_P99_FACTOR * level.latency_p99_ms / 1000)
    return min(max(least_s, needed_s), _LONGEST_TIMEOUT_S)


def own_contract(promised: Contract, graph: Graph) -> Contract | None:
    """What a release has to say of its contract: nothing where its graph says all of it."""
    return None if promised == Contract(graph.inputs, graph.outputs) else promised


def model_text(model: Model) -> str:
    """The text of a `model.yaml`."""
    level = model.service_level
    return "\n".join(
        [
            _schema_line("model", depth=2),
            f"name: {_plain(model.name)}",
            f"owner: {_plain(model.owner)}",
            f"description: {_plain(model.description)}",
            "contract:",
            *_contract(Contract(model.contract.inputs, model.contract.outputs)),
            "service_level: "
            + _flow(
                {
                    "latency_p99_ms": level.latency_p99_ms,
                    "error_rate": level.error_rate,
                    "peak_rps": level.peak_rps,
                }
            ),
            "",
        ]
    )


def release_text(release: NewRelease) -> str:
    """The text of a release file."""
    lines = [
        _schema_line("release", depth=3),
        "artifact:",
        f"  uri: {json.dumps(release.artifact.uri)}",
        f"  sha256: {json.dumps(release.artifact.sha256)}",
        f"  bytes: {release.artifact.size_bytes}",
        *([] if release.artifact.mount == "fetch" else [f"  mount: {release.artifact.mount}"]),
        "graph:",
        f"  ir_version: {release.graph.ir_version}",
        f"  opsets: {_flow(release.graph.opsets)}",
        *_contract(Contract(release.graph.inputs, release.graph.outputs)),
        *(["contract:", *_contract(release.contract)] if release.contract else []),
        *([f"image: {json.dumps(release.image)}"] if release.image else []),
        f"runtime: {_flow(_runtime(release.runtime))}",
        f"resources: {_flow(_resources(release.resources))}",
    ]
    if release.golden:
        lines += ["golden:", f"  uri: {json.dumps(release.golden.uri)}"]
        lines += [f"  sha256: {json.dumps(release.golden.sha256)}"]
    if release.provenance:
        lines += _provenance(release.provenance)
    return "\n".join([*lines, ""])


def serving_text(serving: Serving) -> str:
    """The text of a new serving file, without shadow or pause."""
    scale = serving.scale
    limits = {"min": scale.min, "max": scale.max, "metric": scale.metric, "target": scale.target}
    return "\n".join(
        [
            _schema_line("serving", depth=3),
            f"stable: {serving.stable}",
            f"weights: {_flow(serving.weights)}",
            f"scale: {_flow(limits)}",
            "",
        ]
    )


def _schema_line(kind: str, *, depth: int) -> str:
    return f"# yaml-language-server: $schema={'../' * depth}schemas/{kind}.schema.json"


def _contract(contract: Contract) -> list[str]:
    return [
        "  inputs:",
        *(f"    - {_flow(_tensor(tensor))}" for tensor in contract.inputs),
        "  outputs:",
        *(f"    - {_flow(_tensor(tensor))}" for tensor in contract.outputs),
    ]


def _provenance(provenance: Provenance) -> list[str]:
    lines = ["provenance:", f"  trained_from: {_plain(provenance.trained_from)}"]
    if provenance.data_sha256:
        lines.append(f"  data_sha256: {json.dumps(provenance.data_sha256)}")
    if provenance.metrics:
        lines.append(f"  metrics: {_flow(provenance.metrics)}")
    if provenance.packaged:
        lines.append("  packaged:")
        lines += [f"    {name}: {_flow(value)}" for name, value in provenance.packaged.items()]
    return lines


def _tensor(tensor: TensorSpec) -> dict[str, object]:
    return {"name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.shape)}


def _runtime(runtime: Runtime) -> dict[str, object]:
    fields: dict[str, object] = {"providers": list(runtime.providers)}
    if runtime.provider_options:
        fields["provider_options"] = runtime.provider_options
    fields |= {"threads": runtime.threads, "max_inflight": runtime.max_inflight}
    if runtime.batching:
        fields["batching"] = {
            "max_size": runtime.batching.max_size,
            "max_delay_ms": runtime.batching.max_delay_ms,
            **({"independent": True} if runtime.batching.independent else {}),
        }
    limits = {name: value for name, value in asdict(runtime.limits).items() if value is not None}
    if limits:
        fields["limits"] = limits
    if runtime.request_timeout_s != REQUEST_TIMEOUT_S:
        fields["request_timeout_s"] = runtime.request_timeout_s
    return fields


def _resources(resources: Resources) -> dict[str, object]:
    fields: dict[str, object] = {"cpu": resources.cpu, "memory": resources.memory}
    if resources.gpu:
        fields["gpu"] = {"resource": resources.gpu.resource, "count": resources.gpu.count}
    return fields


def _flow(value: object) -> str:
    """A value in flow style, each string plain where that is unambiguous."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_plain(k)}: {_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, bool):
        return json.dumps(value)
    return _plain(value) if isinstance(value, str) else _number(value)


def _number(value: object) -> str:
    """A number with a point before any exponent: 1e-05 is text to some readers."""
    text = json.dumps(value)
    mantissa, exponent, rest = text.partition("e")
    return f"{mantissa}.0e{rest}" if exponent and "." not in mantissa else text


def _plain(text: str) -> str:
    document, faults = parse("", f"[{text}]".encode())
    plain = document is not None and not faults and document.value == [text]
    return text if plain else escaped(json.dumps(text, ensure_ascii=False))
