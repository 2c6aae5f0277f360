"""The hand-written Argo CD files fit what is rendered and what `environments.yaml` says."""

import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from modelctl.render import generated
from modelctl.repo.repository import ModelFiles

ROOT = Path(__file__).parents[3]
ARGOCD = ROOT / "argocd"
IN_CLUSTER = "https://kubernetes.default.svc"

_Object = dict[str, Any]


def _load(path: Path) -> _Object:
    value: _Object = yaml.safe_load(path.read_text(encoding="utf-8"))
    return value


ENVIRONMENTS = _load(ARGOCD / "environments.yaml")
SYNCED = [e["name"] for e in ENVIRONMENTS["environments"] if e["engine"] == "argocd"]
PROJECTS = sorted(ARGOCD.glob("projects/*/*.yaml"))
ROOTS = sorted(ARGOCD.glob("bootstrap/*.yaml"))
WRITTEN = [*PROJECTS, *ROOTS, *sorted(ARGOCD.glob("config/*.yaml"))]


def _id(path: Path) -> str:
    return str(path.relative_to(ARGOCD))


each_project = pytest.mark.parametrize("path", PROJECTS, ids=_id)
each_root = pytest.mark.parametrize("path", ROOTS, ids=_id)


def test_every_synced_environment_has_a_root() -> None:
    """Each environment that Argo CD syncs starts from a root Application of its own."""
    assert sorted(SYNCED) == [path.stem for path in ROOTS]


@pytest.mark.parametrize("kind", ["bootstrap", "projects"])
def test_environments_differ_in_nothing_but_their_name(kind: str) -> None:
    """What was tried in one environment is what the next one has."""
    texts = [
        {
            str(path.relative_to(ARGOCD)).replace(name, "*"): path.read_text().replace(name, "*")
            for path in ARGOCD.glob(f"{kind}/**/*.yaml")
            if name in path.relative_to(ARGOCD).parts[1]
        }
        for name in SYNCED
    ]

    assert len(SYNCED) > 1
    assert [texts[0]] * len(texts) == texts


@each_project
def test_a_project_allows_exactly_what_is_rendered(path: Path, files: ModelFiles) -> None:
    """A kind that the renderer starts to write is allowed in the same commit, and no other is."""
    rendered = {
        (value["apiVersion"].rpartition("/")[0], value["kind"])
        for name, text in generated(files).items()
        if name.startswith("apps/")
        for value in [yaml.safe_load(text)]
    }

    spec = _load(path)["spec"]

    assert rendered == {
        (item["group"], item["kind"]) for item in spec["namespaceResourceWhitelist"]
    }
    assert "clusterResourceWhitelist" not in spec


@each_project
def test_a_project_reaches_its_teams_namespace_alone(path: Path) -> None:
    """One repository, one destination: the namespace that the renderer gives the team's models."""
    value = _load(path)

    assert path.stem == value["metadata"]["name"]
    assert [ENVIRONMENTS["repository"]["url"]] == value["spec"]["sourceRepos"]
    assert [{"server": IN_CLUSTER, "namespace": f"models-{path.stem}"}] == value["spec"][
        "destinations"
    ]


@each_project
def test_a_team_changes_its_models_through_git_alone(path: Path) -> None:
    """A team sees, syncs and restarts its own Applications; deletion and overrides are denied."""
    (role,) = _load(path)["spec"]["roles"]
    rules = [tuple(part.strip() for part in line.split(",")) for line in role["policies"]]
    allowed = {(resource, action) for *_, resource, action, _, effect in rules if effect == "allow"}
    denied = {(resource, action) for *_, resource, action, _, effect in rules if effect == "deny"}

    assert {("p", f"proj:{path.stem}:team")} == {rule[:2] for rule in rules}
    assert {f"{path.stem}/*"} == {rule[4] for rule in rules}
    assert allowed == {
        ("applications", "get"),
        ("applications", "sync"),
        ("applications", "action/apps/Deployment/restart"),
        ("logs", "get"),
    }
    assert denied == {
        ("applications", "delete"),
        ("applications", "delete/*"),
        ("applications", "override"),
        ("exec", "create"),
    }


