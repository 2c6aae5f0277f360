"""A SeldonDeployment of Seldon Core 1, or a Model of Seldon Core 2.

Source: https://docs.seldon.ai/seldon-core-1 and seldon-core-2 (machinelearning.seldon.io/v1,
mlops.seldon.io/v1alpha1).
"""

from modelctl.errors import UsageError
from modelctl.importing import kubernetes
from modelctl.importing.fields import Fields
from modelctl.importing.found import Found, Left, left_behind
from modelctl.repo.kinds import Scale

KINDS = ("SeldonDeployment", "Model")
_SERVER = "the server is the release's `image`"
_POD = "pods are rendered: providers, resources and stores of a release say their needs"
_CREDENTIALS = "credentials of a store stand in `stores` of argocd/environments.yaml"
_REASONS = {
    "metadata": "names, labels and annotations of objects are rendered",
    "status": "written by the cluster",
    "spec": _POD,
    "spec.annotations": "annotations of Seldon say nothing to a Deployment",
    "spec.protocol": "served is the Open Inference Protocol (V2), by HTTP and gRPC",
    "spec.transport": "served are HTTP and gRPC",
    "spec.server": _SERVER,
    "spec.requirements": _SERVER,
    "spec.secretName": _CREDENTIALS,
    "spec.oauth_key": "who may call stands in `access` of model.yaml",
    "spec.oauth_secret": "who may call stands in `access` of model.yaml",
    "predictors.annotations": "annotations of Seldon say nothing to a Deployment",
    "predictors.labels": "labels are rendered",
    "predictors.explainer": "explanations are not served",
    "explainer": "explanations are not served",
    "predictors.svcOrchSpec": "no orchestrator stands between gateway and server",
    "predictors.engineResources": "no orchestrator stands between gateway and server",
    "graph.children": "steps after the model: join standard operators to the graph with "
    "`modelctl package --after`, or import each model by itself",
    "graph.parameters": "settings of the server are rendered from the release",
    "spec.parameters": "settings of the server are rendered from the release",
    "graph.endpoint": "served are HTTP and gRPC",
    "graph.logger": "payloads are never logged; metrics say what is served",
    "graph.envSecretRefName": _CREDENTIALS,
    "graph.serviceAccountName": _CREDENTIALS,
    "graph.storageInitializerImage": "the server fetches its file by itself",
    "containers.image": _SERVER,
    "pdbSpec": "disruption budgets are rendered",
}
_CPU_TARGETS = ("targetAverageUtilization",)


def read(document: dict[str, object]) -> Found:
    """What a SeldonDeployment or a Model of Seldon says.

    Raises:
        UsageError: It describes no model that could be served here.
    """
    fields = Fields(document)
    fields.take("apiVersion")
    kind = fields.text("kind")
    metadata, spec = fields.within("metadata"), fields.within("spec")
    found = _model(spec) if kind == "Model" else _deployment(spec)
    name = metadata.text("name") or spec.text("name")
    described = Found(
        platform="Seldon",
        name=name or "",
        kind=found.kind,
        uri=found.uri,
        owner=metadata.text("namespace"),
        description=metadata.within("annotations").text("description"),
        scale=found.scale,
        cpu=found.cpu,
        memory=found.memory,
        gpu=found.gpu,
        left=found.left,
    )
    spec.take("name")
    return described.without(*left_behind(fields.left(), _REASONS))


def _deployment(spec: Fields) -> Found:
    predictors = spec.every("predictors")
    if not predictors:
        raise UsageError("spec.predictors: found none, expected one with a graph")
    weighed = [(_share(predictor), -index) for index, predictor in enumerate(predictors)]
    chosen = -max(weighed)[1]
    found = _predictor(predictors[chosen])
    others = [
        _other(predictor, share)
        for index, (predictor, (share, _)) in enumerate(zip(predictors, weighed, strict=True))
        if index != chosen
    ]
    return found.without(*others)


