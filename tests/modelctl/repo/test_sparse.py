"""A sparse checkout: what it leaves out of the work tree is there all the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from modelctl.errors import TreeError
from modelctl.repo import git, git_objects
from modelctl.repo.commit_tree import CommitTree
from modelctl.repo.loading import load
from modelctl.repo.tree import EntryKind, Tree, WorkTree
from scratch import commit, init
from scratch import git as real_git

FILES = {
    "apps/README.md": b"# Models\n",
    "apps/a/model.yaml": b"name: a\n",
    "apps/b/model.yaml": b"name: b\n",
    "apps/b/releases/r1.yaml": b"\xff\x00\n",
    "apps/b/\xe9 tab\tline\n.yaml": b"",
    "argocd/environments.yaml": b"environments: []\n",
    "examples/artifacts/a.onnx": b"onnx",
    "README.md": b"not a part of the tree\n",
}
OUT = sorted(path for path in FILES if path.startswith(("apps/b/", "argocd/")))
SPARSE = [
    ("set", "--cone", "apps/a"),
    ("set", "--cone", "--sparse-index", "apps/a"),
    ("set", "--no-cone", "/*", "!/apps/b/", "!/argocd/"),
]

each_way = pytest.mark.parametrize("words", SPARSE, ids=["cone", "sparse index", "patterns"])


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A repository with every file checked out."""
    for path, content in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    init(tmp_path)
    return tmp_path


@pytest.fixture
def root(whole: Path) -> Path:
    """The repository with only the folder of the model `a` checked out."""
    real_git(whole, "sparse-checkout", "set", "apps/a")
    return whole


def blob(root: Path, path: str) -> str:
    """What git itself calls the bytes of a file in the index."""
    return real_git(root, "rev-parse", f":{path}").strip()


def looked_at(tree: Tree) -> dict[str, tuple[EntryKind, int, bytes]]:
    """Everything in a tree, with its kind, size and bytes."""
    return {
        path: (entry.kind, entry.size_bytes, tree.read(path))
        for path, entry in tree.entries.items()
    }


@each_way
def test_what_is_left_out_is_hidden(whole: Path, words: tuple[str, ...]) -> None:
    """Every file that is not checked out is named with its mode and its blob."""
    blobs = {path: ("100644", blob(whole, path)) for path in OUT}
    real_git(whole, "sparse-checkout", *words)

    assert not (whole / "apps/b").exists()
    assert blobs.items() <= git_objects.hidden(whole).items()


@each_way
def test_a_sparse_work_tree_is_the_whole_tree(whole: Path, words: tuple[str, ...]) -> None:
    """Files that are left out are listed and read like those that are there."""
    real_git(whole, "sparse-checkout", *words)

    assert looked_at(CommitTree(whole, "HEAD")) == looked_at(WorkTree(whole))


@pytest.mark.parametrize("is_listed", [False, True])
def test_folders_are_whole_too(root: Path, *, is_listed: bool) -> None:
    """Below a folder, and named in it, is everything, whether it is checked out or not."""
    tree = WorkTree(root)
    if is_listed:
        _ = tree.entries
    below = [path for path in OUT if path.startswith("apps/b/")]

    assert ("README.md", "a", "b") == tree.names("apps")
    assert ("model.yaml", "releases", "\xe9 tab\tline\n.yaml") == tree.names("apps/b")
    assert ("environments.yaml",) == tree.names("argocd")
    assert below == list(tree.below("apps/b"))
    assert ["apps/b/model.yaml"] == list(tree.below("apps/b/model.yaml"))
    assert ["apps/a/model.yaml"] == list(tree.below("apps/a"))


def test_a_file_that_is_left_out_has_gits_identity(root: Path) -> None:
    """What nobody can have touched on disk is known by its blob."""
    entry = WorkTree(root).entry("apps/b/model.yaml")

    assert entry is not None
    assert (EntryKind.FILE, 8) == (entry.kind, entry.size_bytes)
    assert blob(root, "apps/b/model.yaml") == entry.identity


def test_nothing_is_there_that_never_was(root: Path) -> None:
    """A folder that is left out is no file, and what is in neither tree is not in this one."""
    tree = WorkTree(root)

    for path in ("apps/b", "apps/b/none.yaml", "apps/none/model.yaml"):
        assert tree.entry(path) is None
        with pytest.raises(TreeError, match="not a regular file"):
            tree.read(path)


