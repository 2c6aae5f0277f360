"""`modelctl up` when things go wrong: what runs goes on, and the status says what and why."""

import hashlib
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from engine_kit import MODEL, Load, Repo, Up, running
from modelctl.local.servers import processes
from scratch import git


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A `modelctl` command that ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "modelctl", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_refused_commit(repo: Repo, up: Up) -> None:
    """A commit with weights of 105 is refused by name, what ran goes on, and a revert helps."""
    with Load(up.port, connections=1) as load:
        bad = repo.serve({"r1": 100, "r2": 5}).commit("apps/linear: Shift too much")
        status = up.until(lambda s: s["seen"]["id"] == bad)
        model = status["models"][0]
        assert ("OutOfSync", "OutOfSync") == (status["sync"], model["sync"])
        assert "weights-sum-100" in model["sync_reason"]
        assert any("weights-sum-100" in finding for finding in status["findings"])
        assert "Healthy" == model["health"]
        shown = command("status", "--state", up.state)
        assert 1 == shown.returncode
        assert "weights-sum-100" in shown.stdout

        git(repo.root, "revert", "--no-edit", "HEAD")
        up.until_well(git(repo.root, "rev-parse", "HEAD").strip())

    assert [] == load.failures


def test_wrong_digest(repo: Repo, up: Up, tmp_path: Path) -> None:
    """A release with a wrong digest never gets traffic; a revert supersedes it at once."""
    model = tmp_path / "r3.onnx"
    shutil.copyfile(repo.root / f"examples/artifacts/{MODEL}/r2.onnx", model)
    repo.add_release("r3", uri=f"file://{model}", sha256=hashlib.sha256(b"other").hexdigest())
    with Load(up.port, connections=1) as load:
        repo.serve({"r1": 90, "r3": 10}).commit("apps/linear: Shift to r3")
        status = up.until(lambda s: s["models"][0]["health"] == "Degraded")
        found = next(r for r in status["models"][0]["releases"] if r["release"] == "r3")
        assert "exit code 86" in found["reason"]
        assert "sha256" in found["reason"]
        assert (10.0, None) == (found["weight"], found["live_weight"])
        assert "new routes wait for r3" in status["models"][0]["sync_reason"]

        git(repo.root, "revert", "--no-edit", "HEAD")
        up.until_well(git(repo.root, "rev-parse", "HEAD").strip())

    assert [] == load.failures
    assert {"r1"} == set(load.releases)


def test_missing_artifact(own_repo: Repo, tmp_path: Path) -> None:
    """An artifact that is not in the commit is named, on the first start as well."""
    git(own_repo.root, "rm", "--quiet", f"examples/artifacts/{MODEL}/r1.golden.json")
    own_repo.commit("examples: Lose a golden file")
    with running(own_repo.root, tmp_path / "state") as up:
        status = up.until(lambda s: s["seen"] is not None and (s["findings"] or s["models"]))

    told = json.dumps(status)
    assert f"examples/artifacts/{MODEL}/r1.golden.json" in told
    assert not status["well"]


def test_vanished_branch_and_repository(repo: Repo, up: Up) -> None:
    """A repository that vanishes is told, what ran goes on, and its return is noticed."""
    away = repo.root.with_name("away")
    repo.root.rename(away)
    status = up.until(lambda s: s["sync"] == "Unknown")
    assert "names no commit now" in status["fault"]
    assert "r1" == up.release()

    away.rename(repo.root)
    up.until_well()


