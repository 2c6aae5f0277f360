"""Serve a cluster's API until told to stop: on a TCP port with TLS, and on a unix socket.

    python -m roles.cluster --folder DIR [--port N] [--nodes a,b,c] [--version v1.36.4]

Leaves in DIR: `api.sock`, `ca.crt`, `admin.crt`, `admin.key`, `kubeconfig`, `ready` (the port),
and in `bin` etcd and etcdctl of this machine, for the etcd of the nodes. Says the port on stdout
once it answers. Without `--nodes` there is no control plane until somebody runs `kubeadm init`.
"""

import argparse
import asyncio
import contextlib
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from uvicorn.protocols.http.h11_impl import H11Protocol

from .app import Double, build
from .certificates import Authority
from .controllers import Controllers
from .store import Store, Write

Json = Any
INFO = (
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "operatingSystem",
    "osImage",
    "systemUUID",
)


class Identified(H11Protocol):
    """HTTP over TLS that tells the application whether the client has a certificate."""

    def connection_made(self, transport: Json) -> None:
        """Note the client's certificate."""
        super().connection_made(transport)
        is_socket = transport.get_extra_info("socket").family == socket.AF_UNIX
        trusted = is_socket or bool(transport.get_extra_info("peercert"))
        inner = self.app

        async def identified(scope: Json, receive: Json, send: Json) -> None:
            about = {"modelctl.trusted": trusted, "modelctl.socket": is_socket}
            await inner({**scope, **about}, receive, send)

        self.app = identified


class Server(uvicorn.Server):
    """A server that leaves signals to the process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: two servers share this process."""
        yield


def _kubeconfig(folder: Path, port: int) -> None:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": "double",
                "cluster": {
                    "server": f"https://127.0.0.1:{port}",
                    "certificate-authority": str(folder / "ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": "admin",
                "user": {
                    "client-certificate": str(folder / "admin.crt"),
                    "client-key": str(folder / "admin.key"),
                },
            }
        ],
        "contexts": [{"name": "double", "context": {"cluster": "double", "user": "admin"}}],
        "current-context": "double",
    }
    (folder / "kubeconfig").write_text(yaml.safe_dump(document, sort_keys=False))


def _prepare(folder: Path, options: argparse.Namespace) -> Double:
    authority = Authority(folder)
    authority.sign("server", "kube-apiserver")
    authority.sign("admin", "kubernetes-admin", "system:masters")
    (folder / "bin").mkdir(exist_ok=True)
    for program in filter(None, map(shutil.which, ("etcd", "etcdctl"))):
        shutil.copy(program, folder / "bin")
    store = Store(version=options.version)
    names = [name for name in options.nodes.split(",") if name]
    if names:
        store.start()
    for name in names:
        info = dict.fromkeys(INFO, "") | {"kubeletVersion": options.version, "machineID": name}
        body = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": name},
            "status": {"conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": info},
        }
        store.create(store.kinds["", "v1", "nodes"], "", body, Write("kubelet"))
    keys = {name: (folder / name).read_text() for name in ("ca.crt", "ca.key")}
    return Double(store, Controllers(store), keys)


async def _serve(folder: Path, options: argparse.Namespace) -> None:
    app = build(_prepare(folder, options))
    listener = socket.create_server(("127.0.0.1", options.port))
    path = folder / "api.sock"
    path.unlink(missing_ok=True)
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(str(path))
    path.chmod(0o666)
    common: dict[str, Any] = {
        "app": app,
        "log_level": "warning",
        "lifespan": "off",
        "http": Identified,
        "access_log": False,
        "timeout_graceful_shutdown": 1,
    }
    tls = uvicorn.Config(
        **common,
        ssl_certfile=folder / "server.crt",
        ssl_keyfile=folder / "server.key",
        ssl_ca_certs=str(folder / "ca.crt"),
        ssl_cert_reqs=ssl.CERT_OPTIONAL,
    )
    servers = [Server(tls), Server(uvicorn.Config(**common))]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: [setattr(s, "should_exit", True) for s in servers])
    port = listener.getsockname()[1]
    _kubeconfig(folder, port)
    tasks = [
        asyncio.create_task(server.serve(sockets=[own]))
        for server, own in zip(servers, (listener, local), strict=True)
    ]
    while not all(server.started for server in servers):  # noqa: ASYNC110 - uvicorn has no event
        await asyncio.sleep(0.02)
    (folder / "ready").write_text(f"{port}\n")
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await asyncio.gather(*tasks)


def main() -> None:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m roles.cluster", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--nodes", default="")
    parser.add_argument("--version", default="v1.36.4")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    (options.folder / "ready").unlink(missing_ok=True)
    asyncio.run(_serve(options.folder.resolve(), options))


if __name__ == "__main__":
    main()
