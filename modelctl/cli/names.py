"""Words about a model or an environment that the repository does not have."""

from modelctl.errors import UsageError
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.repository import Repository


def refuse_unknown_model(repository: Repository, model: str) -> None:
    """UsageError, with the nearest name, unless the model has a folder."""
    folders = repository.folders()
    if model not in folders:
        raise UsageError(
            f"found the model {model!r}, expected a folder of {layout.APPS}/: "
            f"{hint(model, folders)}"
        )


def refuse_unknown_environment(repository: Repository, environment: str) -> None:
    """UsageError, with the nearest name, unless the environment is listed."""
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


def unserved(repository: Repository, model: str, environment: str) -> UsageError:
    """Why a model has no valid serving file in an environment."""
    refuse_unknown_model(repository, model)
    refuse_unknown_environment(repository, environment)
    path = layout.serving_file(model, environment)
    faults = [str(fault) for fault in repository.faults if fault.path == path]
    if faults:
        return UsageError("; ".join(faults))
    served = ", ".join(place.name for place, _ in repository.servings_of(model)) or "nowhere"
    return UsageError(
        f"{path}: found no such file, expected what {model} serves in {environment}: "
        f"write it, or choose where it is served: {served}"
    )