def test_rewritten_branch(repo: Repo, up: Up) -> None:
    """A forced branch is applied, as git says so, and told."""
    up.until_well(repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
    git(repo.root, "commit", "--quiet", "--amend", "--message", "apps/linear: Introduce r2 anew")

    status = up.until_well(git(repo.root, "rev-parse", "HEAD").strip())

    assert any("rewritten" in event["message"] for event in status["events"])


def test_broken_object(repo: Repo, up: Up) -> None:
    """A commit with a damaged object is told, what ran goes on, and a repair is noticed."""
    made = repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    blob = git(repo.root, "rev-parse", f"HEAD:apps/{MODEL}/envs/local.yaml").strip()
    up.until_well(made)
    repo.serve({"r1": 50, "r2": 50})
    path = repo.root / ".git/objects"
    blob = git(repo.root, "hash-object", "-w", f"apps/{MODEL}/envs/local.yaml").strip()
    git(repo.root, "add", "--all")
    tree = git(repo.root, "write-tree").strip()
    commit = git(repo.root, "commit-tree", tree, "-p", "HEAD", "-m", "apps/linear: Shift").strip()
    damaged = path / blob[:2] / blob[2:]
    good = damaged.read_bytes()
    damaged.chmod(0o600)
    damaged.write_bytes(b"damaged")
    git(repo.root, "update-ref", "refs/heads/main", commit)

    status = up.until(lambda s: s["sync"] == "Unknown")
    assert blob in status["fault"] or "damaged" in status["fault"]
    assert "r1" == up.release()

    damaged.write_bytes(good)
    up.until_well(commit)


def test_second_up(repo: Repo, up: Up, tmp_path: Path) -> None:
    """A second `up` on a state folder ends with 2 and says who holds it."""
    words = ("up", "--repo", repo.root, "--port", "0", "--status-port", "0", "--state")
    done = command(*words, up.state)

    assert 2 == done.returncode
    assert f"(process {up.process.pid}) runs on {up.state}" in done.stderr
    assert "--state DIR" in done.stderr
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("option", ["--port", "--status-port"])
def test_port_in_use(own_repo: Repo, tmp_path: Path, option: str) -> None:
    """A port in use is named, with the option to choose another, and nothing is started."""
    words = {"--port": "0", "--status-port": "0"}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words[option] = str(port)
        done = command(
            *("up", "--repo", own_repo.root, "--state", tmp_path / "state"),
            *(word for pair in words.items() for word in pair),
        )

    assert 2 == done.returncode
    assert f"port {port} of 127.0.0.1 cannot be used (Address already in use)" in done.stderr
    assert f"{option} PORT" in done.stderr


def test_killed_up(own_repo: Repo, tmp_path: Path) -> None:
    """After SIGKILL of `up` its servers run on, and the next one takes them over."""
    state = tmp_path / "state"
    first = Up(own_repo.root, state)
    first.until_well()
    server = first.pids()["linear-r1-1"]
    first.process.kill()
    assert first.wait() < 0
    shown = command("status", "--state", state)
    assert 2 == shown.returncode
    assert "is not running" in shown.stdout

    with running(own_repo.root, state) as up:
        status = up.until_well()

        assert "r1" == up.release()
        assert server == up.pids()["linear-r1-1"]
    assert any("started by an earlier run" in e["message"] for e in status["models"][0]["events"])
    assert [] == processes.found(state)


def test_leftover_is_ended(own_repo: Repo, tmp_path: Path) -> None:
    """A server of a killed `up` that nobody wants any more ends once it is known what is wanted."""
    state = tmp_path / "state"
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)"],
        env={"MODELCTL_STATE": str(state), "MODELCTL_PROCESS": "linear-r9-1"},
        start_new_session=True,
    )
    with left, running(own_repo.root, state) as up:
        status = up.until_well()

        assert left.wait() < 0
    assert any("which an earlier run left" in e["message"] for e in status["events"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--repo", "/nowhere"), "see --repo and --ref"),
        (("--repo", "file:///nowhere"), "found no repository at /nowhere"),
        (("--repo", "file:///nowhere", "--ref", "main"), "found no repository at /nowhere"),
        (("--repo", "https://localhost:1/x.git", "--worktree"), "--worktree needs a repository"),
        (("--ref", "nowhere"), "found no commit nowhere in "),
    ],
)
def test_nothing_to_follow(
    own_repo: Repo, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    """A repository or branch that is not there ends `up` at once with 2, and says what to do."""
    followed = words if "--repo" in words else ("--repo", str(own_repo.root), *words)
    state = tmp_path / "state"
    done = command("up", "--state", state, "--port", "0", "--status-port", "0", *followed)

    assert 2 == done.returncode
    assert message in done.stderr