@each_root
def test_a_root_reads_the_folders_of_its_environment(path: Path) -> None:
    """Pattern and path annotation name the same three folders; nothing else below is read."""
    value = _load(path)
    source = value["spec"]["source"]
    folders = ["applications", "platform", "projects"]
    patterns = source["directory"]["include"].strip("{}").split(",")
    annotation = value["metadata"]["annotations"]["argocd.argoproj.io/manifest-generate-paths"]
    present = [str(file.relative_to(ARGOCD)) for file in ARGOCD.rglob("*.yaml")]

    read = [name for name in present if any(fnmatch(name, pattern) for pattern in patterns)]

    assert [f"{folder}/{path.stem}/*.yaml" for folder in folders] == patterns
    assert [f"/argocd/{folder}/{path.stem}" for folder in folders] == annotation.split(";")
    assert {f"projects/{path.stem}/vision.yaml"} <= set(read)
    assert {path.stem} == {name.split("/")[1] for name in read}


@each_root
def test_a_root_follows_the_branch_and_never_prunes(path: Path) -> None:
    """The root heals what it wrote and deletes nothing, neither by a sync nor with itself."""
    value = _load(path)
    source, policy = value["spec"]["source"], value["spec"]["syncPolicy"]

    assert ENVIRONMENTS["repository"] == {
        "url": source["repoURL"],
        "revision": source["targetRevision"],
    }
    assert {"enabled": True, "selfHeal": True} == policy["automated"]
    assert not any("rune" in option for option in policy["syncOptions"])
    assert "finalizers" not in value["metadata"]


def test_the_roots_project_allows_argo_cds_kinds_alone() -> None:
    """The root Application may write Applications and projects in Argo CD's own namespace."""
    value = _load(ARGOCD / "config" / "appproject-root.yaml")

    assert {_load(path)["spec"]["project"] for path in ROOTS} == {value["metadata"]["name"]}
    assert [{"server": IN_CLUSTER, "namespace": "argocd"}] == value["spec"]["destinations"]
    assert [
        {"group": "argoproj.io", "kind": "Application"},
        {"group": "argoproj.io", "kind": "AppProject"},
    ] == value["spec"]["namespaceResourceWhitelist"]


def test_the_default_project_allows_nothing() -> None:
    """An Application without a project of its own can neither read nor write anything."""
    spec = _load(ARGOCD / "config" / "appproject-default.yaml")["spec"]

    assert {"sourceRepos": [], "destinations": [], "clusterResourceWhitelist": []} == spec


@pytest.mark.parametrize("name", ["argocd-cm", "argocd-cmd-params-cm", "argocd-rbac-cm"])
def test_settings_are_the_config_maps_that_argo_cd_reads(name: str) -> None:
    """Name and labels are those by which Argo CD finds its settings, and values are strings."""
    value = _load(ARGOCD / "config" / f"configmap-{name}.yaml")
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}

    assert {"name": name, "namespace": "argocd", "labels": labels} == value["metadata"]
    assert {str} == {type(item) for item in value["data"].values()}


def test_nobody_may_override_or_enter_a_pod() -> None:
    """Everybody is denied what would change a cluster without a commit; no right is a wildcard."""
    data = _load(ARGOCD / "config" / "configmap-argocd-rbac-cm.yaml")["data"]
    lines = [re.split(r",\s*", line) for line in data["policy.csv"].splitlines() if line]
    rules = [line[1:] for line in lines if line[0] == "p"]

    assert ["applications", "override", "*/*", "deny"] in [
        rule[1:] for rule in rules if rule[0] == data["policy.default"]
    ]
    assert ["exec", "create", "*/*", "deny"] in [rule[1:] for rule in rules]
    assert not {"*", "create", "update", "override"} & {r[2] for r in rules if r[-1] == "allow"}


@pytest.mark.parametrize("path", WRITTEN, ids=_id)
def test_no_file_waits_hooks_ignores_or_holds_a_secret(path: Path) -> None:
    """No file has a sync wave, a hook or an ignored difference, and none is a Secret."""
    value = _load(path)
    text = path.read_text(encoding="utf-8")

    assert "Secret" != value["kind"]
    assert not re.search(r"sync-wave|argocd\.argoproj\.io/hook|ignoreDifferences", text)
