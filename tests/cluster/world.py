"""A real git repository of one sample model, and Argo CD's part of a cluster that follows it."""

import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from scratch import PROJECT, init
from tests.cluster import argo, health
from tests.cluster.api import Api, Object, key, references
from tests.cluster.argo import ArgoCd, Files, Synced
from tests.modelctl.edit.walk.ground import SETTINGS, Ground

MODEL = "linear"
ENVIRONMENT = "staging"
_ROUTE = ("gateway.networking.k8s.io/v1", "HTTPRoute")
# As the namespaces of teams are: pods ask for nothing, and Gateways take their routes.
_LABELS = {
    "app.kubernetes.io/part-of": "models",
    "pod-security.kubernetes.io/enforce": "restricted",
}
# The pods of these tests do read this machine's files.
_WAIVER = "# modelctl: waive uri-readable until 9999-12-31: pods run on this machine\n"


def make(root: Path, *, template: str = "v2", like_local: bool = False) -> Ground:
    """A repository that serves r1 of the sample model in staging, and nothing else.

    `like_local` gives staging the Gateway and the artifacts of the environment `local`.
    """
    for folder in (f"apps/{MODEL}/releases", "argocd", f"examples/artifacts/{MODEL}"):
        shutil.copytree(PROJECT / folder, root / folder)
    shutil.copyfile(PROJECT / f"apps/{MODEL}/model.yaml", root / f"apps/{MODEL}/model.yaml")
    for each in (root / "argocd/applications").glob("*/*.yaml"):
        each.unlink()
    if like_local:
        for each in (root / f"apps/{MODEL}/releases").glob("*.yaml"):
            each.write_text(f"{each.read_text()}{_WAIVER}")
    _write_environments(root / "argocd/environments.yaml", template, like_local=like_local)
    ground = begin(root)
    serve(ground, {"r1": 100})
    assert ground.commit("apps/linear: Serve r1 in staging")
    return ground


def begin(root: Path) -> Ground:
    """Make a repository of what lies in a folder."""
    init(root)
    ground = Ground(root)
    for name, value in SETTINGS.items():
        ground.git("config", name, value)
    return ground


def _write_environments(path: Path, template: str, *, like_local: bool) -> None:
    content = yaml.safe_load(path.read_text())
    local, staging = (
        next(e for e in content["environments"] if e["name"] == name)
        for name in ("local", ENVIRONMENT)
    )
    for each in content["environments"]:
        each["template"] = template
    if like_local:
        staging |= {key: local[key] for key in ("gateway", "artifact_mirrors")}
    path.write_text(json.dumps(content, indent=1))  # which is YAML, with every value written out


def serve(
    ground: Ground,
    weights: dict[str, int],
    *,
    environment: str = ENVIRONMENT,
    shadow: tuple[str, int] | None = None,
    replicas: int = 1,
) -> None:
    """Write by hand what an environment serves, and render it."""
    copies = f"shadow: {{release: {shadow[0]}, percent: {shadow[1]}}}\n" if shadow else ""
    listed = ", ".join(f"{release}: {weight}" for release, weight in weights.items())
    ground.write(
        f"apps/{MODEL}/envs/{environment}.yaml",
        f"stable: r1\nweights: {{{listed}}}\n{copies}"
        f"scale: {{min: {replicas}, max: 4, metric: cpu, target: 70}}\n",
    )
    ground.must("render")


