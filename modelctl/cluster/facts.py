"""What is known of each model: what git wants of it, beside what the cluster has. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelctl.cluster import applications, routes
from modelctl.cluster.lists import Live
from modelctl.cluster.pods import Pod, pod
from modelctl.cluster.wanted import Compared, WantedModel
from modelctl.repo.git import Commit

Json = Mapping[str, Any]

_MODEL, _RELEASE = "app.kubernetes.io/name", "app.kubernetes.io/version"
_COMPONENT = "app.kubernetes.io/component"
_MANAGER = ("app.kubernetes.io/managed-by", "modelctl")


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What is known of one model.

    `git` is None where git does not have it, `application` where the cluster has none. `routes` and
    `deployments` are live, by namespace and name; `pods` by release. `rivals` are other routes that
    take the same requests. `commit` is the last of its folder. `is_elsewhere` tells that Argo CD
    has compared it with a commit that is not in the history here, `is_behind` with one since which
    it has changed; `no_namespace` is the one that its objects are for, where it is not there.
    """

    model: str
    git: WantedModel | None = None
    application: Json | None = None
    routes: Mapping[tuple[str, str], Json] = field(default_factory=dict)
    deployments: Mapping[tuple[str, str], Json] = field(default_factory=dict)
    pods: Mapping[str, tuple[Pod, ...]] = field(default_factory=dict)
    rivals: tuple[str, ...] = ()
    commit: Commit | None = None
    is_elsewhere: bool = False
    is_behind: bool = False
    no_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Applications:
    """The Applications of a cluster: those of models here, of models elsewhere by environment."""

    models: Mapping[str, Json]
    elsewhere: Mapping[str, int]
    others: Mapping[str, Json]


def sorted_out(live: Live, environment: str, models: Mapping[str, WantedModel]) -> Applications:
    """What each Application of a cluster is for.

    One whose path was changed by hand is known by its name, once others show that this is the
    cluster of the environment.
    """
    here: dict[str, Json] = {}
    strayed: dict[str, Json] = {}
    others: dict[str, Json] = {}
    for each in live.applications:
        name, pair = routes.name_of(each)[1], applications.pair(each)
        if pair is not None and pair[1] == environment:
            here[pair[0]] = each
        elif pair is not None or (name in models and _label(each, _COMPONENT) == "application"):
            strayed[name] = each
        else:
            others[name] = each
    if here:
        here = {name: each for name, each in strayed.items() if name in models} | here
    elsewhere = Counter(pair[1] for each in strayed.values() if (pair := applications.pair(each)))
    return Applications(here, elsewhere, others)


def facts(
    models: Mapping[str, WantedModel],
    commits: Mapping[str, Commit],
    live: Live,
    found: Mapping[str, Json],
    compared: Compared,
) -> Iterator[ModelFacts]:
    """What is known of every model that git or the cluster has, by name.

    `found` are the Applications by model.
    """
    live_routes = _by_model(live.routes, "route")
    deployments = _by_model(live.deployments, "server")
    every = {routes.name_of(each): each for each in live.routes}
    by_place = routes.takers(live.routes)
    pods = _pods(live.pods)
    names = {*models, *found, *live_routes, *deployments}
    for name in sorted(names):
        own = live_routes.get(name, {}) | _named(models.get(name), every)
        application = found.get(name)
        revision = applications.application_status(application).revision if application else ""
        yield ModelFacts(
            model=name,
            git=models.get(name),
            application=application,
            routes=own,
            deployments=deployments.get(name, {}),
            pods=pods.get(name, {}),
            rivals=_rivals(models.get(name), own, by_place),
            commit=commits.get(name),
            is_elsewhere=revision in compared.elsewhere,
            is_behind=(revision, name) in compared.changed,
            no_namespace=_lacking(models.get(name), live.namespaces),
        )


def _lacking(git: WantedModel | None, namespaces: frozenset[str]) -> str:
    """The namespace that a model's objects are for, where the cluster does not have it."""
    meant = git.namespace if git else ""
    return "" if meant in namespaces else meant


def _named(
    git: WantedModel | None, every: Mapping[tuple[str, str], Json]
) -> dict[tuple[str, str], Json]:
    """The live routes that bear the names of those in git, whatever their labels are now."""
    names = map(routes.name_of, git.routes.values() if git else ())
    return {name: every[name] for name in names if name in every}


def _rivals(
    git: WantedModel | None,
    own: Mapping[tuple[str, str], Json],
    by_place: Mapping[routes.Taken, list[tuple[str, str]]],
) -> tuple[str, ...]:
    wanted = git.routes.values() if git else ()
    mine = {routes.name_of(each) for each in wanted}
    found = [name for each in wanted for name in routes.rivals(each, by_place)]
    named = {"/".join(name) for name in (*mine, *own)}
    return tuple(name for name in dict.fromkeys(found) if name not in named)


def _by_model(items: tuple[Json, ...], component: str) -> dict[str, dict[tuple[str, str], Json]]:
    """Objects that modelctl has rendered for a model, by model, then by namespace and name."""
    found: dict[str, dict[tuple[str, str], Json]] = {}
    for each in items:
        is_ours = _label(each, _MANAGER[0]) == _MANAGER[1] and _label(each, _COMPONENT) == component
        if is_ours:
            found.setdefault(_label(each, _MODEL), {})[routes.name_of(each)] = each
    return found


def _pods(items: tuple[Json, ...]) -> dict[str, dict[str, tuple[Pod, ...]]]:
    """The pods that may still serve, by model and release."""
    found: dict[str, dict[str, tuple[Pod, ...]]] = {}
    for each in items:
        one = pod(each)
        if one is not None:
            releases = found.setdefault(_label(each, _MODEL), {})
            release = _label(each, _RELEASE)
            releases[release] = (*releases.get(release, ()), one)
    return found


def _label(item: Json, name: str) -> str:
    labels = (item.get("metadata") or {}).get("labels") or {}
    return str(labels.get(name) or "")
