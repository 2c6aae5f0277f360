"""Looks at a repository's surroundings: identity, branch, hooks, CI, schemas, clusters."""

import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from modelctl.doctor.values import Look, fail, warn, well
from modelctl.errors import GitError
from modelctl.repo import git, layout
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Repository
from modelctl.starter import files
from modelctl.store import folder
from modelctl.store.bucket import PREFIXES

_CI = (".github/workflows", ".gitlab-ci.yml")
_SAMPLE = f"{layout.rendered_folder('m', 'e')}/x.yaml"  # any generated file


def looks(root: Path, repository: Repository) -> Iterator[Look]:
    """The looks at git's settings and the files beside the typed ones."""
    yield _identity(root)
    yield _branch(root)
    yield _writable(root)
    if git.is_shallow(root):
        remedy = "git fetch --unshallow (in CI: fetch-depth: 0, GIT_DEPTH: 0)"
        yield warn("history", "this clone is shallow: no rule can compare with it", remedy)
    yield _environments(repository)
    yield _hook(root)
    yield _ci(root)
    yield _folded(root)
    yield _schemas(root)
    yield _store(root)


def looks_for_clusters(root: Path, repository: Repository) -> Iterator[Look]:
    """The looks at what people need who look into a cluster; none of it is asked anything."""
    for program, purpose in (("kubectl", "objects and logs"), ("argocd", "its Applications")):
        path = shutil.which(program)
        if path:
            yield well(program, path)
        else:
            remedy = f"install it to look at {purpose} in a cluster; nothing else needs it"
            yield warn(program, "not found on PATH", remedy)
    named = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    there = [path for path in named.split(os.pathsep) if path and Path(path).is_file()]
    if there:
        yield well("kubeconfig", ", ".join(there))
    else:
        remedy = "get one from whoever runs the platform, and name it in KUBECONFIG"
        yield warn("kubeconfig", f"found none at {named}", remedy)
    for environment in repository.environments.ordered:
        if environment.engine == "argocd":
            yield _bootstrap(root, environment.name)
            yield _store_of(environment)


def _identity(root: Path) -> Look:
    try:
        git.require_identity(root)
    except GitError as error:
        found, _, remedy = str(error).partition(": ")
        return fail("git identity", found, remedy)
    return well("git identity", git.text(root, "var", "GIT_AUTHOR_IDENT").rpartition(">")[0] + ">")


def _branch(root: Path) -> Look:
    branch = git.branch(root)
    if not branch:
        return warn("branch", "HEAD is detached: --commit has nowhere to go", "git switch BRANCH")
    if not git.head(root):
        return warn("branch", "no commit yet: `modelctl up` serves commits", "commit first")
    return well("branch", branch.removeprefix("refs/heads/"))


def _writable(root: Path) -> Look:
    lock = git.own_folder(root) / "index.lock"
    if not os.access(git.shared_folder(root), os.W_OK) or not os.access(root, os.W_OK):
        remedy = "look at its owner and its permissions; reading needs neither"
        return fail("writing", f"{root} or git's folder cannot be written", remedy)
    if lock.exists():
        remedy = "when no other git runs, remove it"
        return warn("writing", f"{lock} is there: no edit can be committed", remedy)
    return well("writing", "files and git's folder can be written")


def _environments(repository: Repository) -> Look:
    listed = repository.environments.ordered
    if not listed:
        remedy = "`modelctl check` says what is wrong; `modelctl init` begins a new repository"
        return fail("environments", f"{layout.ENVIRONMENTS} has none that is valid", remedy)
    return well("environments", ", ".join(f"{each.name} ({each.engine})" for each in listed))


def _hook(root: Path) -> Look:
    config = (root / ".pre-commit-config.yaml").is_file()
    hook = Path(git.text(root, "rev-parse", "--path-format=absolute", "--git-path", "hooks"))
    if not config:
        remedy = "docs/how-to/check-changes-in-ci.md has one to copy"
        return warn("pre-commit", "no .pre-commit-config.yaml", remedy)
    if not (hook / "pre-commit").exists():
        remedy = "pip install pre-commit, then pre-commit install"
        return warn("pre-commit", "configured, and not installed in this clone", remedy)
    return well("pre-commit", "installed")


def _ci(root: Path) -> Look:
    folder, single = root / _CI[0], root / _CI[1]
    candidates = [*sorted(folder.glob("*.y*ml")), *([single] if single.is_file() else [])]
    words = ("modelctl check", "make check")
    checking = [
        path.relative_to(root).as_posix()
        for path in candidates
        if any(word in path.read_text("utf-8", errors="replace") for word in words)
    ]
    if not checking:
        remedy = "docs/how-to/check-changes-in-ci.md has jobs for GitHub and GitLab"
        return warn("CI", f"no job of {' or '.join(_CI)} runs modelctl check", remedy)
    return well("CI", ", ".join(checking))


def _folded(root: Path) -> Look:
    told = git.text(root, "check-attr", "linguist-generated", "--", _SAMPLE)
    if told.endswith(("unspecified", "unset")):
        remedy = "add to .gitattributes: apps/*/rendered/** linguist-generated gitlab-generated"
        return warn("reviews", "generated files are not marked, and fill each diff", remedy)
    return well("reviews", "generated files are folded")


def _schemas(root: Path) -> Look:
    other = [
        path
        for path, content in files.schemas().items()
        if (root / path).is_file() and (root / path).read_bytes() != content
    ]
    missing = [path for path in files.schemas() if not (root / path).is_file()]
    if other:
        return warn("schemas", f"{other[0]} is another version's", "modelctl render")
    if missing:
        found = f"{missing[0]} is missing: editors do not complete typed files"
        return warn("schemas", found, "copy schemas/ from a repository that `modelctl init` made")
    return well("schemas", "those of this version")


def _store(root: Path) -> Look:
    """The laptop's store, which `modelctl new` writes to and `modelctl up` reads."""
    place = folder.of(root)
    there = next(each for each in (place, *place.parents) if each.exists())
    if not os.access(there, os.W_OK):
        remedy = "look at its owner and its permissions"
        return fail("store", f"{place} cannot be written", remedy)
    return well("store", f"{place}, {sum(1 for _ in place.glob('*'))} files")


def _store_of(environment: Environment) -> Look:
    at = f"store of {environment.name}"
    if environment.store is None:
        remedy = (
            f"add `store:` to {environment.name} in {layout.ENVIRONMENTS}, such as s3://models/"
        )
        return warn(at, "none: releases that name `store:` cannot be served there", remedy)
    is_bucket = environment.store.startswith(tuple(f"{each}:" for each in PREFIXES))
    if is_bucket and importlib.util.find_spec("obstore") is None:
        remedy = "pip install 'modelctl[stores]'"
        return warn(at, f"{environment.store}: no `modelctl push` without obstore", remedy)
    return well(at, environment.store)


def _bootstrap(root: Path, environment: str) -> Look:
    path = layout.bootstrap_file(environment)
    if not (root / path).is_file():
        return warn(environment, f"found no {path}: Argo CD has no root to sync", "modelctl render")
    return well(environment, f"Argo CD begins with {path}")
