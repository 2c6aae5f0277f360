"""Words about a model or an environment that the repository does not have."""

from modelctl.errors import UsageError
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.repository import ModelFiles, Repository


def refuse_unknown_model(repository: Repository, model: str) -> None:
    """Return if the model has a folder.

    Raises:
        UsageError: It has none; the message has the nearest name.
    """
    folders = repository.folders
    if model not in folders:
        raise UsageError(
            f"found the model {model!r}, expected a folder of {layout.APPS}/: "
            f"{hint(model, folders)}"
        )


def refuse_unknown_environment(repository: Repository, environment: str) -> None:
    """Return if the environment is listed.

    Raises:
        UsageError: It is not; the message has the nearest name.
    """
    listed = [environment.name for environment in repository.environments.ordered]
    if not listed:
        raise UsageError(
            f"{layout.ENVIRONMENTS}: found no environment that is valid: run `modelctl check`"
        )
    if environment not in listed:
        raise UsageError(
            f"found the environment {environment!r}, expected one of {layout.ENVIRONMENTS}: "
            f"{hint(environment, listed)}"
        )


def unserved(files: ModelFiles, environment: str) -> UsageError:
    """The error that says why a model has no valid serving file in an environment.

    Raises:
        UsageError: There is no such model or environment.
    """
    path = layout.serving_file(files.folder, environment)
    faults = [str(fault) for fault in files.faults if fault.path == path]
    if faults:
        return UsageError("; ".join(faults))
    refuse_unknown_model(files.repository, files.folder)
    refuse_unknown_environment(files.repository, environment)
    served = ", ".join(place.name for place, _ in files.served) or "nowhere"
    return UsageError(
        f"{path}: found no such file, expected what {files.folder} serves in {environment}: "
        f"write it, or choose where it is served: {served}"
    )


def refuse_unknown_release(files: ModelFiles, release: str) -> None:
    """Return if the model has a valid file of the release.

    Raises:
        UsageError: It has none; the message has the nearest name.
    """
    if release not in files.releases:
        raise UsageError(
            f"found the release {release!r}, expected a valid one of {files.folder}: "
            f"{hint(release, files.releases)}"
        )
