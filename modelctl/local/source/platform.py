"""What a revision tells the Gateway of an environment, for all models."""

from modelctl.gateway.fields import parse
from modelctl.gateway.reading import Objects, read
from modelctl.repo import layout
from modelctl.repo.repository import Repository


def platform(repository: Repository, environment: str) -> Objects | None:
    """The routes and policies rendered for a Gateway; None where its template has none.

    Raises:
        ObjectError: One is malformed, or has a field that is not known here.
    """
    folder = f"{layout.platform_folder(environment, 'gateway')}/"
    own = {
        path: content for path, content in repository.generated.items() if path.startswith(folder)
    }
    return read(parse(path, content) for path, content in own.items()) if own else None
