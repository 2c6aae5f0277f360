"""The repository as one immutable value: what every rule, renderer and command reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modelctl.finding import Finding
from modelctl.model.graph import ArtifactFacts
from modelctl.repo import mirrors
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environment, Environments, Model, Release, Serving
from modelctl.repo.tree import Entry


@dataclass(frozen=True, slots=True, eq=False)
class Repository:
    """Every valid typed file of one state of the repository.

    A file with a fault of form has no typed value here, but its document (positions) where it
    could be parsed. Keys are folder names, never the `name` field, so that a rule can compare.
    Equal only to itself, so that what follows from it can be computed once and kept.
    """

    environments: Environments
    models: Mapping[str, Model]
    releases: Mapping[tuple[str, str], Release]  # (folder, release)
    servings: Mapping[tuple[str, str], Serving]  # (folder, environment)
    documents: Mapping[str, Document]  # by path, every YAML file that people edit
    artifacts: Mapping[str, ArtifactFacts]  # by path, models and goldens in the repository
    generated: Mapping[str, bytes]  # by path, every generated file as it is
    entries: Mapping[str, Entry]  # by path, every file below apps/ and argocd/
    faults: tuple[Finding, ...]  # of form, each under the rule that explains it
    texts: Mapping[str, str] = field(default_factory=dict)  # by path, what people wrote

    def faults_of(self, rule: str) -> Iterator[Finding]:
        """The faults of form that belong to a rule."""
        return (fault for fault in self.faults if fault.rule == rule)

    def folders(self) -> tuple[str, ...]:
        """Every folder below `apps/`, sorted, whether or not its model file is valid."""
        below = (path.removeprefix("apps/") for path in self.entries if path.startswith("apps/"))
        return tuple(sorted({path.split("/")[0] for path in below if "/" in path}))

    def servings_of(self, folder: str) -> Iterator[tuple[Environment, Serving]]:
        """Each environment that a model is served in, in promotion order."""
        for environment in self.environments.ordered:
            serving = self.servings.get((folder, environment.name))
            if serving is not None:
                yield environment, serving

    def releases_of(self, folder: str) -> tuple[Release, ...]:
        """The valid releases of a model, oldest first."""
        own = (release for (owner, _), release in self.releases.items() if owner == folder)
        return tuple(sorted(own, key=lambda release: int(release.id[1:])))

    def artifacts_of(self, uri: str) -> Iterator[ArtifactFacts]:
        """What is at each path of the repository that some environment reads `uri` from."""
        tables = [environment.artifact_mirrors for environment in self.environments.ordered]
        paths = mirrors.read_paths([uri], tables)
        return (self.artifacts[path] for path in paths if path in self.artifacts)
