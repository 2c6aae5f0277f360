"""Images reach a site's registry through a bundle, by the digests that they had."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible.errors", reason="Ansible is not installed: make setup-roles")

from modelctl_bundle import images
from modelctl_bundle.faults import BundleError

from harness.events import Run
from roles.bundle.bundle_kit import variables
from roles.bundle.registry_kit import DOCKER, image, redirected, skopeo
from tests.registries import registry

pytestmark = [pytest.mark.roles, pytest.mark.timeout(300)]
HOSTS = ("registry.k8s.io", "quay.io", "ghcr.io")
TAGGED = "registry.k8s.io/pause:3.10.1"
MISSING = [name for name in ("skopeo", "docker-registry") if not shutil.which(name)]
needs_registry = pytest.mark.skipif(
    bool(MISSING), reason=f"missing: {', '.join(MISSING)} (Debian's packages of that name)"
)


@dataclass(frozen=True)
class Upstream:
    """A registry with three images, as the internet has them."""

    address: str
    pinned: str
    docker: str
    environment: dict[str, str]

    @property
    def wanted(self) -> list[str]:
        """One image by tag, one by digest, one by the digest of a manifest of Docker's type."""
        return [TAGGED, self.pinned, self.docker]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """The registry, filled from a layout that is made here."""
    folder = tmp_path_factory.mktemp("upstream")
    image(folder / "layout")
    (folder / "registry").mkdir()
    with registry(folder / "registry", folder / "registry" / "data") as address:
        put = ("copy", "--quiet", "--dest-tls-verify=false")
        source, at = f"oci:{folder}/layout:made", f"docker://{address}"
        skopeo(*put, "--all", source, f"{at}/registry.k8s.io/pause:3.10.1")
        skopeo(*put, "--all", source, f"{at}/quay.io/tools/one:v1")
        skopeo(*put, "--format", "v2s2", source, f"{at}/ghcr.io/two:v2")
        found = [digest(f"{at}/{name}") for name in ("quay.io/tools/one:v1", "ghcr.io/two:v2")]
        yield Upstream(
            address,
            f"quay.io/tools/one:v1@sha256:{found[0]}",
            f"ghcr.io/two:v2@sha256:{found[1]}",
            redirected(folder, address, *HOSTS),
        )


def digest(remote: str) -> str:
    """Digest of an image's manifest in a registry on loopback."""
    return hashlib.sha256(skopeo("inspect", "--tls-verify=false", "--raw", remote)).hexdigest()


