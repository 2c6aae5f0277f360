"""What Argo CD's sync does to the objects of a repository, played on a real API server.

Argo CD itself does not build from its module. This plays what was measured of version 3.5.1 with
the settings that are rendered: it reads Applications and projects from a commit, compares what git
says with what lives, and applies and prunes as `gitops-engine` orders it: a dry run of everything,
then wave by wave; in a wave first the prunes, then objects by kind. A wave waits for the health of
the one before it, and `PruneLast` makes a wave of its own. No time passes: an operation that would
wait is one that is left running.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from tests.cluster import health
from tests.cluster.api import Api, Key, Object, RefusedError, key, without_bookkeeping

TRACKING = "argocd.argoproj.io/tracking-id"
_OPTIONS = "argocd.argoproj.io/sync-options"
_COMPARE = "argocd.argoproj.io/compare-options"
_WAVE = "argocd.argoproj.io/sync-wave"
_ARGO = "argoproj.io/v1alpha1"
_FOREGROUND = "foreground"
# The order of gitops-engine; what is not named, as every custom resource, comes behind.
_ORDER = (
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
)

Files = Mapping[str, bytes]  # by path, the files of a commit


@dataclass(slots=True)
class Synced:
    """What one sync of an Application did."""

    applied: list[str] = field(default_factory=list)
    pruned: list[str] = field(default_factory=list)
    waits_for: list[str] = field(default_factory=list)
    failed: str = ""

    @property
    def done(self) -> bool:
        """Whether git is applied as a whole."""
        return not self.failed and not self.waits_for


@dataclass(frozen=True, slots=True)
class Application:
    """An Application and its project, as far as a sync asks."""

    name: str
    namespace: str
    path: str
    options: frozenset[str]
    namespaces: frozenset[str]  # that the project lets it reach
    kinds: frozenset[tuple[str, str]]  # group and kind that it may have there

    @property
    def propagation(self) -> str:
        """How what is pruned takes what it owns with it."""
        begin = "PrunePropagationPolicy="
        found = [o.removeprefix(begin) for o in self.options if o.startswith(begin)]
        return (found or [_FOREGROUND])[0].capitalize()

    def tracking(self, which: Key) -> str:
        """What marks an object as this Application's."""
        return f"{self.name}:{which.group}/{which.kind}:{which.namespace}/{which.name}"


