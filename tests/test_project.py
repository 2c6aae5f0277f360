"""What must hold for this repository as a whole."""

import re
import resource
import subprocess
import sys
import tomllib
from itertools import accumulate
from pathlib import Path

import pytest

from modelctl.check.engine import check_tree
from modelctl.check.rules.platform import own_values
from modelctl.finding import Level
from modelctl.render.drift import render_changes, shared_changes
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT, git

CHECK_OF_START = 5
SERVER_DEPENDENCIES = 7
ARCHITECTURE = "docs/explanation/architecture.md"
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/README.md", ARCHITECTURE)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
NAME = re.compile(r"`([^`\s]+)`")
PATH = re.compile(r"(?:[\w.<>*-]+/)+[\w.<>*-]*|[\w.-]+\.(?:json|md|py|toml|yaml|yml)")
PLACEHOLDER = re.compile(r"<[^<>]+>|\*")
ROOM = re.compile(r"^- \*\*`(\w+)/`\*\*: (.*)$", re.MULTILINE)
FORBIDDEN = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def test_the_repository_passes_its_own_check() -> None:
    """No rule has anything to say about the samples but that they are: it warns of their hosts."""
    findings = check_tree(WorkTree(PROJECT))

    assert [] == [str(finding) for finding in findings if finding.rule != own_values.ID]
    assert {Level.WARNING} == {finding.level for finding in findings}


def test_every_generated_file_is_current() -> None:
    """`modelctl render` would change nothing."""
    repository = load(WorkTree(PROJECT))
    changes = {folder: render_changes(repository.model(folder)) for folder in repository.folders}

    assert {} == shared_changes(repository, exact=True)
    assert changes
    assert [{}] * len(changes) == list(changes.values())


def test_a_check_of_the_repository_costs_little_beside_its_start() -> None:
    """It is quick enough for every commit; importing onnx is what it cannot do without."""
    check, start = ["-m", "modelctl", "check"], ["-c", "import onnx"]
    used = [(processor_s(*check), processor_s(*start)) for _ in range(3)]

    assert min(check_s for check_s, _ in used) < CHECK_OF_START * min(
        start_s for _, start_s in used
    )


