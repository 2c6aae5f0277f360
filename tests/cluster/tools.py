"""Programs of Kubernetes and Envoy Gateway for tests, built from the Go modules pinned beside this.

`make cluster-tools` builds them, once for each content of `go.sum`; no user needs any of them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
# Name of the program and the package that it is built from; `go.mod` lists each as a tool.
PACKAGES = {"egctl": "github.com/envoyproxy/gateway/cmd/egctl"}


def folder() -> Path:
    """Where the programs of the present pins lie."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    pins = hashlib.sha256()
    for name in ("go.mod", "go.sum"):
        pins.update((_HERE / name).read_bytes())
    return cache / "modelctl" / "cluster-tools" / pins.hexdigest()[:16]


def find(name: str) -> Path | None:
    """A program, or None where it has not been built."""
    built = folder() / name
    return built if built.is_file() else None


def build() -> int:
    """Build what is missing; 0 once all of it is there."""
    go = shutil.which("go")
    if go is None:
        print("found no Go, expected version 1.26 or newer: install it from https://go.dev/dl")
        return 1
    folder().mkdir(parents=True, exist_ok=True)
    for name, package in PACKAGES.items():
        if find(name) is None:
            print(f"building {name} from {package}", flush=True)
            made = folder() / f"{name}.new"
            command = [go, "build", "-trimpath", "-ldflags", "-s -w", "-o", str(made), package]
            subprocess.run(command, cwd=_HERE, check=True)
            made.rename(folder() / name)
    print(folder())
    return 0


if __name__ == "__main__":
    sys.exit(build())
