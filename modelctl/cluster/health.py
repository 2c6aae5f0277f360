"""Whether what a cluster runs of a model is well. Pure."""

from collections.abc import Iterator, Mapping

from modelctl.cluster import applications, routes
from modelctl.cluster.facts import ModelFacts
from modelctl.cluster.releases import MISSING, is_bad
from modelctl.status import cluster_remedies as words
from modelctl.status.values import ApplicationStatus, Health, ReleaseStatus

_HEALTH: Mapping[str, Health] = {
    "Healthy": Health.HEALTHY,
    "Progressing": Health.PROGRESSING,
    "Suspended": Health.PROGRESSING,
    "Missing": Health.MISSING,
    "Degraded": Health.DEGRADED,
}
_WORSE = tuple(Health)  # from the best to the worst


def health(
    facts: ModelFacts, told: ApplicationStatus | None, releases: tuple[ReleaseStatus, ...]
) -> tuple[Health, str]:
    """The worst of what Argo CD says and what pods and routes show, with all that shows it."""
    own = list(_signs(facts, releases))
    said = _HEALTH.get(told.health, Health.UNKNOWN) if told else Health.HEALTHY
    worst = max((said, *(sign for sign, _ in own)), key=_WORSE.index)
    if worst is Health.HEALTHY:
        return worst, ""
    reasons = tuple(reason for sign, reason in own if sign is worst)
    if not reasons and told is not None and facts.application is not None:
        unwell = applications.unwell(facts.application)
        reasons = unwell or (f"{words.SHOWN} {told.health}",)
    return worst, "; ".join(reasons)


def _signs(facts: ModelFacts, releases: tuple[ReleaseStatus, ...]) -> Iterator[tuple[Health, str]]:
    """What is not well, each with how bad that is."""
    if not releases:
        yield Health.MISSING, "nothing of it runs"
    for each in releases:
        if each.state == MISSING:
            yield Health.MISSING, f"{each.release}: {each.reason}"
        elif is_bad(each):
            yield Health.DEGRADED, f"{each.release}: {each.reason or each.state}"
        elif each.state != "Ready" and each.replicas:
            why = f" ({each.reason})" if each.reason else ""
            yield Health.PROGRESSING, f"{each.release}: {each.ready}/{each.replicas} ready{why}"
    for name, route in sorted(facts.routes.items()):
        complaints = routes.complaints(route)
        for complaint in complaints:
            yield Health.DEGRADED, f"HTTPRoute {name[1]}: {complaint}"
        if not complaints and not routes.is_taken(route):
            yield Health.PROGRESSING, f"HTTPRoute {name[1]}: no gateway has taken it as it is now"
