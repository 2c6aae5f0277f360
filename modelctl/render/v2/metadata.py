"""Names, namespaces and labels: what ties the objects of a model together."""

from typing import Any

from modelctl.repo.kinds import Model, Release, namespace_of


def namespace(model: Model) -> str:
    """Namespace of a model's objects: the owning team's."""
    return namespace_of(model.owner)


def release_name(model: Model, release: str) -> str:
    """Name of every object of one release, given its id."""
    return f"{model.name}-{release}"


def selector(model: Model, release: Release) -> dict[str, str]:
    """The labels that select the pods of one release.

    As few as tell the pods of every release in the namespace apart: a Deployment's selector can
    never be changed, so nothing that might change has a place in it. `version` may be in it
    because a release is never edited.
    """
    return {"app.kubernetes.io/name": model.name, "app.kubernetes.io/version": release.id}


def model_metadata(model: Model, *, component: str) -> dict[str, Any]:
    """Metadata of an object that all releases share; it has no version that could change."""
    return {
        "name": model.name,
        "namespace": namespace(model),
        "labels": {"app.kubernetes.io/name": model.name, **_constant(component)},
    }


def release_metadata(model: Model, release: Release) -> dict[str, Any]:
    """Metadata of an object of one release."""
    return {
        "name": release_name(model, release.id),
        "namespace": namespace(model),
        "labels": release_labels(model, release),
    }


def release_labels(model: Model, release: Release) -> dict[str, str]:
    """Labels of an object of one release, and of its pods."""
    return {**selector(model, release), **_constant("server")}


def _constant(component: str) -> dict[str, str]:
    return {
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/part-of": "models",
        "app.kubernetes.io/managed-by": "modelctl",
    }
