"""crictl: what the container runtime says about itself."""

import json
import tomllib

from . import calls
from .containerd import ADDRESS, IMAGES, RUNTIME


def _info() -> str:
    merged = tomllib.loads((calls.VOLATILE / "containerd.toml").read_text())
    conditions = [
        {"type": "RuntimeReady", "status": True},
        {"type": "NetworkReady", "status": True},
    ]
    plugins = merged["plugins"]
    config = {"cgroupDriver": "systemd", **plugins[RUNTIME], "images": plugins[IMAGES]}
    return json.dumps({"status": {"conditions": conditions}, "config": config}, indent=1)


def main() -> None:
    """Answer one call."""
    arguments = [word for word in calls.log("crictl") if not word.startswith("-")]
    if not ADDRESS.exists():
        calls.fail(f'validate CRI v1 runtime API: dial "unix://{ADDRESS}": no such file')
    match arguments:
        case ["version", *_]:
            installed = calls.version("containerd.io")
            calls.out(f"Version:  0.1.0\nRuntimeName:  containerd\nRuntimeVersion:  v{installed}")
        case ["info", *_]:
            calls.out(_info())
        case ["images" | "ps" | "pods", *_]:
            calls.out(json.dumps({"images": [], "containers": [], "items": []}))
        case _:
            calls.out("")


if __name__ == "__main__":
    main()
