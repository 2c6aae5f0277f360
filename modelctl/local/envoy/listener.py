"""Envoy's bootstrap, and its listener: where it answers, what callers may send.

Every other resource comes from one file of its kind, replaced by a rename, which Envoy sees through
inotify: three in all, however many models there are.

Source: Envoy v3 API, xDS from the file system; Envoy Gateway 1.9, its translator's listener.go.
"""

from pathlib import Path

from modelctl.gateway.values import ClientPolicy
from modelctl.local.envoy.clusters import socket_address
from modelctl.local.envoy.policies import OVERRIDES, RATE_LIMIT, TYPE, Json, seconds
from modelctl.local.envoy.routes import ROUTES

ZONE = "here"  # this Envoy's own: with it, Envoy counts by the zone of the endpoint
# Fine enough between 1 ms and 1 s that an interpolated percentile is worth showing; milliseconds.
_LATENCY_BUCKETS_MS = (
    *(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 65, 80, 100),
    *(130, 160, 200, 250, 300, 400, 500, 700, 1000, 2000, 5000, 10000, 30000, 60000),
)
# The statistics that Envoy keeps; without a list it keeps thousands, and each read costs time.
_STATS = (
    r"cluster\..*\.zone\..*\.upstream_rq_(completed|4xx|5xx|time)",
    r"cluster_manager\.(cds\.(version_text|update_rejected)|warming_clusters)",
    r"http\.models\.(rds\.models\.(version_text|update_rejected)|downstream_(rq|cx)_active)",
    r"listener_manager\.(lds\.(version_text|update_rejected)|total_listeners_active)",
    r"server\.(live|uptime)",
)
# Read-only pages: any process on the machine can reach the administration port, and Envoy's full
# one could be told to quit.
_ADMIN_PAGES = ("/ready", "/stats")
# What Envoy Gateway writes where a policy says nothing.
_BUFFER_LIMIT_BYTES = 32768
_MAX_STREAMS = 100
_STREAM_WINDOW_BYTES = 65536
_CONNECTION_WINDOW_BYTES = 1048576
_UNDERSCORES = {
    "Allow": "ALLOW",
    "RejectRequest": "REJECT_REQUEST",
    "DropHeader": "DROP_HEADER",
}
_SLASHES = {
    "KeepUnchanged": "KEEP_UNCHANGED",
    "RejectRequest": "REJECT_REQUEST",
    "UnescapeAndForward": "UNESCAPE_AND_FORWARD",
    "UnescapeAndRedirect": "UNESCAPE_AND_REDIRECT",
}


def bootstrap(folder: Path) -> Json:
    """The file that Envoy is started with; `folder` holds the watched files."""
    return {
        "node": {"id": "modelctl-up", "cluster": "models"},
        "admin": {
            "address": socket_address(0),
            "allow_paths": [{"prefix": page} for page in _ADMIN_PAGES],
        },
        "dynamic_resources": {
            "lds_config": _config_source(folder, "listeners"),
            "cds_config": _config_source(folder, "clusters"),
        },
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {"patterns": [{"safe_regex": {"regex": s}} for s in _STATS]}
            },
            "histogram_bucket_settings": [
                {"match": {"prefix": "cluster."}, "buckets": list(_LATENCY_BUCKETS_MS)}
            ],
        },
    }


def listener(folder: Path, port: int, clients: ClientPolicy) -> Json:
    """The listener for predictions on 127.0.0.1."""
    return {
        "@type": TYPE + "config.listener.v3.Listener",
        "name": ROUTES,
        "address": socket_address(port),
        # A shared port would let a second Envoy take half of the connections unseen.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": clients.buffer_limit_bytes or _BUFFER_LIMIT_BYTES,
        "filter_chains": [{"filters": [*_connections(clients), _manager(folder, clients)]}],
    }


def _connections(clients: ClientPolicy) -> list[Json]:
    """The filter that bounds how many connections are open at once."""
    if clients.connection_limit is None:
        return []
    config = TYPE + "extensions.filters.network.connection_limit.v3.ConnectionLimit"
    return [
        {
            "name": "envoy.filters.network.connection_limit",
            "typed_config": {
                "@type": config,
                "stat_prefix": ROUTES,
                "max_connections": clients.connection_limit,
            },
        }
    ]


