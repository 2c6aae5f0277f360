"""`modelctl status --env`: which environment is meant, and what is said where none can be read."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scratch import commit, git
from tests.modelctl.cluster import told_api
from tests.modelctl.cluster.scenes import (
    Object,
    application,
    deployment,
    live_application,
    live_deployment,
    live_route,
    pod,
    route,
    wanted,
)
from told_status import telling as engine

Modelctl = Callable[..., str]

ITEMS = (application(), route({"r1": 90, "r2": 10}), deployment("r1"), deployment("r2"))


@pytest.fixture
def revision(scratch: Path) -> str:
    """The commit of a repository that serves one model in prod."""
    for path, content in wanted(*ITEMS).files.items():
        (scratch / path).parent.mkdir(parents=True, exist_ok=True)
        (scratch / path).write_bytes(content)
    return commit(scratch, "apps/digits: Serve")


def cluster(revision: str, *, weights: dict[str, int] | None = None) -> told_api.Answering:
    """A cluster that has what git says, but for the weights of the route."""
    root: Object = {
        "metadata": {"name": "root", "namespace": "argocd"},
        "spec": {"source": {"path": "argocd"}},
    }
    shown = weights or {"r1": 90, "r2": 10}
    return told_api.listing(
        namespaces=[{"metadata": {"name": name}} for name in ("argocd", "models-vision")],
        applications=[live_application(each, revision=revision) for each in (root, ITEMS[0])],
        httproutes=[live_route(route(shown))],
        deployments=[live_deployment(each) for each in ITEMS[2:]],
        pods=[pod("r1"), pod("r2", restarts=3)],
    )


def test_well(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """A cluster that has what git says ends the command with 0."""
    with told_api.telling(cluster(revision)) as url:
        path = told_api.kubeconfig(scratch, url)
        shown = modelctl("status", "--env", "prod", "--kubeconfig", path)

    assert f"cluster     {url} by context here" in shown
    assert ["r1", "stable", "Ready", "1/1", "0"] == _row(shown, "r1 stable")[4:9]
    assert ["r2", "canary", "Ready", "1/1", "3"] == _row(shown, "r2 canary")[:5]
    assert ["10", "%", "10", "%"] == _row(shown, "r2 canary")[-4:]


def test_not_applied(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """Live weights that are not those of git end it with 1, and the last line says why."""
    with told_api.telling(cluster(revision, weights={"r1": 100, "r2": 0})) as url:
        path = told_api.kubeconfig(scratch, url)
        words = ("status", "--env", "prod", "--context", "here", "--kubeconfig", path)
        shown = modelctl(*words, exit_code=1)

    assert "sync        OutOfSync not yet: digits" in shown
    assert (
        "digits: not applied, although Argo CD shows Synced: HTTPRoute digits"
        in (shown.splitlines()[-1])
    )


def test_json(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """The JSON has the fields of a local one, with those of a cluster beside them."""
    with told_api.telling(cluster(revision)) as url:
        path = told_api.kubeconfig(scratch, url)
        told = json.loads(
            modelctl("status", "--env", "prod", "--kubeconfig", path, "--format", "json")
        )

    assert (2, True, True) == (told["format"], told["well"], told["running"])
    assert ("argocd", url, "here", None) == tuple(
        told["addresses"][name] for name in ("engine", "cluster", "context", "pid")
    )
    assert (revision, revision) == (told["seen"]["id"], told["synced"]["id"])
    assert revision == told["models"][0]["application"]["revision"]


def test_another_environment(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """A context that leads to another environment's cluster is told, and nothing else is."""
    with told_api.telling(cluster(revision)) as url:
        path = told_api.kubeconfig(scratch, url)
        words = ("status", "--env", "staging", "--kubeconfig", path)
        shown = modelctl(*words, exit_code=2)

    assert "found Applications of other environments alone (1 of prod)" in shown


@pytest.mark.parametrize("weights", [None, {"r1": 100, "r2": 0}])
def test_a_commit_that_is_not_here(
    scratch: Path, modelctl: Modelctl, revision: str, weights: dict[str, int] | None
) -> None:
    """Where Argo CD has a commit that is not here, nothing is claimed of its models."""
    assert revision
    with told_api.telling(cluster("b" * 40, weights=weights)) as url:
        path = told_api.kubeconfig(scratch, url)
        shown = modelctl("status", "--env", "prod", "--kubeconfig", path, exit_code=1)

    assert "sync        Unknown not known: digits" in shown
    assert "is not in the history here: bbbbbbbbbbbb: `git fetch`" in shown


