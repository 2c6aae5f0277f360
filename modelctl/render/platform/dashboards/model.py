"""The dashboard of one model: what its releases were told to do, and what they do."""

from modelctl.render.platform.dashboards.dashboard import Dashboard, Variable
from modelctl.render.platform.dashboards.panel import Panel, Query, Row

UID = "modelctl-model"
_CHOSEN = 'model="$model", release=~"$release"'
_POD = 'pod=~"$model-($release)-[a-z0-9]+-[a-z0-9]+"'
_EXPORTED_POD = f"exported_{_POD}"  # where the scrape of an exporter keeps its own labels apart
_RELEASE_OF_POD = '"release", "$1", "pod", "$model-(.+)-[a-z0-9]+-[a-z0-9]+"'
_RELEASE_OF_DEPLOYMENT = '"release", "$1", "deployment", "$model-(.+)"'


def _rate(name: str, *matchers: str) -> str:
    return f"rate({name}{{{', '.join((_CHOSEN, *matchers))}}}[$__rate_interval])"


def _quantile(share: float, step: str, *matchers: str) -> str:
    buckets = _rate(f"modelserver_{step}_duration_seconds_bucket", *matchers)
    return f"histogram_quantile({share}, sum by (release, le) ({buckets}))"


def _by_release(function: str, series: str) -> str:
    return f"{function} by (release) ({series}{{{_CHOSEN}}})"


def _of_pods(name: str, *matchers: str) -> str:
    found = f"{name}{{{', '.join((_POD, *matchers))}}}"
    return f"label_replace({found}, {_RELEASE_OF_POD})"


def _of_deployments(name: str) -> str:
    found = f'{name}{{deployment=~"$model-($release)"}}'
    return f"max by (release) (label_replace({found}, {_RELEASE_OF_DEPLOYMENT}))"


def _gpu(name: str) -> str:
    return f"{name}{{{_POD}}} or {name}{{{_EXPORTED_POD}}}"


def _share() -> Panel:
    return Panel(
        "Share in git and measured",
        "Weights as git has them, dashed, and the shares of the requests that were shared out.",
        (
            Query(
                f"sum by (release) (modelctl_release_weight{{{_CHOSEN}}}) / 100",
                "{{release}} in git",
            ),
            Query(f"modelctl:share:ratio_rate5m{{{_CHOSEN}}}"),
        ),
        "percentunit",
        dashed=" in git",
        most=1,
    )


def _errors() -> Panel:
    return Panel(
        "Failed",
        "Share of the requests of 5 minutes that were answered 5xx, and what was promised.",
        (
            Query(f"modelctl:errors:ratio_rate5m{{{_CHOSEN}}}"),
            Query('modelctl_promised_error_rate{model="$model"}', "promised"),
        ),
        "percentunit",
        dashed="promised",
    )


def _latency(percent: int) -> Panel:
    served = 'role!="shadow"'
    promised = Query('modelctl_promised_p99_seconds{model="$model"}', "promised")
    return Panel(
        f"Latency, {percent} % are quicker",
        "From a request's headers to its answer, as the server measures it.",
        (
            Query(_quantile(percent / 100, "request", served)),
            *((promised,) if percent == 99 else ()),  # noqa: PLR2004 - the promise is of that one
        ),
        "s",
        dashed="promised",
    )


