"""Everything that Argo CD is given reads the repository that `environments.yaml` names.

## What it does
Compares, in every YAML file below `argocd/` that people write, each `repoURL` with
`repository.url`, the `targetRevision` or `revision` beside it with `repository.revision`, and each
entry of `sourceRepos` with `repository.url`. A source with a `chart` is left alone, and so is the
entry of a project that allows just such a chart's repository. `modelctl render` never writes into
these files: they are people's, comments and all. What it does write has the address from there.

## Why
The address is one fact. An Application whose project allows another repository is refused by
Argo CD and syncs nothing; a root that reads another one applies what nobody here reviews.

## Bad
```yaml
# argocd/environments.yaml: repository: {url: "https://git.example.org/ml/models.git", …}
kind: AppProject
spec: {sourceRepos: ["https://git.example.com/platform/models.git"]}
```

## Good
```yaml
# argocd/environments.yaml: repository: {url: "https://git.example.org/ml/models.git", …}
kind: AppProject
spec: {sourceRepos: ["https://git.example.org/ml/models.git"]}
```
"""

from collections.abc import Collection, Iterator, Mapping

from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.layout import Kind, place
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "repository-url-consistent"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_REVISIONS = ("targetRevision", "revision")


def check(files: Files) -> Iterator[Violation]:
    """One finding for each address and each revision that is another."""
    if not isinstance(files, Repository) or not files.environments.source.url:
        return
    written = [each for path, each in files.documents.items() if place(path).kind is Kind.PLATFORM]
    charts = {
        str(fields["repoURL"])
        for document in written
        for _, fields in _mappings(document.value)
        if "repoURL" in fields and "chart" in fields
    }
    for document in written:
        for at, fields in _mappings(document.value):
            yield from _source(files, document, at, fields)
            yield from _project(files, document, at, fields, charts)


def _mappings(value: object, at: Pointer = ()) -> Iterator[tuple[Pointer, Mapping[str, object]]]:
    """Every mapping in a value, with its place."""
    if isinstance(value, dict):
        yield at, value
        for key, item in value.items():
            yield from _mappings(item, (*at, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _mappings(item, (*at, index))


def _source(
    files: Repository, document: Document, at: Pointer, fields: Mapping[str, object]
) -> Iterator[Violation]:
    source = files.environments.source
    if "repoURL" not in fields or "chart" in fields:
        return
    if fields["repoURL"] != source.url:
        yield _another_repository(files, document, (*at, "repoURL"))
    for key in _REVISIONS:
        if key in fields and fields[key] != source.revision:
            found = short(str(fields[key]))
            said = _said(files, "revision")
            message = f"found the revision {found}, expected {source.revision} as {said} says"
            remedy = f"write {key}: {source.revision}"
            yield Violation(document.path, document.at(*at, key), message, remedy)


def _project(
    files: Repository,
    document: Document,
    at: Pointer,
    fields: Mapping[str, object],
    charts: Collection[str],
) -> Iterator[Violation]:
    allowed = fields.get("sourceRepos")
    for index, url in enumerate(allowed if isinstance(allowed, list) else ()):
        if url != files.environments.source.url and str(url) not in charts:
            yield _another_repository(files, document, (*at, "sourceRepos", index))


def _another_repository(files: Repository, document: Document, at: Pointer) -> Violation:
    """What was found is not repeated: an address may hold a password."""
    url = files.environments.source.url
    message = f"found another repository, expected {url} as {_said(files, 'url')} says"
    return Violation(document.path, document.at(*at), message, f"write {url}")


def _said(files: Repository, field: str) -> str:
    line = files.documents[layout.ENVIRONMENTS].at("repository", field).line
    return f"{layout.ENVIRONMENTS}:{line}"