@pytest.mark.parametrize(("model", "code"), [("digits", 1), ("other", 0)])
def test_a_commit_that_argo_cd_has_not_seen(
    scratch: Path, modelctl: Modelctl, revision: str, model: str, code: int
) -> None:
    """A later commit counts where it renders something of the model, of whatever kind."""
    path = scratch / f"apps/{model}/rendered/prod/networkpolicy-{model}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kind: NetworkPolicy\n")
    git(scratch, "add", "--all")
    git(scratch, "commit", "--quiet", "--message", "apps: Change", "--", f"apps/{model}")
    if model == "other":
        git(scratch, "rm", "--quiet", "-r", "apps/other")
        commit(scratch, "apps/other: Go")

    with told_api.telling(cluster(revision)) as url:
        kubeconfig = told_api.kubeconfig(scratch, url)
        words = ("status", "--env", "prod", "--kubeconfig", kubeconfig)
        shown = modelctl(*words, exit_code=code)

    assert (code == 1) == ("digits: Argo CD has not looked at its last commit" in shown)


def test_what_brings_the_models(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """An Application `root` that is not Synced keeps the environment from being so."""
    condition = {"type": "ComparisonError", "message": "authentication required"}
    root = live_application(
        {"metadata": {"name": "root"}}, sync="Unknown", conditions=[condition]
    )  # fmt: skip
    lists = cluster(revision)

    def answer(path: str, query: dict[str, str]) -> told_api.Answer:
        status, body = lists(path, query)
        if path.endswith("/applications"):
            body["items"][0] = root
        return status, body

    with told_api.telling(answer) as url:
        path = told_api.kubeconfig(scratch, url)
        shown = modelctl("status", "--env", "prod", "--kubeconfig", path, exit_code=1)

    assert "Unknown Application root is Unknown: ComparisonError: authentication required" in shown


def test_no_cluster(scratch: Path, modelctl: Modelctl, revision: str) -> None:
    """A cluster that cannot be read ends it with 2, in both formats."""
    assert revision
    path = told_api.kubeconfig(scratch, "http://127.0.0.1:1")
    words = ("status", "--env", "prod", "--kubeconfig", path)

    shown = modelctl(*words, exit_code=2)
    told = json.loads(modelctl(*words, "--format", "json", exit_code=2))

    assert "found no answer (Connection refused)" in shown
    assert (False, False, shown.strip()) == (told["running"], told["well"], told["fault"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--context", "here"), "found --context or --kubeconfig without --env"),
        (("--env", "local", "--context", "here"), "expected neither"),
        (("--env", "prod", "--state", "x"), "found --state with prod, expected none"),
        (("--env", "prdo"), "found the environment 'prdo'"),
    ],
)
def test_words_that_do_not_go_together(
    scratch: Path, modelctl: Modelctl, words: tuple[str, ...], said: str
) -> None:
    """What an environment has no use for is refused, as is one that is not there."""
    assert scratch.is_dir()
    assert said in modelctl("status", *words, exit_code=2)


def test_local(scratch: Path, modelctl: Modelctl) -> None:
    """An environment of this machine is asked of its engine, if that serves it."""
    told = {"well": True, "addresses": {"environment": "local"}}
    words = ("status", "--format", "json", "--env")
    with engine(scratch / ".modelctl", told):
        assert json.loads(modelctl(*words, "local"))["well"]
    with engine(scratch / ".modelctl", {**told, "addresses": {"environment": "other"}}):
        assert "with the environment other, expected local" in modelctl(
            *words, "local", exit_code=2
        )


def test_without_the_package(scratch: Path, revision: str) -> None:
    """Where the package that reads clusters is not installed, it is said how to get it."""
    assert revision
    code = (
        "import sys; sys.modules['kubernetes'] = None; from modelctl.__main__ import main; "
        "sys.exit(main(['status', '--env', 'prod']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], cwd=scratch, capture_output=True, text=True, check=False
    )

    assert 2 == done.returncode
    assert "pip install 'modelctl[cluster]'" in done.stdout + done.stderr


def _row(shown: str, words: str) -> list[str]:
    return next(line for line in shown.splitlines() if words in line).split()