def _share(predictor: Fields) -> int:
    """The traffic of a predictor in percent; a shadow has none, and one without a number all."""
    traffic = predictor.integer("traffic")
    if predictor.take("shadow"):
        return -1
    return 100 if traffic is None else traffic


def _other(predictor: Fields, share: int) -> Left:
    name = predictor.text("name")
    for each in predictor:
        predictor.take(each)
    way = "with `modelctl release MODEL --artifact FILE`, then `modelctl shift MODEL --env ENV`"
    if share < 0:
        return Left(f"predictor {name}", f"a shadow: add its model {way} to it, and write `shadow`")
    return Left(f"predictor {name}", f"has {share} % of the traffic: add its model {way} to it")


def _predictor(predictor: Fields) -> Found:
    predictor.take("name")
    graph = predictor.within("graph")
    kind = _implementation(graph)
    inner = graph.text("name")
    replicas = predictor.integer("replicas")
    scaled: Scale | None = None
    cpu = memory = gpu = None
    left: list[Left] = []
    for component in predictor.every("componentSpecs"):
        wanted, not_scaled = _scale(component, replicas)
        scaled = wanted or scaled
        left += not_scaled
        for container in component.within("spec").every("containers"):
            if container.text("name") in (inner, None):
                cpu, memory, gpu, not_asked = kubernetes.resources(container)
                left += not_asked
    if scaled is None:
        scaled, not_scaled = kubernetes.scale(replicas, None)
        left += not_scaled
    return Found(
        platform="Seldon", name="", kind=kind, uri=graph.text("modelUri"), scale=scaled,
        cpu=cpu, memory=memory, gpu=gpu, left=tuple(left),
    )  # fmt: skip


def _implementation(graph: Fields) -> str:
    step, kind = graph.text("type") or "MODEL", graph.text("implementation") or ""
    if step != "MODEL" or kind in ("SIMPLE_ROUTER", "RANDOM_ABTEST", "AVERAGE_COMBINER"):
        raise UsageError(
            f"graph: found a {kind or step}, expected a MODEL: import each model of the graph by "
            "itself; weights of releases share traffic"
        )
    if not graph.has("modelUri"):
        raise UsageError(
            "graph.modelUri: found none, expected a model file: make ONNX of what your server "
            "loads (`modelctl package`), then `modelctl new MODEL --artifact FILE`"
        )
    return kind.removesuffix("_SERVER").lower()


def _scale(component: Fields, replicas: int | None) -> tuple[Scale | None, list[Left]]:
    scaler = component.within("hpaSpec")
    fewest, most = scaler.integer("minReplicas"), scaler.integer("maxReplicas")
    if most is None:
        return None, []
    targets = []
    for metric in [*scaler.every("metrics"), *scaler.every("metricsv2")]:
        resource = metric.within("resource")
        is_cpu = resource.text("name") == "cpu"
        average = resource.integer("targetAverageUtilization")
        average = average or resource.within("target").integer("averageUtilization")
        if is_cpu and average:
            resource.within("target").take("type"), metric.take("type")
            targets.append(average)
    return kubernetes.scale(
        fewest or replicas, most, metric="cpu", target=targets[0] if targets else None
    )


def _model(spec: Fields) -> Found:
    uri = spec.text("storageUri")
    if uri is None:
        raise UsageError("spec.storageUri: found none, expected where the model file is")
    names = spec.take("requirements")
    kinds = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    replicas = spec.integer("replicas")
    scale, left = kubernetes.scale(
        spec.integer("minReplicas") or replicas, spec.integer("maxReplicas")
    )
    _, memory, _, _ = kubernetes.resources(
        Fields({"resources": {"requests": {"memory": spec.take("memory")}}})
    )
    kind = spec.text("modelType") or next(iter(kinds), "")
    return Found(
        platform="Seldon", name="", kind=kind.lower(), uri=uri, scale=scale, memory=memory,
        left=tuple(left),
    )  # fmt: skip
