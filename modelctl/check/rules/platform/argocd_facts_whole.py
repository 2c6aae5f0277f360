"""What is said of Argo CD and of the repository has what it needs to have an effect.

## What it does
Looks in `argocd/environments.yaml` for single sign-on without the address of Argo CD, commit
statuses without the `forge` that they go to, a `forge` that does not serve the repository's
host, an address without a repository in it, and a branch name that git would not take.

## Why
Each of these is rendered without an error and does nothing: nobody can sign in, no commit is told
what became of it, and Argo CD reads a branch that nobody can push to.

## Bad
```yaml
repository: {url: "https://github.com/acme/models.git", revision: refs/heads/main, forge: gitlab}
```

## Good
```yaml
repository: {url: "https://github.com/acme/models.git", revision: refs/heads/main, forge: github}
```
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from modelctl.check.placed import in_environments
from modelctl.finding import Level, Scope, Violation
from modelctl.repo.kinds import GitSource
from modelctl.repo.repository import Files, Repository

ID = "argocd-facts-whole"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

# Source: git-check-ref-format.
_NO_BRANCH = re.compile(r"\.\.|//|/\.|\.lock(/|$)|[/.]$|^refs/heads/[./-]")
_OF_ONE_FORGE = {"github.com": "github", "gitlab.com": "gitlab", "gitea.com": "gitea"}
_Told = tuple[tuple[str, ...], str, str]  # place, message, remedy


def check(files: Files) -> Iterator[Violation]:
    """One finding for each that has no effect."""
    if not isinstance(files, Repository) or not files.environments.ordered:
        return
    source = files.environments.source
    for of, message, remedy in _repository(source):
        yield in_environments(files, *of, message=message, remedy=remedy)
    for index, environment in enumerate(files.environments.ordered):
        settings, at = environment.argocd, ("environments", index, "argocd")
        if settings is None:
            continue
        if settings.sso and not settings.url:
            message = "found single sign-on without url, expected the address that people return to"
            yield in_environments(files, *at, "sso", message=message, remedy="write argocd.url")
        if settings.notifications.commit_status and source.forge is None:
            message = "found commit_status: true, expected repository.forge to say where it goes"
            remedy = "write forge: github, gitlab or gitea, or commit_status: false"
            place = (*at, "notifications", "commit_status")
            yield in_environments(files, *place, message=message, remedy=remedy)


def _repository(source: GitSource) -> Iterator[_Told]:
    host, path = _parts(source.url)
    if not path:
        message = "found an address without a path, expected the one of a repository"
        yield ("repository", "url"), message, "write the path behind the host"
    forge = _OF_ONE_FORGE.get(host)
    if source.forge and forge and source.forge != forge:
        message = f"found {source.forge}, expected {forge}, which serves {host}"
        yield ("repository", "forge"), message, f"write forge: {forge}"
    if _NO_BRANCH.search(source.revision):
        message = f"found {source.revision}, expected a branch that git takes"
        yield ("repository", "revision"), message, "write one such as refs/heads/main"


def _parts(url: str) -> tuple[str, str]:
    """Host and path of an address of git."""
    if "://" not in url:
        host, _, path = url.partition("@")[2].partition(":")
        return host, path.strip("/")
    parts = urlsplit(url)
    return parts.hostname or "", parts.path.strip("/")
