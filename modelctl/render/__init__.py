"""From the typed files to every generated file: a pure function of the repository.

The same repository gives the same bytes on every machine; no clock, version or file is read.
"""

from collections.abc import Iterator, Mapping

from modelctl.render.emit import document
from modelctl.render.templates import TEMPLATES, Object
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, Model, Release, Serving
from modelctl.repo.repository import Repository

__all__ = ["generated", "objects"]


def generated(repository: Repository) -> dict[str, str]:
    """Path and full text of every generated file, in the order of models and environments.

    A model is passed over in an environment where its own file, a release that it serves or the
    template has no valid value: the fault has a finding of its own, and the rest is rendered.
    """
    return {
        path: text
        for folder in sorted(repository.models)
        for environment, serving in repository.servings_of(folder)
        for path, text in _files(repository, folder, environment, serving)
    }


def objects(
    model: Model, releases: Mapping[str, Release], serving: Serving, environment: Environment
) -> tuple[Object, ...]:
    """The Kubernetes objects of one model in one environment, without its Application.

    `releases` has at least every deployed release, by id.

    Raises:
        KeyError: a deployed release or the environment's template is missing.

    """
    deployed = [releases[release] for release in serving.deployed]
    return TEMPLATES[environment.template].objects(model, deployed, serving, environment)


def _files(
    repository: Repository, folder: str, environment: Environment, serving: Serving
) -> Iterator[tuple[str, str]]:
    model = repository.models[folder]
    found = {release: repository.releases.get((folder, release)) for release in serving.deployed}
    releases = {key: release for key, release in found.items() if release is not None}
    template = TEMPLATES.get(environment.template)
    if template is None or len(releases) < len(found):
        return
    edit = layout.serving_file(folder, environment.name)
    for value in objects(model, releases, serving, environment):
        kind, name = value["kind"], value["metadata"]["name"]
        path = layout.rendered_file(folder, environment.name, kind, name)
        yield path, document(value, edit=edit)
    if environment.engine == "argocd":
        application = template.application(model, serving, repository.environments.source)
        yield layout.application_file(environment.name, folder), document(application, edit=edit)