def _manager(folder: Path, clients: ClientPolicy) -> Json:
    manager = TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": manager,
            "stat_prefix": ROUTES,
            "rds": {"route_config_name": ROUTES, "config_source": _config_source(folder, "routes")},
            "http_filters": _filters(),
            **_requests(clients),
            **_timeouts(clients),
        },
    }


def _requests(clients: ClientPolicy) -> Json:
    """What is taken, and what is made of it: paths are normalised before they are matched."""
    windows = {
        "max_concurrent_streams": clients.max_concurrent_streams or _MAX_STREAMS,
        "initial_stream_window_size": clients.initial_stream_window_bytes or _STREAM_WINDOW_BYTES,
        "initial_connection_window_size": (
            clients.initial_connection_window_bytes or _CONNECTION_WINDOW_BYTES
        ),
    }
    part: Json = {
        "use_remote_address": True,
        "server_header_transformation": "PASS_THROUGH",
        "normalize_path": True,
        "merge_slashes": clients.merge_slashes,
        "path_with_escaped_slashes_action": _SLASHES[clients.escaped_slashes],
        "generate_request_id": clients.request_id in {"Generate", "PreserveOrGenerate"},
        "preserve_external_request_id": clients.request_id in {"Preserve", "PreserveOrGenerate"},
        "http2_protocol_options": windows,
        "common_http_protocol_options": {
            "headers_with_underscores_action": _UNDERSCORES[clients.underscores],
            **({"idle_timeout": seconds(idle)} if (idle := clients.idle_timeout_s) else {}),
        },
    }
    if clients.removed_headers:
        mutation = TYPE + "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation"
        removed = [{"remove": name} for name in clients.removed_headers]
        part["early_header_mutation_extensions"] = [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {"@type": mutation, "mutations": removed},
            }
        ]
    return part


def _timeouts(clients: ClientPolicy) -> Json:
    bounds = {
        "request_timeout": clients.request_timeout_s,
        "request_headers_timeout": clients.headers_timeout_s,
        "stream_idle_timeout": clients.stream_idle_timeout_s,
    }
    return {name: seconds(bound) for name, bound in bounds.items() if bound is not None}


def _filters() -> list[Json]:
    """The bridge for gRPC, what routes may turn on, and the router."""
    kinds = {
        OVERRIDES: "custom_response.v3.CustomResponse",
        RATE_LIMIT: "local_ratelimit.v3.LocalRateLimit",
        "envoy.filters.http.router": "router.v3.Router",
    }
    settings: dict[str, Json] = {
        RATE_LIMIT: {"stat_prefix": ROUTES},
        "envoy.filters.http.router": {"suppress_envoy_headers": True},
    }
    return [
        _bridge(),
        *(
            {
                "name": name,
                "typed_config": {
                    "@type": f"{TYPE}extensions.filters.http.{kind}",
                    **settings.get(name, {}),
                },
            }
            for name, kind in kinds.items()
        ),
    ]


def _bridge() -> Json:
    """The filter through which unary calls of gRPC reach servers that speak HTTP/1.1 alone.

    A message keeps its frame, and the content type stays what it is: with other settings Envoy
    loses some errors.
    """
    config = TYPE + "extensions.filters.http.grpc_http1_reverse_bridge.v3.FilterConfig"
    return {
        "name": "envoy.filters.http.grpc_http1_reverse_bridge",
        "typed_config": {
            "@type": config,
            "content_type": "application/grpc",
            "withhold_grpc_frames": False,
        },
    }


def _config_source(folder: Path, name: str) -> Json:
    """Where Envoy reads a resource: `<folder>/<name>.json`, again after every rename onto it."""
    return {
        "resource_api_version": "V3",
        "path_config_source": {"path": str(folder / f"{name}.json")},
        "initial_fetch_timeout": "2s",
    }
