"""What must hold for every input: it ends soon, with findings inside of files, or renders."""

import signal
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from modelctl.check.engine import check, errors
from modelctl.check.report import REPORTERS, Checked
from modelctl.check.rules import RULES
from modelctl.edit.overlay import OverlayTree
from modelctl.finding import Finding
from modelctl.render import drift
from modelctl.repo.documents import parse
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from tests.fuzz.corpus import FuzzTree

MAX_CPU_S = 10
_MAX_WALL_S = 120  # where something waits: beside others a process gets a part of a core only
_IDS = frozenset(rule.ID for rule in RULES)
_NONE = Checked(models=0, releases=0, servings=0)
_ABOUT_RENDERED = "rendered-"  # begins the rules that compare with what is rendered
_WHOLE_FILE = (1, 1)


class UnjustError(AssertionError):
    """What came back must never come back; the text says what and of which input."""


class HangError(AssertionError):
    """Something took too long."""


@contextmanager
def in_time() -> Iterator[None]:
    """End what takes more than ten seconds of processor time, or waits far longer."""
    for number in (signal.SIGVTALRM, signal.SIGALRM):
        signal.signal(number, _hang)
    signal.setitimer(signal.ITIMER_VIRTUAL, MAX_CPU_S)
    signal.setitimer(signal.ITIMER_REAL, _MAX_WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def _hang(number: int, frame: FrameType | None) -> None:
    del frame
    raise HangError(f"took more than {MAX_CPU_S} s ({signal.Signals(number).name})")


def judge(findings: Sequence[Finding], *trees: FuzzTree) -> None:
    """Hold findings to known rules and to places inside of files; print them in every format.

    Raises:
        UnjustError: One of them has no such rule or place.
    """
    for finding in findings:
        if finding.rule not in _IDS:
            raise UnjustError(f"no rule is called so: {finding}")
        contents = [tree.files[finding.path] for tree in trees if finding.path in tree.files]
        if not _is_inside(finding, contents):
            raise UnjustError(f"{finding.rule} is told outside of the file: {finding}")
    for reporter in REPORTERS.values():
        reporter(findings, _NONE).encode("utf-8", "backslashreplace")


def _is_inside(finding: Finding, contents: Collection[bytes]) -> bool:
    line, column = finding.position.line, finding.position.column
    if (line, column) == _WHOLE_FILE:
        return True
    for content in contents:
        lines = content.decode(errors="replace").split("\n")
        if 1 <= line <= len(lines) and 1 <= column <= len(lines[line - 1]) + 1:
            return True
    return False


def require_rendered(tree: FuzzTree, findings: Sequence[Finding]) -> None:
    """Require that what has no fault in its typed files is rendered whole, and is then in order.

    Raises:
        UnjustError: It is accepted, and cannot be rendered or is refused once it is.
    """
    if any(not finding.rule.startswith(_ABOUT_RENDERED) for finding in errors(findings)):
        return
    repository = load(tree)
    changes = drift.shared_changes(repository, exact=True)
    for folder in repository.folders:
        files = repository.model(folder)
        served = {(folder, environment.name) for environment, _ in files.served}
        if files.faults or served != drift.expected_pairs(files):
            raise UnjustError(f"a model is accepted and not rendered: {folder} {files.faults}")
        changes |= drift.render_changes(files)
    for path, content in changes.items():
        if content is not None and parse(path, content)[1]:
            raise UnjustError(f"what nobody may write is rendered: {path}")
    _require_accepted(load(OverlayTree(tree, changes)))


def _require_accepted(rendered: Repository) -> None:
    refused = errors(check(rendered))
    if refused:
        raise UnjustError(f"{refused[0].rule} refuses what is rendered: {refused[0]}")
