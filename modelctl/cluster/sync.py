"""Whether the cluster has of a model what git says, and what differs. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.cluster import applications, difference, routes
from modelctl.cluster.applications import has_failed
from modelctl.cluster.facts import ModelFacts
from modelctl.status import cluster_remedies as words
from modelctl.status.values import ApplicationStatus, Sync

Json = Mapping[str, Any]

_SHOWN = 3  # objects that a reason names


def sync(
    facts: ModelFacts, told: ApplicationStatus | None, differing: tuple[str, ...]
) -> tuple[Sync, str]:
    """Whether the cluster has what git says, and why not."""
    lacking = _lacking(facts, told)
    if lacking or told is None or facts.application is None:
        return Sync.OUT_OF_SYNC, lacking
    if facts.is_elsewhere:
        return Sync.UNKNOWN, f"{words.OLD_CLONE}: {told.revision[:12]}"
    reason = "; ".join(_reasons(facts, facts.application, told, differing))
    if told.sync == "Unknown":
        said = "; ".join(filter(None, (*told.conditions, reason)))
        return Sync.UNKNOWN, f"{words.UNKNOWN}: {said or 'it has not looked yet'}"
    return (Sync.OUT_OF_SYNC, reason) if reason else (Sync.SYNCED, "")


def _lacking(facts: ModelFacts, told: ApplicationStatus | None) -> str:
    """What of the two sides is not there at all; empty where they can be compared."""
    if facts.git is None:
        return _unwanted(told)
    if facts.application is None:
        return words.NO_APPLICATION
    if applications.is_ending(facts.application):
        return words.ENDING
    return f"{words.NO_NAMESPACE}: {facts.no_namespace}" if facts.no_namespace else ""


def _unwanted(told: ApplicationStatus | None) -> str:
    what = "its Application is there" if told else "some of its objects are there"
    said = f" ({'; '.join(told.conditions)})" if told and told.conditions else ""
    return f"{words.NOT_IN_GIT} here, and {what}{said}"


def _reasons(
    facts: ModelFacts, application: Json, told: ApplicationStatus, differing: tuple[str, ...]
) -> Iterator[str]:
    """Why the cluster does not have what git says; nothing where it does."""
    behind = applications.out_of_sync(application) if told.sync == "OutOfSync" else ()
    if facts.is_behind:
        yield f"{words.BEHIND}: it compared with {told.revision[:12]}"
    if not differing and told.sync != "OutOfSync":
        return
    if facts.git is not None and facts.git.paused:
        yield f"{words.PAUSED}; changes are not applied"
    elif has_failed(told):
        yield f"{words.FAILED}: {told.message or told.operation}"
    elif told.operation == "Running":
        yield f"{words.RUNNING} {told.operation_started or 'just now'}: {told.message}"
    if differing:
        although = f", although Argo CD shows {told.sync}" if told.sync == "Synced" else ""
        yield f"{words.DIFFERS}{although}: {_few(differing)}"
    else:
        yield f"{words.SHOWN} OutOfSync: {_few(behind) or 'it does not say what'}"


def _few(items: tuple[str, ...]) -> str:
    more = f", and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return f"{', '.join(items[:_SHOWN])}{more}"


def drift(facts: ModelFacts) -> Iterator[str]:
    """What differs from git, by object; nothing of a model that git does not have."""
    if facts.git is None:
        return
    if facts.application is not None and facts.git.application is not None:
        for found in difference.application(facts.git.application, facts.application):
            yield f"Application {facts.model}: {found}"
    for kind, wanted, live, compare in (
        ("HTTPRoute", facts.git.routes, facts.routes, difference.route),
        ("Deployment", facts.git.deployments, facts.deployments, difference.deployment),
    ):
        here = {routes.name_of(each): each for each in wanted.values()}
        for name, each in here.items():
            if name not in live:
                yield f"{kind} {name[1]} is missing in {name[0]}"
            else:
                yield from (f"{kind} {name[1]}: {found}" for found in compare(each, live[name]))
        for name in sorted(live.keys() - here.keys()):
            yield f"{kind} {name[1]} in {name[0]} is not in git"
    for rival in facts.rivals:
        yield f"HTTPRoute {rival} takes the same requests, and of two the older wins"
