"""A `model-settings.json` of MLServer, and the `settings.json` beside it.

Source: https://docs.seldon.ai/mlserver/reference (model-settings, settings).
"""

import json
import re
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.importing import contracts
from modelctl.importing.fields import Fields
from modelctl.importing.found import Found, left_behind
from modelctl.repo.kinds import Batching

NAME = "model-settings.json"
_SERVER = "settings.json"
_CODE = "code of your own: join standard operators to the graph with `modelctl package --before`"
_WORKERS = "one process serves; `scale` says how many pods there are, `runtime.threads` their cores"
_RENDERED = "settings of the server are rendered from the release"
_REASONS = {
    "implementation": "the server is the release's `image`",
    "platform": "the server is the release's `image`",
    "versions": "releases have numbers",
    "parallel_workers": _WORKERS,
    "warm_workers": _WORKERS,
    "cache_enabled": "answers are not kept",
    "parameters.version": "releases have numbers",
    "parameters.content_type": "tensors are taken as the contract says",
    "parameters.environment_tarball": _CODE,
    "parameters.environment_path": _CODE,
    "parameters.inference_pool_gid": _WORKERS,
    "parameters.extra": _CODE,
    "parameters.format": "the server is the release's `image`",
    "inputs": "tensors are taken as the contract says",
    "outputs": "tensors are taken as the contract says",
    "settings": _RENDERED,
}
# MLServer's own runtimes, such as `mlserver_sklearn.SKLearnModel`; before, `mlserver.models.…`.
_RUNTIME = re.compile(r"mlserver(?:_(?P<module>\w+)\.|\.models\.(?P<name>\w+)Model)")


def read(text: str, folder: Path, where: str) -> Found:
    """What a `model-settings.json` says; its artifact lies beside it.

    Raises:
        UsageError: It is no JSON object, or a field is not what it should be.
    """
    fields = Fields(_object(text, where))
    name, code = fields.text("name"), fields.text("implementation") or ""
    parameters = fields.within("parameters")
    uri, version = parameters.text("uri"), parameters.text("version")
    path = _path(folder, uri)
    runtime = _RUNTIME.match(code)
    kind = (runtime["module"] or runtime["name"]).lower() if runtime else ""
    if path is not None and path.suffix == ".onnx":
        kind = "onnx"
    inputs, outputs = (contracts.v2_tensors(fields.every(side)) for side in ("inputs", "outputs"))
    found = Found(
        platform="MLServer",
        name=name or folder.name,
        kind=kind or code,
        path=path,
        uri=uri if path is None else None,
        contract=contracts.contract(inputs, outputs),
        batching=_batching(fields),
        trained_from=None if version is None else f"version {version}",
    )
    left = left_behind([*fields.left(), *_of_the_server(folder)], _REASONS)
    return found.without(*left)


def _object(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON: {error}") from error


def _of_the_server(folder: Path) -> list[str]:
    """The settings of the server beside the model, or one folder above it."""
    for place in (folder / _SERVER, folder.parent / _SERVER):
        if place.is_file():
            value = _object(place.read_text("utf-8"), str(place))
            return Fields(value, "settings").left() and ["settings"]
    return []


def _path(folder: Path, uri: str | None) -> Path | None:
    """The one file that the server would load: the one named, or the only ONNX file there."""
    if uri and "://" in uri:
        return None
    place = folder / uri if uri else folder
    if place.is_dir():
        models = sorted(place.glob("*.onnx"))
        return models[0] if len(models) == 1 else None
    return place if place.is_file() else None


def _batching(fields: Fields) -> Batching | None:
    size, time_s = fields.integer("max_batch_size"), fields.number("max_batch_time")
    if not size or size < 2:  # noqa: PLR2004 - one row is no batch
        return None
    return Batching(min(size, 4096), min(max(0.0, (time_s or 0.0) * 1000), 1000.0))
