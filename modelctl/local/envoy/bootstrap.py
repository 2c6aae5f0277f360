"""Envoy's fixed configuration: where it listens, and which files tell it the rest.

Every dynamic resource comes from a file in one folder, replaced by a rename, which Envoy sees
through inotify: listener, clusters, endpoints (one file a cluster) and routes.

Source: Envoy v3 API; xDS from the file system.
"""

from pathlib import Path

from modelctl.local.envoy import grpc
from modelctl.local.envoy.config import ROUTES, Json, config_source, socket_address

_TYPE = "type.googleapis.com/envoy."  # begins the name of every type in Envoy's API
# Fine enough between 1 ms and 1 s that an interpolated percentile is worth showing; milliseconds.
_LATENCY_BUCKETS_MS = (
    *(0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 10, 12, 15, 20, 25, 30, 40, 50, 65, 80, 100),
    *(130, 160, 200, 250, 300, 400, 500, 700, 1000, 2000, 5000, 10000, 30000, 60000),
)
# Beginnings of the statistics that Envoy keeps; without a list it keeps thousands.
_STATS = ("cluster.", "cluster_manager.", "http.models.", "listener_manager.", "server.")
# Read-only pages: any process on the machine can reach the administration port, and Envoy's
# full one could be told to quit.
_ADMIN_PAGES = ("/ready", "/stats", "/clusters")


def bootstrap(folder: Path) -> Json:
    """The file that Envoy is started with; `folder` holds the dynamic resources."""
    return {
        "node": {"id": "modelctl-up", "cluster": "models"},
        "admin": {
            "address": socket_address(0),
            "allow_paths": [{"prefix": page} for page in _ADMIN_PAGES],
        },
        "dynamic_resources": {
            "lds_config": config_source(folder, "listeners"),
            "cds_config": config_source(folder, "clusters"),
        },
        "stats_flush_interval": "1s",
        "stats_config": {
            "stats_matcher": {
                "inclusion_list": {"patterns": [{"prefix": prefix} for prefix in _STATS]}
            },
            "histogram_bucket_settings": [
                {"match": {"prefix": "cluster."}, "buckets": list(_LATENCY_BUCKETS_MS)}
            ],
        },
    }


def listener(folder: Path, port: int) -> Json:
    """The listener for predictions on 127.0.0.1."""
    manager = _TYPE + "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
    router = _TYPE + "extensions.filters.http.router.v3.Router"
    return {
        "@type": _TYPE + "config.listener.v3.Listener",
        "name": ROUTES,
        "address": socket_address(port),
        # A shared port would let a second Envoy take half of the connections unseen.
        "enable_reuse_port": False,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": {
                            "@type": manager,
                            "stat_prefix": ROUTES,
                            "rds": {
                                "route_config_name": ROUTES,
                                "config_source": config_source(folder, "routes"),
                            },
                            **_connection_settings(),
                            "http_filters": [
                                grpc.bridge(),
                                {
                                    "name": "envoy.filters.http.router",
                                    "typed_config": {"@type": router},
                                },
                            ],
                        },
                    }
                ]
            }
        ],
    }


def _connection_settings() -> Json:
    """Connections: paths are normalised before they are matched, answers have a request id."""
    return {
        "use_remote_address": True,
        "preserve_external_request_id": True,
        "always_set_request_id_in_response": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_REDIRECT",
        "local_reply_config": {
            "mappers": [grpc.own_answers()],
            "body_format": {
                "json_format": {
                    "error": "%LOCAL_REPLY_BODY%",
                    "request_id": "%REQ(x-request-id)%",
                }
            },
        },
    }
