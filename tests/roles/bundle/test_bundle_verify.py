"""bundle_verify.yml tells a carried bundle that is whole from one that is not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("ansible.errors", reason="Ansible is not installed: make setup-roles")

from modelctl_bundle import manifest
from modelctl_bundle.faults import BundleError

from harness.events import Run
from roles.bundle.bundle_kit import sha256, tree

pytestmark = [pytest.mark.roles, pytest.mark.timeout(300)]
Change = Callable[[Path], object]


def test_a_whole_bundle_is_verified(bundle: Path, run_bundle: Callable[..., Run]) -> None:
    """The playbook passes, says the manifest's own digest, and writes nothing."""
    before = tree(bundle)
    wanted = sha256(bundle / "manifest.json")

    run = run_bundle(
        "bundle_verify", {"bundle_directory": str(bundle), "bundle_manifest_sha256": wanted}
    )

    assert "successful" == run.status, run.text
    assert wanted in run.text
    assert before == tree(bundle)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda root: (root / "keys/kubernetes.asc").unlink(), "1 missing: keys/kubernetes.asc"),
        (
            lambda root: (root / "lists/images.txt").write_bytes(b"other\n"),
            "1 changed: lists/images.txt",
        ),
        (lambda root: (root / "kubernetes/new.deb").touch(), "1 unlisted: kubernetes/new.deb"),
        (lambda root: (root / "lists/half.part").touch(), "1 unlisted: lists/half.part"),
        (lambda root: (root / "link").symlink_to("/etc/passwd"), "neither a file nor a folder"),
        (lambda root: (root / "manifest.json").unlink(), "no manifest that can be read"),
        (lambda root: (root / "manifest.json").write_text("[]"), "no manifest that can be read"),
    ],
    ids=["missing", "changed", "unlisted", "unfinished", "link", "no-manifest", "other-manifest"],
)
def test_a_bundle_that_differs_is_refused(bundle: Path, change: Change, said: str) -> None:
    """The message names the kind of difference and the path."""
    change(bundle)

    with pytest.raises(BundleError, match="Remedy") as caught:
        manifest.verified(bundle)

    assert said in str(caught.value)


def test_a_byte_changed_in_place_is_found(bundle: Path) -> None:
    """A file of the same size with another byte is changed."""
    path = next((bundle / "kubernetes").rglob("kubeadm*.deb"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    found = manifest.difference(bundle, manifest.read(bundle)["files"])

    assert (path.relative_to(bundle).as_posix(),) == found.changed


def test_a_manifest_that_was_rewritten_is_refused(
    bundle: Path, run_bundle: Callable[..., Run]
) -> None:
    """Whoever changes a file and the manifest cannot change the digest that was printed."""
    printed = sha256(bundle / "manifest.json")
    (bundle / "lists/images.txt").write_text("other\n")
    told = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**told, "files": manifest.files(bundle)}))

    run = run_bundle(
        "bundle_verify", {"bundle_directory": str(bundle), "bundle_manifest_sha256": printed}
    )

    assert "failed" == run.status
    assert f"Expected: sha256 {printed}" in run.failed[0].message
