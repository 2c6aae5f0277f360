"""Images of a bundle: where each comes from, where it lies, what its digest is."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .faults import BundleError
from .fetch import write

FOLDER = "images"
LIST = f"{FOLDER}/images.json"
_REFERENCE = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9.-]*(?::[0-9]+(?=/))?(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)
_RETRY = ("--retry-times", "3")
Skopeo = Callable[..., bytes]


@dataclass(frozen=True)
class Reference:
    """An image's full name, with its tag, its digest or both."""

    name: str
    tag: str
    digest: str

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@sha256:{self.digest}" if self.digest else "")

    def at(self, digest: str) -> str:
        """Name by which skopeo asks the image's own registry for a digest."""
        return f"docker://{self.name}@sha256:{digest}"

    @property
    def remote(self) -> str:
        """Name by which skopeo asks its own registry; a digest counts more than a tag."""
        return self.at(self.digest) if self.digest else f"docker://{self.name}:{self.tag}"


@dataclass(frozen=True)
class Held:
    """An image in a bundle.

    `resolved` is the digest that the registry had under the name, `digest` that of what lies here:
    the same for a pinned image, which is carried with every platform; of others one platform is.
    """

    layout: str
    resolved: str
    digest: str


def reference(text: str) -> Reference:
    """The image that a manifest names, in full, as a container runtime reads it.

    Raises BundleError for what is no reference.
    """
    matched = _REFERENCE.fullmatch(text.strip())
    if not matched:
        raise BundleError(
            "List of images",
            found=repr(text),
            expected="registry/name:tag, with or without @sha256:digest",
            remedy="correct the manifest or bundle_images_extra",
        )
    name, tag, digest = matched["name"], matched["tag"] or "", matched["digest"] or ""
    host, slash, _ = name.partition("/")
    if not slash or not ("." in host or ":" in host or host == "localhost"):
        name = f"docker.io/{name}" if slash else f"docker.io/library/{name}"
    return Reference(name, tag or ("" if digest else "latest"), digest)


def references(texts: Iterable[str]) -> list[Reference]:
    """Images by their full names, each once."""
    return sorted({reference(text) for text in texts}, key=str)


def held(root: Path) -> dict[str, Held]:
    """Images that a bundle lists and has, by their full names."""
    path = root / LIST
    told: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    found = {name: Held(**of) for name, of in told.items()}
    return {name: of for name, of in found.items() if _is_there(root, of)}


def _is_there(root: Path, image: Held) -> bool:
    if image.layout.startswith("dir:"):
        return (root / image.layout.removeprefix("dir:") / "manifest.json").is_file()
    index = root / FOLDER / "index.json"
    listed = json.loads(index.read_text())["manifests"] if index.is_file() else []
    return f"sha256:{image.digest}" in {entry["digest"] for entry in listed}


def collect(image: Reference, root: Path, architecture: str, skopeo: Skopeo) -> Held:
    """Copy an image into the bundle, by the digest that its registry names for it.

    A pinned image keeps its bytes and all of its platforms, because a host asks for it by digest;
    where its manifest is of Docker's type, which an OCI layout cannot hold, it lies in a folder of
    its own. Of any other image the one platform is copied.
    """
    raw = skopeo("inspect", *_RETRY, "--raw", image.remote)
    resolved = hashlib.sha256(raw).hexdigest()
    if image.digest and resolved != image.digest:
        raise BundleError(
            str(image),
            found=f"a manifest of sha256 {resolved}",
            expected=f"sha256 {image.digest}",
            remedy="the registry or a proxy changes manifests; pull from the publisher itself",
        )
    layout, options = _layout(image, raw), ["--override-os", "linux"]
    if image.digest:
        options = ["--all", "--preserve-digests"]
    else:
        options += ["--override-arch", architecture]
    target = f"{layout.partition(':')[0]}:{root}/{layout.partition(':')[2]}"
    (root / target.split(":")[1]).mkdir(parents=True, exist_ok=True)
    skopeo("copy", "--quiet", *_RETRY, *options, image.at(resolved), target)
    return Held(layout, resolved, resolved if image.digest else _digest_in(root, str(image)))


def _layout(image: Reference, raw: bytes) -> str:
    """Where an image lies, as skopeo names it, relative to the bundle."""
    told = json.loads(raw)
    is_docker = "docker" in str(told.get("mediaType", "")) or told.get("schemaVersion") == 1
    if image.digest and is_docker:
        return f"dir:{FOLDER}/pinned/{image.digest}"
    return f"oci:{FOLDER}:{image}"


def _digest_in(root: Path, name: str) -> str:
    listed = json.loads((root / FOLDER / "index.json").read_text())["manifests"]
    found = {e.get("annotations", {}).get("org.opencontainers.image.ref.name"): e for e in listed}
    return str(found[name]["digest"]).removeprefix("sha256:")


def remember(images: dict[str, Held], root: Path) -> None:
    """Write the list of held images."""
    told = {name: asdict(image) for name, image in sorted(images.items())}
    write((json.dumps(told, indent=2) + "\n").encode(), root / LIST)


def target(image: Reference, registry: str) -> str:
    """Name of the image in a site's registry, below the name of the registry it is from."""
    tag = f":{image.tag}" if image.tag else f"@sha256:{image.digest}"
    return f"docker://{registry.rstrip('/')}/{image.name}{tag}"


def is_pushed(image: Held, remote: str, skopeo: Skopeo) -> bool:
    """Whether a registry has the image already; an unreadable answer counts as no."""
    try:
        raw = skopeo("inspect", "--raw", remote)
    except BundleError:
        return False
    return hashlib.sha256(raw).hexdigest() == image.digest


def push(image: Held, root: Path, remote: str, skopeo: Skopeo) -> None:
    """Copy an image of the bundle into a registry, its digest kept."""
    kind, _, rest = image.layout.partition(":")
    skopeo(
        "copy", "--quiet", *_RETRY, "--all", "--preserve-digests", f"{kind}:{root}/{rest}", remote
    )
