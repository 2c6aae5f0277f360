"""The table of everything that can be measured, and how each is started."""

import json
from collections.abc import Callable, Sequence

from serving.bench.contestant import ROOT, Contestant, Launch, free_ports
from serving.bench.dialects import PLAIN, V2_BINARY, V2_JSON
from serving.bench.processes import Command
from serving.bench.servers.settings import BATCH_WAIT_S, MAX_BATCH

V2_PATH = "/v2/models/{model}/infer"
V2_READY = "/v2/health/ready"
RELEASE = "r1"
WAITING = f"up to {MAX_BATCH} requests, waits {BATCH_WAIT_S * 1000:g} ms"


def _modelserver(launch: Launch) -> Command:
    """As a pod starts it: metrics, request ids and a sampled log on, no artifact in the cache."""
    file = launch.file
    settings = {
        "MODEL": file.model.name,
        "RELEASE": RELEASE,
        "ARTIFACT_URI": f"file:{file.path.name}",
        "ARTIFACT_ROOT": str(file.path.parent),
        "ARTIFACT_SHA256": file.sha256,
        "ARTIFACT_BYTES": str(file.size_bytes),
        "CONTRACT": file.contract,
        "THREADS": "1",
        "BATCHING_MAX_SIZE": str(MAX_BATCH),
        "BATCHING_MAX_DELAY_MS": "0",
        "HOST": "127.0.0.1",
        "PORT": str(launch.port),
        "CACHE_DIR": str(launch.folder / "cache"),
        "DRAIN_DELAY_S": "0",
        "ACCESS_LOG_SAMPLE": "0.001",
    }
    environment = {f"MODELSERVER_{name}": value for name, value in settings.items()}
    if launch.workers == 1:
        return Command((str(launch.python), "-m", "modelserver"), environment)
    replicas = (str(launch.python), "-m", "serving.bench.servers.replicas", str(launch.workers))
    return Command(
        replicas, environment | {"MODELSERVER_SHARE_PORT": "true", "PYTHONPATH": str(ROOT)}
    )


def _naive(launch: Launch) -> Command:
    app = ("serving.bench.servers.naive:app", "--host", "127.0.0.1", "--port", str(launch.port))
    workers = ("--workers", str(launch.workers)) if launch.workers > 1 else ()
    return Command(
        (str(launch.python), "-m", "uvicorn", *app, "--no-access-log", *workers), told(launch)
    )


def _mlserver(launch: Launch, *, batching: bool) -> Command:
    ports = free_ports(2)
    parallel = launch.workers if launch.workers > 1 else 0
    settings = {
        "host": "127.0.0.1",
        "http_port": launch.port,
        "grpc_port": ports[0],
        "metrics_port": ports[1],
        "parallel_workers": parallel,
        "debug": False,
    }
    model = {
        "name": launch.file.model.name,
        "implementation": "serving.bench.servers.mlserver_runtime.OnnxRuntime",
        "max_batch_size": MAX_BATCH if batching else 0,
        "max_batch_time": BATCH_WAIT_S if batching else 0,
    }
    (launch.folder / "settings.json").write_text(json.dumps(settings))
    (launch.folder / "model-settings.json").write_text(json.dumps(model))
    tool = str(launch.python.with_name("mlserver"))
    return Command((tool, "start", str(launch.folder)), told(launch))


def _bentoml(launch: Launch) -> Command:
    tool = str(launch.python.with_name("bentoml"))
    service = "serving.bench.servers.bentoml_service:Predictor"
    where = ("--host", "127.0.0.1", "--port", str(launch.port))
    quiet = {"BENTOML_DO_NOT_TRACK": "1", "BENTOML_HOME": str(launch.folder / "home")}
    return Command((tool, "serve", service, *where), told(launch) | quiet)


def _module(name: str, *arguments: str, **environment: str) -> Callable[[Launch], Command]:
    """``python -m serving.bench.servers.<name>``; ``{port}`` and ``{folder}`` are filled in."""

    def command(launch: Launch) -> Command:
        known = {"port": launch.port, "folder": launch.folder}
        module = (str(launch.python), "-m", f"serving.bench.servers.{name}")
        filled = {key: value.format(**known) for key, value in environment.items()}
        return Command(
            (*module, *(each.format(**known) for each in arguments)), told(launch) | filled
        )

    return command


