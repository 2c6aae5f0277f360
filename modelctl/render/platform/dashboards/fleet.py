"""The dashboard of all models of an environment: what is broken, what is big, what moves."""

from modelctl.render.platform.dashboards.dashboard import Dashboard, Variable
from modelctl.render.platform.dashboards.panel import Panel, Query, Row

UID = "modelctl-fleet"
_CHOSEN = 'namespace=~"$namespace"'
_FIRING = f'ALERTS{{{_CHOSEN}, alertname=~"Model.+", alertstate="firing"}}'
_MODEL = "{{model}}"
_RELEASE = "{{model}} {{release}}"
_MOST = 10  # lines of a chart


def _sum(name: str, by: str = "model") -> str:
    return f"sum by ({by}) ({name}{{{_CHOSEN}}})"


def _top(expr: str) -> str:
    return f"topk({_MOST}, {expr})"


def _numbers() -> tuple[Panel, ...]:
    return (
        Panel(
            "Alerts",
            "That are on.",
            (Query(f"count({_FIRING}) or vector(0)", "alerts"),),
            kind="stat",
        ),
        Panel(
            "Models",
            "That git serves here.",
            (Query(f"count({_sum('modelctl_release_weight')})", "models"),),
            kind="stat",
        ),
        Panel(
            "Requests",
            "A second, of all models; without copies.",
            (Query(f"sum(modelctl:requests:rate5m{{{_CHOSEN}}})", "requests"),),
            "reqps",
            kind="stat",
        ),
    )


def _wrong() -> tuple[Panel, ...]:
    return (
        Panel(
            "What is wrong",
            "Every alert that is on.",
            (Query(f"sum by (severity, alertname, model, release) ({_FIRING})", ""),),
            kind="table",
        ),
        Panel(
            "Promises in use",
            "Failed requests of an hour as a multiple of those that may fail; 1 is the promise.",
            (
                Query(
                    _top(
                        f"modelctl:errors:ratio_rate1h{{{_CHOSEN}}}"
                        " / on (namespace, model) group_left ()"
                        f" (modelctl_promised_error_rate{{{_CHOSEN}}} > 0)"
                    ),
                    _RELEASE,
                ),
            ),
        ),
        Panel(
            "Slow",
            "Share of the requests of an hour that were slower than promised; 1 % may be.",
            (Query(_top(f"modelctl:slow:ratio_rate1h{{{_CHOSEN}}}"), _RELEASE),),
            "percentunit",
        ),
    )


def _traffic() -> tuple[Panel, ...]:
    weight = f'modelctl_release_weight{{{_CHOSEN}, role="canary"}}'
    off = "modelctl:share:ratio_rate5m - on (namespace, model, release) group_left ()"
    git = f"sum by (namespace, model, release) (modelctl_release_weight{{{_CHOSEN}}}) / 100"
    return (
        Panel(
            "Busiest",
            "Requests a second.",
            (Query(_top(_sum("modelctl:requests:rate5m")), _MODEL),),
            "reqps",
        ),
        Panel(
            "Canaries",
            "Weight in git of releases that are not stable and have some.",
            (Query(f"{weight} > 0", _RELEASE),),
            "percent",
        ),
        Panel(
            "Furthest from git",
            "Distance of a measured share from its weight in git.",
            (Query(_top(f"abs({off} ({git}))"), _RELEASE),),
            "percentunit",
        ),
    )


def _pods() -> tuple[Panel, ...]:
    by = "model, release"
    limit = f'modelserver_request_limit{{{_CHOSEN}, limit="requests"}}'
    restarts = f'kube_pod_container_status_restarts_total{{{_CHOSEN}, container="server"}}'
    wanted = f"kube_deployment_spec_replicas{{{_CHOSEN}}}"
    ready = f"kube_deployment_status_replicas_ready{{{_CHOSEN}}}"
    return (
        Panel(
            "Fullest",
            "Requests at once as a share of max_inflight.",
            (
                Query(
                    _top(f"{_sum('modelserver_requests_in_flight', by)} / sum by ({by}) ({limit})"),
                    _RELEASE,
                ),
            ),
            "percentunit",
        ),
        Panel(
            "Pods that are wanted and not ready",
            "By Deployment.",
            (
                Query(
                    f"{wanted} - on (namespace, deployment) {ready} > 0",
                    "{{deployment}}",
                ),
            ),
        ),
        Panel(
            "Restarts in an hour",
            "By pod.",
            (Query(_top(f"increase({restarts}[1h]) > 0"), "{{pod}}"),),
        ),
    )


def _use() -> tuple[Panel, ...]:
    used = f'process_cpu_seconds_total{{{_CHOSEN}, model!=""}}'
    return (
        Panel(
            "Memory",
            "Of all pods of a model.",
            (Query(_top(_sum("process_resident_memory_bytes")), _MODEL),),
            "bytes",
        ),
        Panel(
            "Processors",
            "In use, by all pods of a model.",
            (
                Query(
                    _top(f"sum by (model) (rate({used}[$__rate_interval]))"),
                    _MODEL,
                ),
            ),
        ),
        Panel(
            "GPUs in use",
            "As DCGM says, of all in the cluster.",
            (Query("avg by (Hostname, gpu) (DCGM_FI_DEV_GPU_UTIL) / 100", "{{Hostname}} {{gpu}}"),),
            "percentunit",
            most=1,
        ),
    )


FLEET = Dashboard(
    UID,
    "Fleet of models",
    "All models: what is wrong, what is busy, what moves, what it takes.",
    (Variable("namespace", "label_values(modelctl_release_weight, namespace)", is_several=True),),
    (
        Row("Now", (*_numbers(), *_wrong())),
        Row("Traffic of models", _traffic()),
        Row("Resources", (*_pods(), *_use())),
    ),
)
"""All models of an environment."""