def files(root: Path, commit: str = "HEAD") -> Files:
    """Every file of a commit."""
    words = ["git", "-C", str(root), "archive", "--format=tar", commit, "apps", "argocd"]
    content = subprocess.run(words, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {
            member.name: found.read()
            for member in archive
            if member.isfile() and (found := archive.extractfile(member))
        }


class World:
    """The repository, the API, and the sync that follows; every moment is looked at."""

    def __init__(
        self, api: Api, ground: Ground, *, model: str = MODEL, environment: str = ENVIRONMENT
    ) -> None:
        self.api = api
        self.ground = ground
        self.model = model
        self.sick: frozenset[str] = frozenset()  # Deployments whose pods crash for ever
        self.moments = 0
        self.faults: list[str] = []
        self.argo = ArgoCd(api, environment, self._look)
        make_namespaces(api, documents(ground.root, "apps"))

    def must(self, *words: str) -> None:
        """Run a command of modelctl and commit what it did."""
        self.ground.must(*words, "--commit")

    def revert(self, count: int = 1) -> None:
        """`git revert` the newest commits, as one commit."""
        self.ground.tick()
        ran = self.ground.git("revert", "--no-commit", f"HEAD~{count}..HEAD")
        assert 0 == ran.exit_code, ran.output
        assert self.ground.commit(f"apps/{self.model}: Revert")

    def push(self) -> Synced:
        """What a sync to the newest commit does to the model; then pods come up, or crash."""
        did = self.argo.follow(files(self.ground.root)).get(self.model, Synced())
        health.settle(self.api, sick=self.sick)
        return did

    def is_synced(self) -> bool:
        """Whether what lives is what git says."""
        return self.argo.is_synced(self.model, files(self.ground.root))

    def route(self) -> Object:
        """The live route of the model's path."""
        found = [r for r in self.api.list(*_ROUTE) if r["metadata"]["name"] == self.model]
        assert 1 == len(found), found
        return found[0]

    def weights(self) -> dict[str, int]:
        """The live weights, by release."""
        rules = self.route()["spec"]["rules"]
        (shared,) = (rule for rule in rules if rule.get("name") == "shared")
        return {
            backend["name"].removeprefix(f"{self.model}-"): backend["weight"]
            for backend in shared["backendRefs"]
        }

    def running(self) -> set[str]:
        """The live Deployments."""
        return {each["metadata"]["name"] for each in self.api.list("apps/v1", "Deployment")}

    def close(self) -> None:
        """Delete what this world has put there, so that the next one begins with nothing."""
        self.ground.close()
        for item in tracked(self.api):
            self.api.delete(key(item))

    def _look(self) -> None:
        self.moments += 1
        self.faults += missing_services(self.api)


def missing_services(api: Api) -> list[str]:
    """Each route that names a Service which is not there: a gateway answers 500 for its share."""
    services = {_place(each) for each in api.list("v1", "Service")}
    return [
        f"route {_place(route)} names the missing Service {name}"
        for route in api.list(*_ROUTE)
        for name in references(route)
        if (route["metadata"]["namespace"], name) not in services
    ]


def make_namespaces(api: Api, items: Iterable[Object]) -> None:
    """A namespace for each that objects name, which admits only pods that ask for nothing."""
    for name in sorted({item["metadata"].get("namespace", "default") for item in items}):
        about = {"name": name, "labels": dict(_LABELS)}
        api.apply(
            {"apiVersion": "v1", "kind": "Namespace", "metadata": about}, manager="cluster-admin"
        )


def documents(root: Path, *folders: str) -> Iterator[Object]:
    """The Kubernetes objects in some YAML files, or in those below some folders."""
    for folder in folders:
        below = root / folder
        for path in [below] if below.is_file() else sorted(below.rglob("*.yaml")):
            for item in yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader):
                if isinstance(item, dict) and "apiVersion" in item:
                    yield item


def tracked(api: Api) -> Iterator[Object]:
    """Everything that some Application put there."""
    group_versions = ["v1", *_group_versions(api)]
    for api_version in group_versions:
        for kind in _kinds(api, api_version):
            for item in api.list(api_version, kind):
                if argo.TRACKING in item["metadata"].get("annotations", {}):
                    yield item


def _group_versions(api: Api) -> Iterator[str]:
    for group in api.raw("/apis").json()["groups"]:
        yield group["preferredVersion"]["groupVersion"]


def _kinds(api: Api, api_version: str) -> Iterator[str]:
    root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
    for each in api.raw(root).json()["resources"]:
        if (
            "/" not in each["name"]
            and each["namespaced"]
            and {"list", "delete"} <= set(each["verbs"])
        ):
            yield each["kind"]


def _place(item: Object) -> tuple[str, str]:
    return item["metadata"]["namespace"], item["metadata"]["name"]
