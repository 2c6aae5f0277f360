"""Builds the images of test hosts and downloads the real packages of the local repository."""

import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from harness.content import BUILD, TESTS, digest, locked

MIRROR = "http://deb.debian.org/debian"
SOURCE = """Types: deb
URIs: file:///srv/repository/debian
Suites: {suite}
Components: main
Signed-By: /srv/repository/key.asc
"""


@dataclass(frozen=True)
class Image:
    """One distribution's image and the folder of its downloaded packages."""

    name: str
    suite: str
    digest: str

    @property
    def reference(self) -> str:
        """Name and tag under which podman knows it."""
        return f"localhost/modelctl-{self.name}:{self.digest}"

    @property
    def archive(self) -> Path:
        """The root file system as a tar file."""
        return BUILD / "images" / f"{self.name}-{self.digest}.tar"

    @property
    def packages(self) -> Path:
        """Folder of the downloaded packages."""
        return BUILD / "images" / f"{self.name}-{self.digest}-packages"


def recipe() -> dict[str, Any]:
    """What images/recipe.yml says."""
    read: dict[str, Any] = yaml.safe_load((TESTS / "images" / "recipe.yml").read_text())
    return read


def images() -> list[Image]:
    """Every image that the recipe names."""
    told = recipe()
    key = digest([TESTS / "images" / "recipe.yml", SOURCE, MIRROR])
    return [Image(name, of["suite"], key) for name, of in told["distributions"].items()]


def bootstrap(image: Image, told: dict[str, Any]) -> None:
    """Write the image's tar file and its folder of packages.

    Packages are downloaded inside the new root, so those that it has already are left out.
    """
    fresh = image.packages.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    source = fresh / "debian.sources"
    source.write_text(SOURCE.format(suite=image.suite))
    wanted = " ".join(told["repository_packages"])
    download = (
        "APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get --yes --quiet"
        f" --no-install-recommends --download-only install {wanted}"
    )
    unfinished = image.archive.with_suffix(".new.tar")
    command = [
        "mmdebstrap",
        *told["options"],
        f"--include={','.join(told['packages'])}",
        '--customize-hook=rm -f "$1"/var/cache/apt/archives/*.deb',
        f"--customize-hook={download}",
        f"--customize-hook=copy-out /var/cache/apt/archives {fresh}",
        '--customize-hook=rm -f "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/*',
        f"--customize-hook=copy-in {source} /etc/apt/sources.list.d",
        image.suite,
        str(unfinished),
        MIRROR,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(
            f"images: mmdebstrap failed for {image.name}; expected an image of {image.suite}"
            f" from {MIRROR}\n{done.stderr[-4000:]}"
        )
    unfinished.rename(image.archive)
    fresh.rename(image.packages)


def known(image: Image) -> bool:
    """Whether podman has the image."""
    found = subprocess.run(["podman", "image", "exists", image.reference], check=False)
    return found.returncode == 0


def make(image: Image) -> None:
    """Build and import what is missing."""
    began = time.monotonic()
    if not (image.archive.exists() and image.packages.exists()):
        bootstrap(image, recipe())
    if not known(image):
        start = ["--change", 'CMD ["/lib/systemd/systemd"]']
        command = ["podman", "import", "--quiet", *start, str(image.archive), image.reference]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    latest = image.reference.replace(image.digest, "latest")
    subprocess.run(["podman", "tag", image.reference, latest], check=True)
    print(f"images: {image.reference} in {time.monotonic() - began:.0f} s")


def main() -> None:
    """Build every image that is missing."""
    with locked():
        (BUILD / "images").mkdir(exist_ok=True)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(make, images()))


if __name__ == "__main__":
    main()