def _traffic() -> tuple[Panel, ...]:
    return (
        _share(),
        Panel(
            "Requests",
            "A second, by release; without copies.",
            (Query(f"modelctl:requests:rate5m{{{_CHOSEN}}}"),),
            "reqps",
        ),
        _errors(),
        *map(_latency, (50, 90, 99)),
        Panel(
            "Slower than promised",
            "Share of the requests of 5 minutes past the bound that counts as too slow.",
            (Query(f"modelctl:slow:ratio_rate5m{{{_CHOSEN}}}"),),
            "percentunit",
        ),
        Panel(
            "Answers by status",
            "A second. 499 are callers who went away.",
            (
                Query(
                    f"sum by (release, code) ({_rate('modelserver_requests_total')})",
                    "{{release}} {{code}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Requests by role",
            "A second: shared out by weight, sent to a release by name, copies.",
            (
                Query(
                    f"sum by (release, role) ({_rate('modelserver_requests_total')})",
                    "{{release}} {{role}}",
                ),
            ),
            "reqps",
        ),
    )


def _runs() -> tuple[Panel, ...]:
    limit = f'modelserver_request_limit{{{_CHOSEN}, limit="requests"}}'
    return (
        Panel(
            "Saturation",
            "Requests at once as a share of max_inflight; at 100 % the server answers 503.",
            (
                Query(
                    f"{_by_release('sum', 'modelserver_requests_in_flight')}"
                    f" / sum by (release) ({limit})"
                ),
            ),
            "percentunit",
            most=1,
        ),
        Panel(
            "Wait for the model",
            "99 % of the requests waited less for their run.",
            (Query(_quantile(0.99, "queue")),),
            "s",
        ),
        Panel(
            "Run of the model",
            "99 % of the runs took less.",
            (Query(_quantile(0.99, "compute")),),
            "s",
        ),
    )


def _queue() -> tuple[Panel, ...]:
    rows = _rate("modelserver_batch_rows_sum"), _rate("modelserver_batch_rows_count")
    return (
        Panel(
            "Rows in a run",
            "Mean batch size.",
            (Query(f"sum by (release) ({rows[0]}) / sum by (release) ({rows[1]})"),),
        ),
        Panel(
            "Turned away",
            "A second, by reason: not ready, too many at once, too many bytes.",
            (
                Query(
                    f"sum by (release, reason) ({_rate('modelserver_requests_rejected_total')})",
                    "{{release}} {{reason}}",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Waiting",
            "Requests that wait for the model now.",
            (Query(_by_release("sum", "modelserver_queue_depth")),),
        ),
    )


def _pods() -> tuple[Panel, ...]:
    restarts = _of_pods("kube_pod_container_status_restarts_total", 'container="server"')
    return (
        Panel(
            "Ready pods",
            "Ready, and wanted, dashed.",
            (
                Query(_of_deployments("kube_deployment_status_replicas_ready")),
                Query(_of_deployments("kube_deployment_spec_replicas"), "{{release}} wanted"),
            ),
            dashed=" wanted",
        ),
        Panel(
            "Restarts", "Of all pods that are there.", (Query(f"sum by (release) ({restarts})"),)
        ),
    )


def _use() -> tuple[Panel, ...]:
    limit = f'modelserver_memory_plan_bytes{{{_CHOSEN}, part="limit"}}'
    return (
        Panel(
            "Memory of a pod",
            "The largest pod, and what it may take, dashed.",
            (
                Query(_by_release("max", "process_resident_memory_bytes")),
                Query(f"max by (release) ({limit})", "{{release}} limit"),
            ),
            "bytes",
            dashed=" limit",
        ),
        Panel(
            "Processors",
            "In use, by all pods of a release.",
            (Query(f"sum by (release) ({_rate('process_cpu_seconds_total')})"),),
        ),
        Panel(
            "GPU in use",
            "As DCGM says, by pod; nothing where a release has none.",
            (Query(f"({_gpu('DCGM_FI_DEV_GPU_UTIL')}) / 100", "{{exported_pod}}{{pod}} {{gpu}}"),),
            "percentunit",
            most=1,
        ),
        Panel(
            "GPU memory",
            "As DCGM says, by pod, in bytes.",
            (
                Query(
                    f"({_gpu('DCGM_FI_DEV_FB_USED')}) * 1048576", "{{exported_pod}}{{pod}} {{gpu}}"
                ),
            ),
            "bytes",
        ),
    )


def _gateway() -> tuple[Panel, ...]:
    cluster = 'envoy_cluster_name=~"httproute/[^/]+/$model(-grpc)?/rule/[0-9]+"'
    answers = f"rate(envoy_cluster_upstream_rq_xx{{{cluster}}}[$__rate_interval])"
    return (
        Panel(
            "Answers that the gateway gave",
            "A second, by class of status, of all releases: with those that no server saw.",
            (
                Query(
                    f"sum by (envoy_response_code_class) ({answers})",
                    "{{envoy_response_code_class}}xx",
                ),
            ),
            "reqps",
        ),
        Panel(
            "Alerts",
            "That are on, by release.",
            (
                Query(
                    'sum by (alertname, release) (ALERTS{model="$model", alertstate="firing"})',
                    "{{alertname}} {{release}}",
                ),
            ),
        ),
    )


MODEL = Dashboard(
    UID,
    "Model",
    "One model by release: share in git and measured, rate, errors, latency, what it takes.",
    (
        Variable("model", "label_values(modelctl_release_weight, model)"),
        Variable(
            "release",
            'label_values(modelctl_release_weight{model="$model"}, release)',
            is_several=True,
        ),
    ),
    (
        Row("Traffic", _traffic()),
        Row("Server", (*_runs(), *_queue())),
        Row("Pods", (*_pods(), *_use())),
        Row("Gateway and alerts", _gateway()),
    ),
)
"""One model."""