def test_the_index_counts_not_the_commit(root: Path) -> None:
    """A file that is staged anew while it is not checked out is read as it is staged."""
    path = "apps/b/model.yaml"
    (root / "new").write_bytes(b"name: new\n")
    staged = real_git(root, "hash-object", "-w", "new").strip()
    real_git(root, "update-index", "--cacheinfo", f"100644,{staged},{path}")
    real_git(root, "update-index", "--skip-worktree", path)

    assert {path: ("100644", staged)}.items() <= git_objects.hidden(root).items()
    assert b"name: new\n" == WorkTree(root).read(path)
    assert b"name: b\n" == CommitTree(root, "HEAD").read(path)


def test_what_was_written_in_its_place_counts(root: Path) -> None:
    """A file that somebody wrote where one is left out is read from disk, like any dirty file."""
    path = "apps/b/model.yaml"
    (root / path).parent.mkdir()
    (root / path).write_bytes(b"name: mine\n")
    tree = WorkTree(root)

    assert path not in git_objects.hidden(root)
    assert b"name: mine\n" == tree.read(path)
    assert OUT == [p for p in tree.entries if p.startswith(("apps/b/", "argocd/"))]


def test_a_link_that_is_left_out_is_a_link(whole: Path) -> None:
    """A symbolic link stays one out of sight: it is listed as such and never read."""
    (whole / "apps/b/out.yaml").symlink_to("/etc/passwd")
    commit(whole)
    real_git(whole, "sparse-checkout", "set", "apps/a")
    tree = WorkTree(whole)

    assert EntryKind.SYMLINK is tree.entries["apps/b/out.yaml"].kind
    with pytest.raises(TreeError, match="not a regular file"):
        tree.read("apps/b/out.yaml")


def test_a_submodule_that_is_left_out_is_no_file(whole: Path) -> None:
    """A submodule out of sight is a special file, as it is at a commit."""
    identity = real_git(whole, "rev-parse", "HEAD").strip()
    real_git(whole, "update-index", "--add", "--cacheinfo", f"160000,{identity},apps/b/sub")
    real_git(whole, "commit", "--quiet", "--message", "apps/b: Add sub")
    real_git(whole, "sparse-checkout", "set", "apps/a")
    tree = WorkTree(whole)

    assert EntryKind.OTHER is tree.entries["apps/b/sub"].kind
    with pytest.raises(TreeError, match="not a regular file"):
        tree.read("apps/b/sub")


@pytest.mark.parametrize("make", [lambda _: None, init], ids=["no repository", "whole checkout"])
def test_nothing_is_hidden_without_a_sparse_checkout(
    tmp_path: Path, make: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where everything is checked out nothing is hidden, and git is not even asked."""
    make(tmp_path)
    monkeypatch.setenv("PATH", "")

    assert {} == git_objects.hidden(tmp_path)


def test_nothing_is_hidden_any_more(root: Path) -> None:
    """After the sparse checkout is turned off, everything is read from disk again."""
    real_git(root, "sparse-checkout", "disable")

    assert {} == git_objects.hidden(root)
    assert OUT == [p for p in WorkTree(root).entries if p.startswith(("apps/b/", "argocd/"))]


def test_a_second_work_tree_hides_its_own(
    whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Each work tree of a repository leaves out what it does, and no other does for it."""
    second = tmp_path_factory.mktemp("second") / "tree"
    real_git(whole, "worktree", "add", "--quiet", "--detach", str(second))
    real_git(second, "sparse-checkout", "set", "apps/a")

    assert {} == git_objects.hidden(whole)
    assert set(OUT) <= git_objects.hidden(second).keys()
    assert looked_at(WorkTree(whole)) == looked_at(WorkTree(second))


def test_models_that_are_left_out_are_loaded(whole: Path) -> None:
    """A repository is the same value whatever of it is checked out."""

    def told() -> tuple[object, ...]:
        repository = load(WorkTree(whole))
        models = map(repository.model, repository.folders)
        return repository.folders, repository.faults, [(m.folder, m.faults) for m in models]

    before = told()
    real_git(whole, "sparse-checkout", "set", "apps/a")

    assert before == told()


def test_many_files_cost_few_processes(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left out is read by a few git processes, however many files it is."""
    for number in range(30):
        (whole / f"apps/b/releases/r{number + 2}.yaml").write_text(f"{number}\n")
    commit(whole)
    real_git(whole, "sparse-checkout", "set", "apps/a")
    asked: list[str] = []
    run = git.run

    def counted(folder: Path, *words: str, stdin: bytes | None = None) -> bytes:
        asked.append(words[0])
        return run(folder, *words, stdin=stdin)

    monkeypatch.setattr(git, "run", counted)
    found = looked_at(WorkTree(whole))

    assert 30 + len(OUT) + 2 == len(found)
    assert len(asked) < 10