@pytest.fixture(scope="module")
def carried(
    upstream: Upstream,
    publisher: Path,
    collected: Path,
    run_bundle: Callable[..., Run],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A bundle whose images were copied from the registry upstream."""
    bundle = shutil.copytree(collected, tmp_path_factory.mktemp("carried") / "bundle")
    run = run_bundle("bundle", told(upstream, publisher, bundle), environment=upstream.environment)
    assert "successful" == run.status, run.text
    return bundle


def told(upstream: Upstream, publisher: Path, bundle: Path) -> dict[str, Any]:
    """Variables of a run that copies the images upstream and no others."""
    return variables(publisher, bundle) | {
        "bundle_images_fetch": True,
        "bundle_architecture": "amd64",
        "bundle_manifests": [],
        "bundle_images_named": [],
        "bundle_kubeadm_images": [TAGGED],
        "bundle_images_extra": [upstream.pinned, upstream.docker],
    }


@needs_registry
def test_every_image_is_in_the_manifest(upstream: Upstream, carried: Path) -> None:
    """The manifest has the digest that each name had; a pinned image has kept its own."""
    listed = json.loads((carried / "manifest.json").read_text())["images"]
    tagged = listed[TAGGED]

    assert sorted(upstream.wanted) == sorted(listed)
    assert digest(f"docker://{upstream.address}/{TAGGED}") == tagged["resolved"]
    for name in (upstream.pinned, upstream.docker):
        assert name.partition("@sha256:")[2] == listed[name]["resolved"] == listed[name]["digest"]


@needs_registry
def test_of_a_tagged_image_one_platform_is_carried(carried: Path) -> None:
    """The wanted architecture's image is there alone; a pinned one has all of its platforms."""
    name = images.held(carried)[TAGGED].layout.replace(f":{images.FOLDER}:", f":{carried}/images:")
    settings = json.loads(skopeo("inspect", "--config", name))
    raw = json.loads(skopeo("inspect", "--raw", name))

    assert "amd64" == settings["architecture"]
    assert "manifests" not in raw


@needs_registry
def test_a_docker_manifest_keeps_its_bytes(upstream: Upstream, carried: Path) -> None:
    """What an OCI layout would rewrite lies in a folder of its own."""
    layout = images.held(carried)[upstream.docker].layout.removeprefix("dir:")
    content = (carried / layout / "manifest.json").read_bytes()

    assert upstream.docker.endswith(hashlib.sha256(content).hexdigest())
    assert json.loads(content)["mediaType"].startswith(DOCKER)


@needs_registry
def test_collecting_again_changes_nothing(
    upstream: Upstream, publisher: Path, carried: Path, run_bundle: Callable[..., Run]
) -> None:
    """Images that are there are neither asked for nor copied."""
    run = run_bundle("bundle", told(upstream, publisher, carried))  # without the redirection

    assert "successful" == run.status, run.text
    assert [] == run.changed


@needs_registry
def test_the_sites_registry_gets_every_image_once(
    upstream: Upstream, carried: Path, run_bundle: Callable[..., Run], tmp_path: Path
) -> None:
    """Images lie below their registry's name with their digest; a second push copies nothing."""
    (tmp_path / "site").mkdir()
    with registry(tmp_path / "site", tmp_path / "site" / "data") as address:
        extra = {"bundle_directory": str(carried), "bundle_registry": f"{address}/mirror"}
        extra |= {"bundle_registry_tls_verify": False}
        would = run_bundle("bundle_push", extra, check=True)
        first = run_bundle("bundle_push", extra)
        second = run_bundle("bundle_push", extra)
        at = f"docker://{address}/mirror"
        found = {
            name: digest(f"{at}/{name.partition(':')[0]}@sha256:{name.partition('@sha256:')[2]}")
            for name in (upstream.pinned, upstream.docker)
        }
        tagged = digest(f"{at}/{TAGGED}")

    assert ["Push the images"] == [task.name for task in would.changed]
    assert "successful" == first.status, first.text
    assert "successful" == second.status, second.text
    assert [] == second.changed
    assert images.held(carried)[TAGGED].digest == tagged
    assert all(name.endswith(of) for name, of in found.items())


@needs_registry
def test_an_image_of_another_digest_is_refused(upstream: Upstream, tmp_path: Path) -> None:
    """A registry that answers a digest with other bytes is not believed."""
    wanted = images.reference(upstream.pinned)

    def other(*_: str) -> bytes:
        return b'{"schemaVersion": 2}'

    with pytest.raises(BundleError, match="pull from the publisher itself"):
        images.collect(wanted, tmp_path, "amd64", other)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("redis:8", "docker.io/library/redis:8"),
        ("calico/node:v3", "docker.io/calico/node:v3"),
        ("quay.io/a/b", "quay.io/a/b:latest"),
        ("localhost:5000/a:1", "localhost:5000/a:1"),
        (f"ghcr.io/a:v1@sha256:{'0' * 64}", f"ghcr.io/a:v1@sha256:{'0' * 64}"),
        (f"ghcr.io/a@sha256:{'0' * 64}", f"ghcr.io/a@sha256:{'0' * 64}"),
    ],
)
def test_a_name_is_read_as_a_runtime_reads_it(text: str, full: str) -> None:
    """Short names are those of Docker Hub, and a tag is `latest` where none is given."""
    assert full == str(images.reference(text))


@pytest.mark.parametrize("text", ["", "a b", "quay.io/A:1", "x@sha256:12", "../x:1", "-x/y:1; rm"])
def test_what_is_no_reference_is_refused(text: str) -> None:
    """Nothing else reaches the command line of skopeo."""
    with pytest.raises(BundleError, match="Expected: registry/name:tag"):
        images.reference(text)


def test_a_run_without_skopeo_stops_first(
    publisher: Path, tmp_path: Path, run_bundle: Callable[..., Run]
) -> None:
    """The missing program is named with its package before anything is fetched."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("dpkg", "sh", "env"):
        (programs / name).symlink_to(str(shutil.which(name)))
    path = {"PATH": f"{Path(__file__).parents[3] / '.venv' / 'bin'}:{programs}"}
    extra = variables(publisher, tmp_path / "bundle") | {"bundle_images_fetch": True}

    run = run_bundle("bundle", extra, environment=path)

    assert "failed" == run.status
    assert "install Debian's package skopeo" in run.failed[-1].message
    assert not (tmp_path / "bundle").exists()
