"""What goes with a model: its serving files first, then everything that is its own."""

from collections.abc import Iterable, Mapping

from modelctl.repo import layout, mirrors
from modelctl.repo.repository import ModelFiles, Repository


def of_servings(files: ModelFiles, environments: Iterable[str]) -> Mapping[str, None]:
    """The change that takes a model out of some environments."""
    return dict.fromkeys(layout.serving_file(files.folder, name) for name in environments)


def of_model(repository: Repository, files: ModelFiles) -> Mapping[str, None]:
    """The change that takes a model away that serves nowhere: its folder, and its own artifacts.

    An artifact in the repository that another model reads stays.
    """
    others = {
        path
        for folder in repository.folders
        if folder != files.folder
        for path in _artifacts(repository.model(folder))
    }
    own = _artifacts(files) - others
    below = repository.tree.below(layout.model_folder(files.folder))
    return dict.fromkeys([*below, *sorted(own)])


def _artifacts(files: ModelFiles) -> set[str]:
    """The files of the repository that releases of a model are read from, as far as they exist."""
    uris = [release.artifact.uri for release in files.releases.values()]
    uris += [release.golden.uri for release in files.releases.values() if release.golden]
    tables = [mirrors.table(environment) for environment in files.environments.ordered]
    paths = mirrors.read_paths(uris, [*tables, {}])
    return {path for path in paths if files.repository.tree.entry(path) is not None}
