"""The model server's settings as environment variables, every value a string.

Kubernetes puts the value of another variable in the place of `$(NAME)`, and one `$` in the place of
two: every `$` is doubled, so that a server reads what is written.
"""

import json
from collections.abc import Iterator

from modelctl.model.tensors import Contract, TensorSpec
from modelctl.render.v2 import artifact, budgets, stores
from modelctl.repo.kinds import Environment, Limits, Model, Release
from modelctl.repo.mirrors import mirrored, table

PORT = 8080
MIRROR_PORT = 8081  # what comes in here is a copy, whatever its headers say
CACHE_FOLDER = "/var/cache/modelserver"
_PREFIX = "MODELSERVER_"


def variables(model: Model, release: Release, environment: Environment) -> list[dict[str, str]]:
    """The container's `env`, in a fixed order: the server's own, then what its stores need."""
    settings = (
        *_identity(model, release),
        *_artifact(release, environment),
        ("CONTRACT", _contract(release.promised)),
        *_runtime(release),
        *_golden(release, environment),
        ("PORT", str(PORT)),
        ("MIRROR_PORT", str(MIRROR_PORT)),
        ("CACHE_DIR", CACHE_FOLDER),
        ("DRAIN_DELAY_S", str(budgets.DRAIN_DELAY_S)),
        ("GRACE_S", str(budgets.server_grace_s(release))),
    )
    own = ((_PREFIX + name, value) for name, value in settings)
    named = (*own, *stores.variables(environment.stores))
    return [{"name": name, "value": _literally(value)} for name, value in named]


def _literally(value: str) -> str:
    """A value as Kubernetes has to be told it, for a server to get it as it is."""
    return value.replace("$", "$$")


def _identity(model: Model, release: Release) -> Iterator[tuple[str, str]]:
    yield "MODEL", model.name
    yield "RELEASE", release.id


def _artifact(release: Release, environment: Environment) -> Iterator[tuple[str, str]]:
    yield "ARTIFACT_URI", artifact.uri(release, environment)
    yield "ARTIFACT_SHA256", release.artifact.sha256
    yield "ARTIFACT_BYTES", str(release.artifact.size_bytes)


def _runtime(release: Release) -> Iterator[tuple[str, str]]:
    runtime = release.runtime
    yield "PROVIDERS", ",".join(runtime.providers)
    if runtime.provider_options:
        yield "PROVIDER_OPTIONS", json.dumps(runtime.provider_options, separators=(",", ":"))
    yield "THREADS", str(runtime.threads)
    if runtime.batching:
        yield "BATCHING_MAX_SIZE", str(runtime.batching.max_size)
        yield "BATCHING_MAX_DELAY_MS", _number(runtime.batching.max_delay_ms)
        if runtime.batching.independent:
            yield "BATCHING_INDEPENDENT", "true"
    yield "MAX_INFLIGHT", str(runtime.max_inflight)
    yield from _limits(runtime.limits)


def _limits(limits: Limits) -> Iterator[tuple[str, str]]:
    for name, value in (
        ("MAX_BODY_BYTES", limits.body_bytes),
        ("MAX_ROWS", limits.rows),
        ("MAX_OUTPUT_BYTES", limits.output_bytes),
        ("MAX_INFLIGHT_BYTES", limits.inflight_bytes),
    ):
        if value is not None:
            yield name, str(value)


def _golden(release: Release, environment: Environment) -> Iterator[tuple[str, str]]:
    if release.golden:
        yield "GOLDEN_URI", mirrored(release.golden.uri, table(environment))
        yield "GOLDEN_SHA256", release.golden.sha256


def _contract(contract: Contract) -> str:
    tensors = {
        "inputs": [_tensor(spec) for spec in contract.inputs],
        "outputs": [_tensor(spec) for spec in contract.outputs],
    }
    return json.dumps(tensors, separators=(",", ":"))


def _tensor(spec: TensorSpec) -> dict[str, object]:
    return {"name": spec.name, "datatype": spec.datatype, "shape": list(spec.shape)}


def _number(value: float) -> str:
    """The shortest text that reads as the same number: `2` for 2.0, `0.5` for 0.5."""
    return str(int(value)) if float(value).is_integer() else repr(value)
