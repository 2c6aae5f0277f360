"""The status of one model in a cluster, from what is known of it. Pure.

Argo CD's word is told, and not relied on: a model is Synced only where its live routes and
Deployments are those of git.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from modelctl.cluster import applications, routes
from modelctl.cluster.facts import ModelFacts
from modelctl.cluster.health import health
from modelctl.cluster.releases import ReleaseFacts, contract_of, percent, release_status
from modelctl.cluster.sync import drift, sync
from modelctl.render.served import Served, served_by_object
from modelctl.repo.layout import is_release, release_number
from modelctl.status.contract import contract
from modelctl.status.values import ModelStatus, ReleaseStatus, ShadowStatus

Json = Mapping[str, Any]


def model_status(facts: ModelFacts) -> ModelStatus:
    """The status of one model."""
    releases = tuple(_releases(facts))
    told = applications.application_status(facts.application) if facts.application else None
    differing = tuple(drift(facts))
    is_synced, sync_reason = sync(facts, told, differing)
    how_well, health_reason = health(facts, told, releases)
    is_old = facts.is_elsewhere or facts.is_behind
    is_applied = facts.git is not None and not differing and not is_old
    return ModelStatus(
        model=facts.model,
        sync=is_synced,
        sync_reason=sync_reason,
        health=how_well,
        health_reason=health_reason,
        paused=facts.git is not None and facts.git.paused,
        commit=facts.commit if is_applied else None,
        wanted=facts.commit,
        contract=contract(contract_of(tuple(facts.deployments.values()))),
        share_since=None,
        releases=releases,
        shadow=_shadow(facts),
        events=tuple(applications.events(facts.application)) if facts.application else (),
        drift=differing,
        application=told,
    )


def _releases(facts: ModelFacts) -> Iterator[ReleaseStatus]:
    """The status of every release that git or the cluster has."""
    wanted = _by_release(facts.model, facts.git.deployments.values() if facts.git else ())
    live = _by_release(facts.model, facts.deployments.values())
    asked, shared = _asked(facts), _shared(facts)
    named = {*wanted, *live, *facts.pods}
    named |= {release for release, weight in (shared.weights if shared else {}).items() if weight}
    for release in sorted(filter(is_release, named), key=release_number):
        yield release_status(
            ReleaseFacts(
                release=release,
                wanted=wanted.get(release),
                live=live.get(release),
                pods=facts.pods.get(release, ()),
                role=_role(facts, release, asked, shared),
                weight=percent(asked, release),
                live_weight=percent(shared, release),
            )
        )


def _by_release(model: str, deployments: Iterable[Json]) -> dict[str, Json]:
    return {routes.name_of(each)[1].removeprefix(f"{model}-"): each for each in deployments}


def _asked(facts: ModelFacts) -> Served | None:
    return facts.git.served if facts.git else None


def _shared(facts: ModelFacts) -> Served | None:
    """What the live route of the model shares out; None without one."""
    route = _main_route(facts)
    return served_by_object(route) if route is not None else None


def _main_route(facts: ModelFacts) -> Json | None:
    """The live route that git means, or where git has none, any that bears the model's name."""
    meant = facts.git.routes.get(facts.model) if facts.git else None
    if meant is not None:
        return facts.routes.get(routes.name_of(meant))
    return next((each for name, each in facts.routes.items() if name[1] == facts.model), None)


def _shadow(facts: ModelFacts) -> ShadowStatus | None:
    return routes.shadow(_main_route(facts))


def _role(facts: ModelFacts, release: str, asked: Served | None, shared: Served | None) -> str:
    """What git's route calls a release, or where git has none, the live one."""
    said = asked or shared
    if said is not None and release in said.weights:
        return "stable" if release == said.stable else "canary"
    copied = _shadow(facts)
    return "shadow" if copied is not None and copied.release == release else ""
