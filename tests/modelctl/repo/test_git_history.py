"""Questions about history to a real git: merges, odd names, odd settings."""

from pathlib import Path

import pytest

from modelctl.errors import GitError
from modelctl.repo import git
from scratch import commit, init
from scratch import git as real_git

X = "apps/a/x.yaml"
Y = "apps/a/y.yaml"
ODD = "apps/a/\xe9 tab\tline\n:100 .yaml"
RELEASES = "apps/a/releases"

# What a person's own git may be set to; none of it may change what is read.
SETTINGS = {
    "color.ui": "always",
    "core.abbrev": "5",
    "core.quotePath": "true",
    "diff.external": "false",
    "diff.noprefix": "true",
    "diff.renames": "copies",
    "format.pretty": "fuller",
    "log.abbrevCommit": "true",
    "log.date": "relative",
    "log.decorate": "full",
    "log.diffMerges": "combined",
    "log.follow": "true",
    "log.showRoot": "false",
    "log.showSignature": "true",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with one file below apps/ and one beside it, in one commit."""
    write(tmp_path, X, "one\n")
    write(tmp_path, "README.md", "one\n")
    init(tmp_path)
    return tmp_path


def write(root: Path, path: str, text: str) -> None:
    """Write one file."""
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def side_branch(root: Path) -> None:
    """Change x and add y in two commits of a branch, then add z on main; main is checked out."""
    real_git(root, "switch", "--quiet", "--create", "side")
    write(root, X, "side\n")
    commit(root, "apps/a: Change x aside")
    write(root, Y, "side\n")
    commit(root, "apps/a: Add y aside")
    real_git(root, "switch", "--quiet", "main")
    write(root, "apps/a/z.yaml", "main\n")
    commit(root, "apps/a: Add z")


def merge(root: Path, *options: str) -> str:
    """Merge the side branch with a commit of its own; its hash."""
    real_git(root, "merge", "--quiet", "--no-ff", "-m", "root: Merge side", *options, "side")
    return real_git(root, "rev-parse", "HEAD").strip()


def blob(root: Path, path: str, revision: str = "HEAD") -> str:
    """What git itself calls the bytes of a file in a commit."""
    return real_git(root, "rev-parse", f"{revision}:{path}").strip()


def subjects(root: Path, *paths: str) -> list[str]:
    """The subjects of the steps at some paths."""
    return [step.commit.subject for step in git.steps(root, "HEAD", *paths)]


def test_steps_have_the_blobs_before_and_after(root: Path) -> None:
    """Each step says what it changed from what to what; None where there was or is no file."""
    write(root, X, "two\n")
    write(root, Y, "two\n")
    second = commit(root, "apps/a: Change")
    (root / X).unlink()
    third = commit(root, "apps/a: Remove x")
    one, two = blob(root, X, "HEAD~2"), blob(root, X, "HEAD~1")
    steps = list(git.steps(root, "HEAD", "apps"))

    assert [third, second, git.resolve(root, "HEAD~2")] == [step.commit.id for step in steps]
    assert [git.describe(root, step.commit.id) for step in steps] == [s.commit for s in steps]
    assert [
        {X: (two, None)},
        {X: (one, two), Y: (None, blob(root, Y))},
        {X: (None, one)},
    ] == [step.changed for step in steps]


def test_steps_of_paths_pass_over_other_commits(root: Path) -> None:
    """A commit that did not touch the paths, or nothing at all, is no step of them."""
    write(root, "README.md", "two\n")
    commit(root, "root: Change the README")
    commit(root, "root: Nothing")

    assert ["root: Begin"] == subjects(root, "apps")
    assert ["root: Change the README", "root: Begin"] == subjects(root, "README.md")
    assert ["root: Nothing", "root: Change the README", "root: Begin"] == subjects(root)


def test_a_merge_is_the_step_of_what_it_brought(root: Path) -> None:
    """What a side branch did counts as one change, where main took it, not commit by commit."""
    side_branch(root)
    merged = merge(root)
    steps = list(git.steps(root, "HEAD", "apps"))

    assert ["root: Merge side", "apps/a: Add z", "root: Begin"] == [s.commit.subject for s in steps]
    assert merged == steps[0].commit.id
    assert {X: (blob(root, X, "main^1"), blob(root, X)), Y: (None, blob(root, Y))} == steps[
        0
    ].changed


def test_a_merge_that_took_nothing_is_no_step(root: Path) -> None:
    """What was merged only in name never was on the main line."""
    side_branch(root)
    merge(root, "--strategy", "ours")

    assert ["apps/a: Add z", "root: Begin"] == subjects(root, "apps")


def test_what_a_merge_itself_changed_is_its_step(root: Path) -> None:
    """A file that neither parent has, written while merging, came with the merge."""
    side_branch(root)
    merge(root, "--no-commit")
    write(root, "apps/a/merged.yaml", "merged\n")
    commit(root, "root: Merge side and more")
    step = next(git.steps(root, "HEAD", "apps"))

    assert "root: Merge side and more" == step.commit.subject
    assert {X, Y, "apps/a/merged.yaml"} == set(step.changed)


def test_steps_read_any_name_and_subject(root: Path) -> None:
    """Paths that look like git's own output, empty subjects and changes of mode are just that."""
    write(root, ODD, "odd\n")
    commit(root, ":100644 looks like a change")
    (root / ODD).chmod(0o755)
    real_git(root, "commit", "--quiet", "--all", "--allow-empty-message", "--message", "")
    (root / X).unlink()
    (root / X).symlink_to("y.yaml")
    commit(root, "apps/a: Link")
    link, mode, odd, _ = git.steps(root, "HEAD", "apps")
    same = blob(root, ODD)

    assert ("", {ODD: (same, same)}) == (mode.commit.subject, mode.changed)
    assert {ODD: (None, same)} == odd.changed
    assert {X: (blob(root, X, "HEAD~1"), blob(root, X))} == link.changed


def test_a_rename_is_a_file_less_and_a_file_more(root: Path) -> None:
    """Nothing is guessed about where bytes came from."""
    real_git(root, "mv", X, Y)
    commit(root, "apps/a: Rename")
    same = blob(root, Y)

    assert {X: (same, None), Y: (None, same)} == next(git.steps(root, "HEAD", "apps")).changed
    assert (X, Y) == git.differing_paths(root, "HEAD~1", "HEAD", "apps")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_persons_settings_change_nothing(root: Path, setting: str) -> None:
    """However git is configured, the answers are the same."""
    real_git(root, "mv", X, Y)
    commit(root, "apps/a: Rename")
    write(root, Y, "dirty\n")

    def answers() -> tuple[object, ...]:
        return (
            list(git.steps(root, "HEAD", "apps")),
            list(git.steps(root, "HEAD", Y)),
            list(git.log(root, "HEAD", Y)),
            git.blobs(root, "HEAD", "apps"),
            git.ever_had(root, "apps"),
            git.first_parent(root, "HEAD"),
            git.differing_paths(root, "HEAD~1", "HEAD"),
            git.changed_paths(root, "HEAD"),
        )

    before = answers()
    real_git(root, "config", setting, SETTINGS[setting])

    assert before == answers()


def test_steps_of_no_such_revision(root: Path) -> None:
    """A revision that does not exist is git's error, and an option is none."""
    for revision in ("none", "--all"):
        with pytest.raises(GitError):
            list(git.steps(root, revision, "apps"))


def test_first_parent(root: Path) -> None:
    """It is the commit before, of a merge the one that it was merged into, of the first none."""
    side_branch(root)
    main = real_git(root, "rev-parse", "main").strip()
    merged = merge(root)
    first = real_git(root, "rev-list", "--max-parents=0", "HEAD").strip()

    assert main == git.first_parent(root, merged)
    assert first == git.first_parent(root, "main^1")
    assert "" == git.first_parent(root, first)


def test_ever_had_remembers_what_was_removed(root: Path) -> None:
    """A path that was added once is there for ever, even one that came and went."""
    write(root, f"{RELEASES}/r1.yaml", "r1\n")
    commit(root)
    (root / f"{RELEASES}/r1.yaml").unlink()
    write(root, ODD, "odd\n")
    commit(root)

    assert {X, ODD, f"{RELEASES}/r1.yaml"} == {*git.ever_had(root, "apps")}
    assert {f"{RELEASES}/r1.yaml"} == {*git.ever_had(root, RELEASES, "apps/none")}


def test_ever_had_looks_behind_merges(root: Path) -> None:
    """What a merge brought, and what came and went on either side of it, was there."""
    real_git(root, "switch", "--quiet", "--create", "side")
    write(root, f"{RELEASES}/r2.yaml", "r2\n")
    commit(root, "apps/a: Add r2 aside")
    real_git(root, "switch", "--quiet", "main")
    write(root, f"{RELEASES}/r3.yaml", "r3\n")
    commit(root, "apps/a: Add r3")
    (root / f"{RELEASES}/r3.yaml").unlink()
    commit(root, "apps/a: Remove r3")
    merge(root)

    assert {f"{RELEASES}/r2.yaml", f"{RELEASES}/r3.yaml"} == {*git.ever_had(root, RELEASES)}


def test_ever_had_knows_what_a_merge_itself_added(root: Path) -> None:
    """A release that was written while merging was there too."""
    side_branch(root)
    merge(root, "--no-commit")
    write(root, f"{RELEASES}/r4.yaml", "r4\n")
    commit(root, "root: Merge side and more")

    assert {f"{RELEASES}/r4.yaml"} == {*git.ever_had(root, RELEASES)}


def test_nothing_was_ever_there_before_the_first_commit(tmp_path: Path) -> None:
    """A repository without a commit never had any file, and is no error."""
    real_git(tmp_path, "init", "--quiet")
    write(tmp_path, X, "one\n")

    assert () == git.ever_had(tmp_path, "apps")