def told(launch: Launch) -> dict[str, str]:
    """What `serving.bench.servers.settings` reads."""
    return {
        "PYTHONPATH": str(ROOT),
        "BENCH_MODEL": launch.file.model.name,
        "BENCH_PATH": str(launch.file.path),
        "BENCH_PORT": str(launch.port),
        "BENCH_WORKERS": str(launch.workers),
        "BENCH_INPUT_SHAPE": ",".join(map(str, launch.file.model.input_shape)),
        "BENCH_CLASSES": str(launch.file.model.classes),
    }


OURS = Contestant(
    name="modelserver",
    title="**modelserver**",
    environment="",
    command=_modelserver,
    path=V2_PATH,
    ready_path=V2_READY,
    json=V2_JSON,
    binary=V2_BINARY,
    workers="replicas on one port",
    batching=f"up to {MAX_BATCH} rows, never waits",
)
NAIVE = Contestant(
    name="naive",
    title="naive FastAPI",
    environment="",
    command=_naive,
    path="/predict",
    ready_path="/docs",
    json=PLAIN,
    workers="uvicorn --workers",
)
PEERS = (
    Contestant(
        name="mlserver",
        title="MLServer",
        environment="mlserver",
        command=lambda launch: _mlserver(launch, batching=False),
        path=V2_PATH,
        ready_path=V2_READY,
        json=V2_JSON,
        workers="parallel_workers: one process speaks HTTP, the others run the model",
    ),
    Contestant(
        name="mlserver-batching",
        title="MLServer, batching",
        environment="mlserver",
        command=lambda launch: _mlserver(launch, batching=True),
        path=V2_PATH,
        ready_path=V2_READY,
        json=V2_JSON,
        workers="parallel_workers: one process speaks HTTP, the others run the model",
        batching=WAITING,
    ),
    Contestant(
        name="kserve",
        title="KServe SDK",
        environment="kserve",
        command=_module("kserve_model"),
        path=V2_PATH,
        ready_path=V2_READY,
        json=V2_JSON,
        binary=V2_BINARY,
        workers="workers: whole servers on one socket",
    ),
    Contestant(
        name="bentoml",
        title="BentoML",
        environment="bentoml",
        command=_bentoml,
        path="/predict",
        ready_path="/readyz",
        json=PLAIN,
        workers="workers of the service, one API server in front",
        batching=f"adaptive, up to {MAX_BATCH} rows, its default longest latency",
    ),
    Contestant(
        name="litserve",
        title="LitServe",
        environment="litserve",
        command=_module("litserve_api"),
        path="/predict",
        ready_path="/health",
        json=PLAIN,
        workers="workers_per_device",
        batching=WAITING,
    ),
    Contestant(
        name="ray",
        title="Ray Serve",
        environment="ray",
        command=_module("ray_deployment", RAY_USAGE_STATS_ENABLED="0"),
        path="/",
        ready_path="/-/healthz",
        json=PLAIN,
        workers="num_replicas behind its proxy",
        batching=WAITING,
    ),
    Contestant(
        name="pytriton",
        title="pytriton (Triton)",
        environment="pytriton",
        command=_module("pytriton_model", PYTRITON_HOME="{folder}/home"),
        path=V2_PATH,
        ready_path=V2_READY,
        json=V2_JSON,
        binary=V2_BINARY,
        workers="several inference functions behind Triton",
        batching=f"up to {MAX_BATCH} rows, never waits",
    ),
    Contestant(
        name="mosec",
        title="mosec",
        environment="mosec",
        command=_module("mosec_worker", "--address", "127.0.0.1", "--port", "{port}"),
        path="/inference",
        ready_path="/",
        json=PLAIN,
        workers="num of the worker, one Rust process in front",
        batching=WAITING,
    ),
)


def chosen(peers: Sequence[str]) -> tuple[Contestant, ...]:
    """Our server, the naive application and the named peers."""
    return (OURS, NAIVE, *(peer for peer in PEERS if peer.name in peers))
