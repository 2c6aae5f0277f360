"""From typed files to all generated files, as a pure function.

The same files give the same bytes on every machine; no clock, version or file is read.
"""

from collections.abc import Iterator, Mapping

from modelctl.render.emit import document
from modelctl.render.shared import Shared, generated_shared
from modelctl.render.templates import TEMPLATES, Object
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, Model, Release, Serving
from modelctl.repo.repository import ModelFiles

__all__ = ["Shared", "generated", "generated_shared", "objects"]


def generated(files: ModelFiles) -> dict[str, str]:
    """Path and full text of every generated file of a model, in the order of environments.

    An environment is passed over where the model, a release that it serves or the template has no
    valid value: the fault has a finding of its own, and the rest is rendered.
    """
    return {
        path: text
        for environment, serving in files.served
        for path, text in _files(files, environment, serving)
    }


def objects(
    model: Model, releases: Mapping[str, Release], serving: Serving, environment: Environment
) -> tuple[Object, ...]:
    """The Kubernetes objects of one model in one environment, without its Application.

    `releases` has at least every deployed release, by id.

    Raises:
        KeyError: A deployed release or the environment's template is missing.
    """
    deployed = [releases[release] for release in serving.deployed]
    return TEMPLATES[environment.template].objects(model, deployed, serving, environment)


def _files(
    files: ModelFiles, environment: Environment, serving: Serving
) -> Iterator[tuple[str, str]]:
    model, template = files.model, TEMPLATES.get(environment.template)
    missing = [release for release in serving.deployed if release not in files.releases]
    if model is None or template is None or missing:
        return
    edit = layout.serving_file(files.folder, environment.name)
    for value in objects(model, files.releases, serving, environment):
        kind, name = value["kind"], value["metadata"]["name"]
        path = layout.rendered_file(files.folder, environment.name, kind, name)
        yield path, document(value, edit=edit)
    if environment.engine == "argocd":
        application = template.application(model, serving, files.environments.source)
        path = layout.application_file(environment.name, files.folder)
        yield path, document(application, edit=edit)