def processor_s(*arguments: str) -> float:
    """Processor time of a Python command that succeeds; others on the machine do not count."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], cwd=PROJECT, capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def tracked(*suffixes: str) -> list[Path]:
    """Files of the repository with one of the suffixes."""
    listed = git(PROJECT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    paths = (PROJECT / name for name in listed.split("\0") if name.endswith(suffixes))
    return [path for path in paths if path.is_file()]


def test_a_clone_has_the_bytes_that_were_committed(tmp_path: Path) -> None:
    """Digests name bytes, so git converts no line end, whatever whoever clones has set."""
    clone = tmp_path / "clone"
    git(PROJECT, "clone", "--quiet", "-c", "core.autocrlf=true", str(PROJECT), str(clone))

    listed = git(clone, "ls-files", "--stage", "-z").split("\0")
    blobs = {path: about.split()[1] for about, path in (e.split("\t") for e in listed if e)}
    found = git(clone, "hash-object", "--no-filters", *blobs).split()
    assert [] == [p for p, bytes_of in zip(blobs, found, strict=True) if bytes_of != blobs[p]]


@pytest.mark.parametrize("lock", ["requirements", "requirements-dev", "serving/requirements"])
def test_every_locked_requirement_has_a_hash(lock: str) -> None:
    """A lock file pins each requirement by version and verifies it by hash."""
    text = (PROJECT / f"{lock}.lock").read_text().replace("\\\n", " ")
    pinned = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert [] == [line for line in pinned if "==" not in line or "--hash=sha256:" not in line]


def test_the_model_server_has_few_dependencies() -> None:
    """Every prediction passes through them."""
    data = tomllib.loads((PROJECT / "serving/pyproject.toml").read_text())

    assert len(data["project"]["dependencies"]) <= SERVER_DEPENDENCIES


@pytest.mark.parametrize("project", ["pyproject.toml", "serving/pyproject.toml"])
def test_every_dependency_has_a_reason(project: str) -> None:
    """Each direct dependency stands on a line of its own with its reason beside it."""
    text = (PROJECT / project).read_text()
    data = tomllib.loads(text)
    groups = data.get("dependency-groups", {}).values()
    named = [
        *data["project"]["dependencies"],
        *(r for g in groups for r in g if isinstance(r, str)),
    ]

    lines = {line.split('"')[1]: line for line in text.splitlines() if line.startswith('  "')}
    assert [] == [name for name in named if "#" not in lines[name]]


def test_no_text_is_left_to_do() -> None:
    """No file carries a note to finish it later."""
    paths = tracked(".py", ".md", ".yaml", ".toml")

    assert [] == [
        str(path) for path in paths if FORBIDDEN.search(path.read_text("utf-8", "replace"))
    ]


def in_the_tree() -> set[str]:
    """The path of every file of the repository, and of every folder that holds one."""
    files = [path.relative_to(PROJECT) for path in tracked("")]
    return {str(path) for file in files for path in (file, *file.parents)}


def shape(name: str) -> str:
    """A pattern of the paths that a name stands for: each of its placeholders is any word."""
    return "[^/]+".join(map(re.escape, PLACEHOLDER.split(name.rstrip("/"))))


def rooms() -> dict[str, list[str]]:
    """By room of `modelctl/`, what its line in the architecture names."""
    lines = ROOM.findall((PROJECT / ARCHITECTURE).read_text())
    return {room: NAME.findall(line) for room, line in lines}


def packages(folder: str) -> list[str]:
    """The packages below a folder, as paths from there."""
    found = (PROJECT / folder).glob("*/**/__init__.py")
    return sorted(str(path.parent.relative_to(PROJECT / folder)) for path in found)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_path_that_a_document_names_exists(document: str) -> None:
    """Whoever comes in by a document finds what it speaks of; a path may be told by its end."""
    text = (PROJECT / document).read_text()
    names = {name: re.compile(f"(?:.*/)?{shape(name)}") for name in NAME.findall(text)}
    links = [(PROJECT / document).parent / link for link in LINK.findall(text)]
    tree = in_the_tree()

    assert [] == [link for link in links if not link.exists()]
    assert [] == [
        name
        for name, end in names.items()
        if PATH.fullmatch(name) and not any(map(end.fullmatch, tree))
    ]


def test_every_room_is_described() -> None:
    """Each folder of `modelctl/` has its line in the architecture, and its folders a word there."""
    named = [f"{room}/{name}" for room, names in rooms().items() for name in ("", *names)]
    known = {shape(each) for name in named for each in accumulate(name.split("/"), "{}/{}".format)}
    found = packages("modelctl")

    assert found
    assert [] == [room for room in found if not any(re.fullmatch(each, room) for each in known)]


def test_a_room_holds_what_its_line_names() -> None:
    """A file or folder that a room's line in the architecture speaks of lies in that room."""
    named = [
        f"modelctl/{room}/{n}" for room, ns in rooms().items() for n in ns if PATH.fullmatch(n)
    ]
    tree = in_the_tree()

    assert named
    assert [] == [name for name in named if not any(re.fullmatch(shape(name), p) for p in tree)]


def test_every_room_of_the_server_is_described() -> None:
    """Each folder of the model server is named in the architecture."""
    named = NAME.findall((PROJECT / ARCHITECTURE).read_text())
    found = packages("serving/modelserver")

    assert found
    assert [] == [room for room in found if f"{room}/" not in named]


def test_tests_lie_where_their_code_does() -> None:
    """A folder of tests below `tests/modelctl/` mirrors a folder, or a module, of `modelctl/`."""
    tests, code = PROJECT / "tests" / "modelctl", PROJECT / "modelctl"
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}

    assert len(folders) > 1
    assert [] == [
        folder
        for folder in folders
        if not (code / folder).is_dir() and not (code / f"{folder}.py").is_file()
    ]
