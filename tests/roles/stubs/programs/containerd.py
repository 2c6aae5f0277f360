"""containerd: its version, its merged configuration, and a service that refuses a bad one."""

import glob
import os
import signal
import socket
import tomllib
from pathlib import Path
from typing import Any

from . import calls, toml

CONFIG = Path(os.environ.get("STUB_CONTAINERD_CONFIG", "/etc/containerd/config.toml"))
ADDRESS = Path("/run/containerd/containerd.sock")
RUNTIME = "io.containerd.cri.v1.runtime"
IMAGES = "io.containerd.cri.v1.images"


def newest_config(installed: str) -> int:
    """The configuration version that this containerd writes."""
    major, number = calls.minor(installed)
    if (major, number) >= (2, 3):
        return 4
    return 3 if major >= 2 else 2


def defaults(installed: str) -> dict[str, Any]:
    """What `containerd config default` holds, as far as roles read it."""
    runc = {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": False}}
    runtime = {
        "enable_cdi": True,
        "cdi_spec_dirs": ["/etc/cdi", "/var/run/cdi"],
        "containerd": {"default_runtime_name": "runc", "runtimes": {"runc": runc}},
        "cni": {"bin_dirs": ["/opt/cni/bin"], "conf_dir": "/etc/cni/net.d"},
    }
    images = {
        "snapshotter": "overlayfs",
        "max_concurrent_downloads": 3,
        "pinned_images": {"sandbox": "registry.k8s.io/pause:3.10.1"},
        "registry": {"config_path": "/etc/containerd/certs.d:/etc/docker/certs.d"},
    }
    return {
        "version": newest_config(installed),
        "root": "/var/lib/containerd",
        "state": "/run/containerd",
        "disabled_plugins": [],
        "required_plugins": [],
        "imports": ["/etc/containerd/conf.d/*.toml"],
        "grpc": {"address": str(ADDRESS)},
        "plugins": {RUNTIME: runtime, IMAGES: images},
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except tomllib.TOMLDecodeError as error:
        calls.fail(f"containerd: failed to load TOML from {path}: toml: {error}")


def _checked(table: dict[str, Any], path: Path) -> dict[str, Any]:
    runtimes = table.get("plugins", {}).get(RUNTIME, {}).get("containerd", {}).get("runtimes", {})
    for name, runtime in runtimes.items():
        cgroup = runtime.get("options", {}).get("SystemdCgroup", False)
        if not isinstance(cgroup, bool):
            calls.fail(f"containerd: {path}: runtime {name}: SystemdCgroup is not a boolean")
    return table


def configuration(installed: str, path: Path = CONFIG) -> dict[str, Any]:
    """The root file and every file that it imports, merged over the defaults."""
    root = _checked(_read(path), path) if path.exists() else {}
    version = root.get("version", newest_config(installed) if not root else 1)
    if root.get("disabled_plugins") == ["cri"] and "version" not in root:
        version = newest_config(installed)
    if version > newest_config(installed):
        calls.fail(
            f"containerd: expected containerd config version equal to or less than "
            f"`{newest_config(installed)}`, got `{version}`"
        )
    merged = toml.merge(defaults(installed), root)
    for pattern in root.get("imports", defaults(installed)["imports"] if not root else []):
        for name in sorted(glob.glob(str(path.parent / pattern))):  # noqa: PTH207 - patterns are absolute or relative
            drop_in = _checked(_read(Path(name)), Path(name))
            found = drop_in.get("version", 1)
            if found > version:
                calls.fail(
                    f"containerd: failed to load config {name}: its version {found} is "
                    f"higher than version {version} of {path}"
                )
            merged = toml.merge(merged, {k: v for k, v in drop_in.items() if k != "version"})
    return toml.merge(merged, {"version": newest_config(installed)})


def serve(installed: str) -> None:
    """Hold containerd's socket until told to stop."""
    merged = configuration(installed)
    calls.VOLATILE.mkdir(parents=True, exist_ok=True)
    (calls.VOLATILE / "containerd.toml").write_text(toml.dump(merged))
    ADDRESS.parent.mkdir(parents=True, exist_ok=True)
    ADDRESS.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(ADDRESS))
        listener.listen()
        calls.notify_ready()
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    ADDRESS.unlink(missing_ok=True)


def main() -> None:
    """Answer one call."""
    match calls.log("containerd"):
        case ["--version" | "-v"]:
            installed = calls.version("containerd.io")
            calls.out(
                f"containerd containerd.io v{installed} 0000000000000000000000000000000000000000"
            )
        case ["config", "default"]:
            calls.out(toml.dump(defaults(calls.version("containerd.io"))))
        case ["config", "dump"]:
            calls.out(toml.dump(configuration(calls.version("containerd.io"))))
        case ["--config", path, "config", "dump"]:
            calls.out(toml.dump(configuration(calls.version("containerd.io"), Path(path))))
        case []:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
            serve(calls.version("containerd.io"))
        case other:
            calls.fail(f"containerd: unknown command {' '.join(other)}")


if __name__ == "__main__":
    main()
