"""Small images that are made without a network, and how skopeo finds them on loopback."""

import gzip
import hashlib
import io
import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker.distribution.manifest"


def skopeo(*words: str) -> bytes:
    """Output of skopeo against a registry without TLS."""
    command = ["skopeo", *words]
    done = subprocess.run(command, check=True, capture_output=True)
    return done.stdout


def image(layout: Path) -> None:
    """Write an OCI layout with one image for amd64 and one for arm64, below one index."""
    manifests = [_manifest(layout, machine) for machine in ("amd64", "arm64")]
    told = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": manifests}
    index = _blob(layout, json.dumps(told).encode(), f"{OCI}.index.v1+json")
    index["annotations"] = {"org.opencontainers.image.ref.name": "made"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')


def _manifest(layout: Path, machine: str) -> dict[str, Any]:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("machine")
        entry.size = len(machine)
        archive.addfile(entry, io.BytesIO(machine.encode()))
    plain = stream.getvalue()
    layer = _blob(layout, gzip.compress(plain, mtime=0), f"{OCI}.layer.v1.tar+gzip")
    of_layers = {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]}
    settings = {"architecture": machine, "os": "linux", "config": {}, "rootfs": of_layers}
    config = _blob(layout, json.dumps(settings).encode(), f"{OCI}.config.v1+json")
    kind = f"{OCI}.manifest.v1+json"
    told = {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]}
    platform = {"platform": {"architecture": machine, "os": "linux"}}
    return _blob(layout, json.dumps(told).encode(), kind) | platform


def _blob(layout: Path, content: bytes, kind: str) -> dict[str, Any]:
    digest = hashlib.sha256(content).hexdigest()
    path = layout / "blobs" / "sha256" / digest
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def redirected(folder: Path, address: str, *hosts: str) -> dict[str, str]:
    """Environment in which skopeo asks a registry on loopback for the images of `hosts`."""
    lines = [
        f'[[registry]]\nprefix = "{host}"\nlocation = "{address}/{host}"\ninsecure = true\n'
        for host in hosts
    ]
    path = folder / ".config" / "containers" / "registries.conf"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(lines))
    return {"HOME": str(folder)}
