"""`modelctl up` serves releases whose files lie in the laptop's store, and in no commit."""

import hashlib
from pathlib import Path

from engine_kit import MODEL, Repo, running
from modelctl.store import folder
from waiting import until


def introduced(repo: Repo) -> bytes:
    """The bytes of a release r3 that the store does not have, introduced beside r1."""
    content = (repo.root / f"examples/artifacts/{MODEL}/r2.onnx").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    repo.add_release("r3", uri=f"store:///{sha256}.onnx", sha256=sha256)
    repo.serve({"r1": 100, "r3": 0}).commit("apps/linear: Introduce r3")
    return content


def test_a_release_waits_for_its_file(own_repo: Repo, tmp_path: Path) -> None:
    """A missing file is told with what brings it, holds back nothing, and is enough to go on."""
    content = introduced(own_repo)
    with running(own_repo.root, tmp_path / "state") as up:
        told = up.until(
            lambda s: s["models"] and "modelctl pull linear" in s["models"][0]["health_reason"]
        )
        until(up.answers)
        assert "r1" == up.release()
        folder.put(own_repo.root, content)
        up.until_well()

        assert "r3" == up.release({"x-model-release": "r3"})
        assert "store:///" in told["models"][0]["health_reason"]


def test_a_repository_behind_a_url_has_no_store_of_its_own(own_repo: Repo, tmp_path: Path) -> None:
    """Where there is nothing to pull into, the remedy is a store that this machine reads."""
    introduced(own_repo)
    with running(f"file://{own_repo.root}", tmp_path / "state") as up:
        up.until(
            lambda s: (
                s["models"]
                and "give argocd/environments.yaml a `store`" in s["models"][0]["health_reason"]
            )
        )

        until(up.answers)
        assert "r1" == up.release()