class ArgoCd:
    """Applications of one environment; `seen` is called after each call that changes something."""

    def __init__(self, api: Api, environment: str, seen: Callable[[], None]) -> None:
        self._api = api
        self._environment = environment
        self._seen = seen
        self._known: dict[str, Application] = {}  # what it knew before, to end what is gone
        self._kinds: set[tuple[str, str]] = set()  # every kind that it has ever managed
        self._running: dict[str, list[Object]] = {}  # what an operation still waits for

    def follow(self, files: Files) -> dict[str, Synced]:
        """Bring every Application to a commit, as far as a sync gets now."""
        wanted = {each.name: each for each in applications(files, self._environment)}
        for gone in self._known.keys() - wanted.keys():
            self._end(self._known[gone])
        self._known = wanted
        return {name: self._sync(each, files) for name, each in sorted(wanted.items())}

    def is_synced(self, name: str, files: Files) -> bool:
        """Whether a comparison finds no difference that Argo CD would call one."""
        application = self._known[name]
        targets = self._targets(application, files)
        differing = [item for item in targets if self._differs(item)]
        extra = self._extra(application, targets)
        counted = [item for item in extra if "IgnoreExtraneous" not in _said(item, _COMPARE)]
        return not differing and not counted

    def _sync(self, application: Application, files: Files) -> Synced:
        did = Synced()
        did.waits_for = [str(key(item)) for item in self._waited_for(application.name)]
        if did.waits_for:
            return did  # one operation at a time: the newest commit waits for its end
        targets = self._targets(application, files)
        try:
            self._refuse(application, targets)
            changed = [item for item in targets if self._differs(item)]
            for item in changed:
                self._api.apply(item, dry_run=True)
            self._run(application, changed, self._extra(application, targets), did)
        except RefusedError as refused:
            did.failed = str(refused)
        return did

    def _run(
        self, application: Application, changed: list[Object], extra: list[Object], did: Synced
    ) -> None:
        prunes = [each for each in extra if "Prune=false" not in _said(each, _OPTIONS)]
        waves = {_wave(item) for item in changed}
        last = max(waves, default=0) + 1 if "PruneLast=true" in application.options else None
        if prunes:
            waves |= {last if last is not None else 0}
        before: list[Object] = []
        for wave in sorted(waves):
            if sick := [item for item in before if not self._is_healthy(key(item))]:
                self._running[application.name] = sick
                did.waits_for = [str(key(item)) for item in sick]
                return
            for each in prunes if wave == (last if last is not None else 0) else ():
                self._prune(application, key(each), did)
            before = sorted((i for i in changed if _wave(i) == wave), key=place)
            for item in before:
                self._api.apply(item)
                did.applied.append(str(key(item)))
                self._seen()

    def _prune(self, application: Application, which: Key, did: Synced) -> None:
        self._api.delete(which, propagation=application.propagation)
        did.pruned.append(str(which))
        self._seen()

    def _end(self, application: Application) -> None:
        """What the finalizer of a deleted Application does: everything goes, Services too."""
        for each in self._live(application):
            self._api.delete(key(each))
            self._seen()

    def _targets(self, application: Application, files: Files) -> list[Object]:
        found = []
        for item in documents(files, f"{application.path}/"):
            item["metadata"].setdefault("namespace", application.namespace)
            which = key(item)
            self._kinds.add((which.api_version, which.kind))
            marks = item["metadata"].setdefault("annotations", {})
            marks[TRACKING] = application.tracking(which)
            found.append(item)
        return found

    def _refuse(self, application: Application, targets: Iterable[Object]) -> None:
        """What the project does not let in, and what another Application has."""
        for which in map(key, targets):
            if (which.group, which.kind) not in application.kinds:
                raise RefusedError(403, f"{which.group}/{which.kind} is not permitted in project")
            if which.namespace not in application.namespaces:
                raise RefusedError(403, f"namespace {which.namespace} is not permitted in project")
            live = self._api.get(which) or {"metadata": {}}
            owner = live["metadata"].get("annotations", {}).get(TRACKING, "").partition(":")[0]
            shared = owner and owner != application.name
            if shared and "FailOnSharedResource=true" in application.options:
                both = f"{owner} and {application.name}"
                raise RefusedError(409, f"{which} is part of applications {both}")

    def _differs(self, item: Object) -> bool:
        live = self._api.get(key(item))
        if live is None:
            return True
        applied = self._api.apply(item, dry_run=True)
        return without_bookkeeping(live) != without_bookkeeping(applied)

    def _extra(self, application: Application, targets: Iterable[Object]) -> list[Object]:
        wanted = {key(item) for item in targets}
        return [item for item in self._live(application) if key(item) not in wanted]

    def _live(self, application: Application) -> Iterator[Object]:
        for api_version, kind in sorted(self._kinds):
            for namespace in sorted(application.namespaces):
                for item in self._api.list(api_version, kind, namespace):
                    mark = item["metadata"].get("annotations", {}).get(TRACKING)
                    if mark == application.tracking(key(item)):
                        yield item

    def _waited_for(self, name: str) -> list[Object]:
        sick = [item for item in self._running.pop(name, []) if not self._is_healthy(key(item))]
        if sick:
            self._running[name] = sick
        return sick

    def _is_healthy(self, which: Key) -> bool:
        return health.is_healthy(self._api.get(which))


def applications(files: Files, environment: str) -> Iterator[Application]:
    """The Applications of models in an environment, as a commit has them."""
    projects = {
        item["metadata"]["name"]: item["spec"]
        for item in documents(files, f"argocd/projects/{environment}/")
    }
    for item in documents(files, f"argocd/applications/{environment}/"):
        spec = item["spec"]
        project = projects[spec["project"]]
        yield Application(
            item["metadata"]["name"],
            spec["destination"]["namespace"],
            spec["source"]["path"],
            frozenset(spec["syncPolicy"].get("syncOptions", ())),
            frozenset(each["namespace"] for each in project["destinations"]),
            frozenset((k["group"], k["kind"]) for k in project["namespaceResourceWhitelist"]),
        )


def documents(files: Files, folder: str) -> Iterator[Any]:
    """The objects of every YAML file below a folder."""
    for path in sorted(files):
        if path.startswith(folder) and path.endswith(".yaml"):
            yield from filter(None, yaml.load_all(files[path], Loader=yaml.CSafeLoader))


def _said(item: Object, annotation: str) -> set[str]:
    words = item["metadata"].get("annotations", {}).get(annotation, "")
    return {word.strip() for word in words.split(",")}


def _wave(item: Object) -> int:
    return int(item["metadata"].get("annotations", {}).get(_WAVE, "0"))


def place(item: Object) -> tuple[int, str]:
    """Where an object stands in a sync: by kind, then by name."""
    kind = item["kind"]
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER), item["metadata"]["name"]
