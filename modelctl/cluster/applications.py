"""What an Application says of its model, and whether that is to be believed. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.status.event import Event
from modelctl.status.values import ApplicationStatus

Json = Mapping[str, Any]

ROOT = "root"  # the Application that brings all others
_PATH = re.compile(r"apps/(?P<model>[^/]+)/rendered/(?P<environment>[^/]+)/?")
_SUCCEEDED = frozenset({"", "Succeeded", "Running"})


def pair(application: Json) -> tuple[str, str] | None:
    """The model and the environment that an Application is for; None where it is no model's."""
    found = _PATH.fullmatch(str(_at(application, "spec", "source", "path") or ""))
    return (found["model"], found["environment"]) if found else None


def application_status(application: Json) -> ApplicationStatus:
    """What Argo CD says, in its own words."""
    operation = _at(application, "status", "operationState") or {}
    if application.get("operation") and not operation.get("phase"):
        operation = {"phase": "Running"}  # it was asked for, and nobody has begun it
    return ApplicationStatus(
        name=str(_at(application, "metadata", "name")),
        namespace=str(_at(application, "spec", "destination", "namespace") or ""),
        project=str(_at(application, "spec", "project") or ""),
        sync=str(_at(application, "status", "sync", "status") or "Unknown"),
        health=str(_at(application, "status", "health", "status") or "Unknown"),
        revision=str(_at(application, "status", "sync", "revision") or ""),
        reconciled=_at(application, "status", "reconciledAt"),
        operation=str(operation.get("phase") or ""),
        operation_started=operation.get("startedAt"),
        message=" ".join(str(operation.get("message") or "").split()),
        conditions=tuple(words for words, _ in _conditions(application)),
    )


def has_failed(status: ApplicationStatus) -> bool:
    """Whether its last sync came to an end that is none."""
    return status.operation not in _SUCCEEDED


def is_ending(application: Json) -> bool:
    """Whether it is being deleted."""
    return bool(_at(application, "metadata", "deletionTimestamp"))


def out_of_sync(application: Json) -> tuple[str, ...]:
    """The objects that Argo CD shows as OutOfSync.

    A Service of a former release, which stays on purpose and asks to be pruned for ever, is named
    only where there is nothing else.
    """
    found = [each for each in _resources(application) if each.get("status") == "OutOfSync"]
    counted = [each for each in found if not is_former_service(each)]
    return tuple(f"{each.get('kind')} {each.get('name')}" for each in counted or found)


def is_former_service(resource: Json) -> bool:
    """Whether an object of an Application is a Service that outlives its release."""
    return resource.get("kind") == "Service" and resource.get("requiresPruning") is True


def unwell(application: Json) -> tuple[str, ...]:
    """The objects whose health Argo CD shows as bad, with its words; often it does not say."""
    return tuple(
        f"{each.get('kind')} {each.get('name')}: {health.get('message') or health.get('status')}"
        for each in _resources(application)
        if (health := each.get("health") or {}).get("status") in {"Degraded", "Missing"}
    )


def events(application: Json) -> Iterator[Event]:
    """What Argo CD complains of, and how its last sync ended if that was badly; newest first."""
    found = [Event(time, "error", words) for words, time in _conditions(application) if time]
    operation = _at(application, "status", "operationState") or {}
    status = application_status(application)
    ended = operation.get("finishedAt") or operation.get("startedAt")
    if has_failed(status) and ended:
        retries = f" after {operation['retryCount']} tries" if operation.get("retryCount") else ""
        found.append(Event(str(ended), "error", f"sync {status.operation}{retries}"))
    yield from sorted(found, key=lambda event: event.time, reverse=True)


def others(applications: Mapping[str, Json]) -> Iterator[Event]:
    """Of the Applications that are no model's: each that is not Synced and Healthy, as an event."""
    for name, each in sorted(applications.items()):
        status = application_status(each)
        well = status.sync == "Synced" and status.health in {"Healthy", "Progressing"}
        if not well:
            said = (*status.conditions, status.message if has_failed(status) else "")
            words = "; ".join(filter(None, said))
            message = f"Application {name}: {status.sync}, {status.health}"
            time = status.reconciled or _at(each, "metadata", "creationTimestamp")
            if time:
                yield Event(str(time), "warning", f"{message}{': ' if words else ''}{words}")


def _conditions(application: Json) -> Iterator[tuple[str, str]]:
    """What Argo CD complains of, each with when it began to."""
    for each in _at(application, "status", "conditions") or ():
        words = " ".join(str(each.get("message") or "").split())
        yield f"{each.get('type')}: {words}", str(each.get("lastTransitionTime") or "")


def _resources(application: Json) -> Iterator[Json]:
    return (each for each in _at(application, "status", "resources") or ())


def _at(value: object, *keys: str) -> Any:  # noqa: ANN401 - whatever stands there
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value
