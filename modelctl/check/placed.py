"""Violations at a value of a typed file: a rule says which value, the place is looked up here."""

from modelctl.finding import Violation
from modelctl.repo import layout
from modelctl.repo.repository import Files, ModelFiles

At = str | int


def in_model(files: ModelFiles, *at: At, message: str, remedy: str) -> Violation:
    """A violation at a value of `model.yaml`."""
    return _placed(files, layout.model_file(files.folder), at, message, remedy)


def in_release(files: ModelFiles, release: str, *at: At, message: str, remedy: str) -> Violation:
    """A violation at a value of a release."""
    return _placed(files, layout.release_file(files.folder, release), at, message, remedy)


def in_serving(
    files: ModelFiles, environment: str, *at: At, message: str, remedy: str
) -> Violation:
    """A violation at a value of the serving file of an environment."""
    return _placed(files, layout.serving_file(files.folder, environment), at, message, remedy)


def in_environments(files: Files, *at: At, message: str, remedy: str) -> Violation:
    """A violation at a value of the list of environments."""
    return _placed(files, layout.ENVIRONMENTS, at, message, remedy)


def _placed(files: Files, path: str, at: tuple[At, ...], message: str, remedy: str) -> Violation:
    return Violation(path, files.documents[path].at(*at), message, remedy)
