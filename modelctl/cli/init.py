"""`modelctl init`: a repository of one's own, checked, rendered and committed."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from modelctl.check.engine import check, errors
from modelctl.cli.parser import Parser
from modelctl.cli.values import address, host, store, text
from modelctl.edit.additions import NewEnvironment
from modelctl.errors import UsageError
from modelctl.finding import Finding
from modelctl.nearest import hint
from modelctl.render import drift
from modelctl.repo import schema
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from modelctl.starter import creation, files
from modelctl.starter.answers import SAMPLE_URL, Answers, Ci

_CI: Mapping[str, frozenset[Ci]] = {
    "github": frozenset({"github"}),
    "gitlab": frozenset({"gitlab"}),
    "both": frozenset({"github", "gitlab"}),
    "none": frozenset(),
}
_HOSTNAME = ("environments", 0, "gateway", "hostname")
_FIRST_TEAM = "models"


def configure(parser: Parser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="new or empty folder")
    parser.add_argument(
        "--team", type=text("teams", "teams", 0, "name"), default=_FIRST_TEAM, metavar="NAME",
        help="the first team that owns models; default: models",
    )  # fmt: skip
    parser.add_argument(
        "--group", action="append", default=[], metavar="GROUP",
        help="group of the identity provider that the team is; default: the team's name",
    )  # fmt: skip
    parser.add_argument(
        "--repository", type=text("environments", "repository", "url"), metavar="URL",
        help="address under which the repository will be reached",
    )  # fmt: skip
    parser.add_argument(
        "--cluster-env", type=_names, default=(), metavar="NAME,NAME",
        help="environments of Argo CD after `local`, in promotion order",
    )  # fmt: skip
    parser.add_argument(
        "--hostname", action="append", type=host, default=[], metavar="ENV=HOST",
        help="host name that callers use in such an environment",
    )  # fmt: skip
    parser.add_argument(
        "--store", action="append", type=store, default=[], metavar="ENV=URI",
        help="bucket, registry or share that artifacts are read from there; may be added later",
    )  # fmt: skip
    parser.add_argument(
        "--index",
        type=address,
        metavar="URL",
        help="package index that has modelctl, for requirements.txt; default: pip's own",
    )
    parser.add_argument(
        "--ci", choices=tuple(_CI), default="both", help="whose CI files to write; default: both"
    )
    for option in ("--hostname", "--store"):
        parser.goes_with(option, "--cluster-env", "only a cluster's environment needs one")


def run(arguments: argparse.Namespace) -> int:
    """Make it, or nothing."""
    target = arguments.folder.resolve()
    answers = _answers(arguments, target.name)
    commit = creation.create(target, lambda root: _missing(root, answers))
    print(f"made {arguments.folder}, committed as {commit[:12]}")
    return 0


def _names(words: str) -> tuple[str, ...]:
    read = text("environments", "environments", 0, "name")
    return tuple(read(word.strip()) for word in words.split(","))


def _answers(arguments: argparse.Namespace, name: str) -> Answers:
    """The facts that were given, and those that a person at a terminal is asked for."""
    wanted, given = arguments.cluster_env, dict(arguments.hostname)
    stores = dict(arguments.store)
    for environment in {**given, **stores}:
        if environment not in wanted:
            raise UsageError(
                f"found a fact of {environment}, expected one of --cluster-env: "
                f"{hint(environment, wanted)}"
            )
    url = arguments.repository or (
        _asked("--repository URL", "address of the repository", "repository", "url")
        if wanted
        else SAMPLE_URL
    )
    clusters = []
    for each in wanted:
        host = given.get(each) or _asked(
            f"--hostname {each}=HOST", f"host name in {each}", *_HOSTNAME
        )
        clusters.append(NewEnvironment(each, host, store=stores.get(each)))
    groups = tuple(arguments.group) or (arguments.team,)
    ci, index = _CI[arguments.ci], arguments.index or ""
    return Answers(name, arguments.team, groups, url, tuple(clusters), ci, index)


def _asked(option: str, what: str, *field: str | int) -> str:
    """A fact that nobody can guess: what a field of `argocd/environments.yaml` accepts.

    Raises:
        UsageError: Nobody is there to be asked, or the answer cannot be.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"found no {option}, expected the {what}, which Argo CD has to know")
    print(f"{what}: ", end="", file=sys.stderr, flush=True)
    answer = sys.stdin.readline().strip()
    if not answer:
        raise UsageError(f"found no {what}, expected one: give it with {option}")
    fault = schema.fault("environments", field, answer)
    if fault:
        raise UsageError(f"{what}: {fault}")
    return answer


def _missing(root: Path, answers: Answers) -> dict[str, bytes]:
    """What is not written yet: first what people edit, then what follows from it."""
    typed = files.typed_files(answers)
    if not (root / "argocd").exists():
        return typed
    repository = load(WorkTree(root))
    changes = drift.shared_changes(repository, exact=True)
    if not changes:
        _refuse_faults(errors(check(repository)))
    return {path: content for path, content in changes.items() if content is not None}


def _refuse_faults(faults: list[Finding]) -> None:
    if faults:
        shown = "\n  ".join(map(str, faults))
        raise UsageError(f"nothing was made; these facts would give:\n  {shown}")
