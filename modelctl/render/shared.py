"""From what models share to every file that is generated for no model alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from modelctl.render.argocd import bootstrap, namespaces, project, settings
from modelctl.render.emit import document
from modelctl.render.templates import TEMPLATES, Object
from modelctl.repo import layout
from modelctl.repo.kinds import Environment, Environments, Teams
from modelctl.repo.layout import Kind, place


@dataclass(frozen=True, slots=True)
class Shared:
    """What it is rendered from.

    Attributes:
        charts: By environment, the repositories of charts that the platform's Applications name.
        former: By environment and team, the teams that models of this one move from.
    """

    environments: Environments
    teams: Teams = field(default_factory=Teams)
    charts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    former: Mapping[tuple[str, str], frozenset[str]] = field(default_factory=dict)


def _gateway(environment: Environment, _: Teams) -> tuple[Object, ...]:
    template = TEMPLATES.get(environment.template)
    return template.platform(environment) if template else ()


# What is rendered for an environment as a whole, by folder of its platform.
_FOLDERS: Mapping[str, Callable[[Environment, Teams], Iterable[Object]]] = {
    "gateway": _gateway,
    "namespaces": namespaces.objects,
}


def generated_shared(shared: Shared) -> dict[str, str]:
    """Path and full text of every file that is generated for no model alone."""
    return {
        path: document(value, edit=typed_file(path))
        for environment in shared.environments.ordered
        for path, value in _of_environment(shared, environment)
    }


def typed_file(path: str) -> str:
    """The file that people edit where they want one of these files to be another."""
    where = place(path)
    is_of_a_team = where.kind is Kind.PROJECT and where.team != project.PLATFORM
    folder = layout.platform_folder(where.environment, "namespaces")
    return layout.TEAMS if is_of_a_team or path.startswith(f"{folder}/") else layout.ENVIRONMENTS


def _of_environment(shared: Shared, environment: Environment) -> Iterator[tuple[str, Object]]:
    for folder, objects in _FOLDERS.items():
        for value in objects(environment, shared.teams):
            kind, name = value["kind"], value["metadata"]["name"]
            yield layout.platform_file(environment.name, folder, kind, name), value
    if environment.engine == "argocd":
        yield from _for_argo_cd(shared, environment)


def _for_argo_cd(shared: Shared, environment: Environment) -> Iterator[tuple[str, Object]]:
    """Its root, its settings, and the projects."""
    name, source = environment.name, shared.environments.source
    yield layout.bootstrap_file(name), bootstrap.root(environment, source)
    for value in settings.objects(environment, source):
        yield layout.settings_file(name, value["kind"], value["metadata"]["name"]), value
    platform = project.platform_project(source, shared.charts.get(name, ()))
    yield layout.project_file(name, project.PLATFORM), platform
    for team in shared.teams.ordered:
        if team.serves_in(environment):
            former = shared.former.get((name, team.name), ())
            yield layout.project_file(name, team.name), project.team_project(team, source, former)
