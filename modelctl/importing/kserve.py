"""An InferenceService of KServe, and of KFServing before it.

Source: https://kserve.github.io/website/docs/reference/crd-api (v1beta1, v1alpha2).
"""

from modelctl.errors import UsageError
from modelctl.importing import kubernetes
from modelctl.importing.fields import Fields
from modelctl.importing.found import Found, Left, left_behind
from modelctl.repo.kinds import Batching, Scale

KINDS = ("InferenceService", "KFService")
# A predictor of one of these names its format by its key, before `model.modelFormat` came.
_BY_KEY = (
    "catboost", "huggingface", "lightgbm", "onnx", "openvino", "paddle", "pmml", "pytorch",
    "sklearn", "tensorflow", "tensorrt", "triton", "xgboost",
)  # fmt: skip
_CREDENTIALS = "credentials of a store stand in `stores` of argocd/environments.yaml"
_SERVER = "the server is the release's `image`"
_SETTINGS = "settings of the server are rendered from the release"
_REASONS = {
    "metadata": "names, labels and annotations of objects are rendered",
    "status": "written by the cluster",
    "spec.transformer": "code of your own: join standard operators to the graph with "
    "`modelctl package --before`/`--after`",
    "spec.explainer": "explanations are not served",
    "predictor": "pods are rendered: providers, resources and stores of a release say their needs",
    "serviceAccountName": _CREDENTIALS,
    "logger": "payloads are never logged; metrics say what is served",
    "canaryTrafficPercent": "no file has the revision before: import that as r1, add this one with "
    "`modelctl release`, then `modelctl shift MODEL --env ENV r2=PERCENT`",
    "spec.canary": "add it with `modelctl release` after this one, then `modelctl shift`",
    "deploymentStrategy": "a release never changes: traffic moves by weights",
    "batcher.timeout": "`runtime.request_timeout_s` holds for every request",
    "runtime": _SERVER,
    "runtimeVersion": _SERVER,
    "image": _SERVER,
    "modelFormat": _SERVER,
    "protocolVersion": "served is the Open Inference Protocol (V2), by HTTP and gRPC",
    "storage": _CREDENTIALS,
    "env": _SETTINGS,
    "args": _SETTINGS,
    "command": _SETTINGS,
    "ports": _SETTINGS,
    "livenessProbe": "probes are rendered",
    "readinessProbe": "probes are rendered",
    "startupProbe": "probes are rendered",
}


def read(document: dict[str, object]) -> Found:
    """What an InferenceService says.

    Raises:
        UsageError: It describes no model that could be served here.
    """
    fields = Fields(document)
    fields.take("apiVersion"), fields.take("kind")
    metadata, spec = fields.within("metadata"), fields.within("spec")
    name, namespace = metadata.text("name"), metadata.text("namespace")
    if spec.has("default"):  # v1alpha1 and v1alpha2
        spec = spec.within("default")
    predictor = spec.within("predictor") if spec.has("predictor") else spec
    key, model = _model(predictor)
    kind = (model.within("modelFormat").text("name") if key == "model" else key) or ""
    uri = model.text("storageUri") or model.text("modelUri") or _storage(model)
    cpu, memory, gpu, left = kubernetes.resources(model)
    scale, not_scaled = _scale(metadata, predictor)
    found = Found(
        platform="KServe",
        name=name or "",
        kind=kind.lower(),
        uri=uri,
        owner=namespace,
        description=metadata.within("annotations").text("description"),
        scale=scale,
        cpu=cpu,
        memory=memory,
        gpu=gpu,
        max_inflight=predictor.integer("containerConcurrency")
        or predictor.integer("parallelism")
        or None,
        request_timeout_s=predictor.integer("timeout"),
        batching=_batching(predictor),
    )
    return found.without(*left, *not_scaled, *left_behind(fields.left(), _REASONS))


def _model(predictor: Fields) -> tuple[str, Fields]:
    if predictor.has("model"):
        return "model", predictor.within("model")
    for key in _BY_KEY:
        if predictor.has(key):
            return key, predictor.within(key)
    if predictor.has("containers") or predictor.has("custom"):
        raise UsageError(
            "spec.predictor.containers: found a server of your own, expected a model file: make "
            "ONNX of what it loads (`modelctl package`), then `modelctl new MODEL --artifact FILE`"
        )
    raise UsageError(
        f"spec.predictor: found {', '.join(predictor) or 'nothing'}, expected `model` or one of "
        f"{', '.join(_BY_KEY)}"
    )


def _storage(model: Fields) -> str | None:
    """`storage: {path, parameters: {type, bucket}}`, the later way to name a place."""
    storage = model.within("storage")
    path = storage.text("path")
    uri = storage.text("storageUri")
    parameters = storage.within("parameters")
    bucket, kind = parameters.text("bucket"), parameters.text("type")
    if path and bucket:
        return f"{kind or 's3'}://{bucket}/{path.lstrip('/')}"
    return uri or path


def _scale(metadata: Fields, predictor: Fields) -> tuple[Scale | None, list[Left]]:
    annotations = metadata.within("annotations")
    target = predictor.integer("scaleTarget")
    metric = predictor.text("scaleMetric") or ""
    asked = annotations.integer("autoscaling.knative.dev/target")
    if asked is not None and target is None:
        target, metric = asked, annotations.text("autoscaling.knative.dev/metric") or metric
    metric = metric or ("concurrency" if target is not None else "")
    fewest = predictor.integer("minReplicas")
    return kubernetes.scale(
        fewest, predictor.integer("maxReplicas"), metric=metric.lower(), target=target
    )


def _batching(predictor: Fields) -> Batching | None:
    batcher = predictor.within("batcher")
    size, latency_ms = batcher.integer("maxBatchSize"), batcher.number("maxLatency")
    if size is None and latency_ms is None:
        return None
    return Batching(min(max(2, size or 32), 4096), min(max(0.0, latency_ms or 0.0), 1000.0))
