"""Questions about history to a real git: merges, odd names, odd settings."""

from pathlib import Path

import pytest

from modelctl.errors import GitError
from modelctl.repo import git, git_objects
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
    """The subjects of the commits that the main line has for some paths."""
    return [each.commit.subject for each in git.main_line(root, "HEAD", *paths)]


def test_main_line_has_the_blobs_before_and_after(root: Path) -> None:
    """Each commit says what it changed from what to what; None where there was or is no file."""
    write(root, X, "two\n")
    write(root, Y, "two\n")
    second = commit(root, "apps/a: Change")
    (root / X).unlink()
    third = commit(root, "apps/a: Remove x")
    one, two = blob(root, X, "HEAD~2"), blob(root, X, "HEAD~1")
    commits = list(git.main_line(root, "HEAD", "apps"))

    assert [third, second, git.resolve(root, "HEAD~2")] == [each.commit.id for each in commits]
    assert [git.describe(root, each.commit.id) for each in commits] == [
        each.commit for each in commits
    ]
    assert [
        {X: (two, None)},
        {X: (one, two), Y: (None, blob(root, Y))},
        {X: (None, one)},
    ] == [each.changed for each in commits]


def test_main_line_of_paths_passes_over_other_commits(root: Path) -> None:
    """A commit that did not touch the paths, or nothing at all, is not one of theirs."""
    write(root, "README.md", "two\n")
    commit(root, "root: Change the README")
    commit(root, "root: Nothing")

    assert ["root: Begin"] == subjects(root, "apps")
    assert ["root: Change the README", "root: Begin"] == subjects(root, "README.md")
    assert ["root: Nothing", "root: Change the README", "root: Begin"] == subjects(root)


def test_a_merge_counts_as_what_it_brought(root: Path) -> None:
    """What a side branch did counts as one change, where main took it, not commit by commit."""
    side_branch(root)
    merged = merge(root)
    commits = list(git.main_line(root, "HEAD", "apps"))

    assert ["root: Merge side", "apps/a: Add z", "root: Begin"] == [
        each.commit.subject for each in commits
    ]
    assert merged == commits[0].commit.id
    assert {X: (blob(root, X, "main^1"), blob(root, X)), Y: (None, blob(root, Y))} == commits[
        0
    ].changed


def test_a_merge_that_took_nothing_is_passed_over(root: Path) -> None:
    """What was merged only in name never was on the main line."""
    side_branch(root)
    merge(root, "--strategy", "ours")

    assert ["apps/a: Add z", "root: Begin"] == subjects(root, "apps")


def test_what_a_merge_itself_changed_counts(root: Path) -> None:
    """A file that neither parent has, written while merging, came with the merge."""
    side_branch(root)
    merge(root, "--no-commit")
    write(root, "apps/a/merged.yaml", "merged\n")
    commit(root, "root: Merge side and more")
    each = next(git.main_line(root, "HEAD", "apps"))

    assert "root: Merge side and more" == each.commit.subject
    assert {X, Y, "apps/a/merged.yaml"} == set(each.changed)


def test_main_line_reads_any_name_and_subject(root: Path) -> None:
    """Paths that look like git's own output, empty subjects and changes of mode are just that."""
    write(root, ODD, "odd\n")
    commit(root, ":100644 looks like a change")
    (root / ODD).chmod(0o755)
    real_git(root, "commit", "--quiet", "--all", "--allow-empty-message", "--message", "")
    (root / X).unlink()
    (root / X).symlink_to("y.yaml")
    commit(root, "apps/a: Link")
    link, mode, odd, _ = git.main_line(root, "HEAD", "apps")
    same = blob(root, ODD)

    assert ("", {ODD: (same, same)}) == (mode.commit.subject, mode.changed)
    assert {ODD: (None, same)} == odd.changed
    assert {X: (blob(root, X, "HEAD~1"), blob(root, X))} == link.changed


def test_a_rename_is_a_file_less_and_a_file_more(root: Path) -> None:
    """Nothing is guessed about where bytes came from."""
    real_git(root, "mv", X, Y)
    commit(root, "apps/a: Rename")
    same = blob(root, Y)

    assert {X: (same, None), Y: (None, same)} == next(git.main_line(root, "HEAD", "apps")).changed
    assert (X, Y) == git_objects.differing_paths(root, "HEAD~1", "HEAD", "apps")


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_persons_settings_change_nothing(root: Path, setting: str) -> None:
    """However git is configured, the answers are the same."""
    real_git(root, "mv", X, Y)
    commit(root, "apps/a: Rename")
    write(root, Y, "dirty\n")

    def answers() -> tuple[object, ...]:
        return (
            list(git.main_line(root, "HEAD", "apps")),
            list(git.main_line(root, "HEAD", Y)),
            list(git.log(root, "HEAD", Y)),
            git_objects.blobs(root, "HEAD", "apps"),
            git_objects.ever_had(root, "apps"),
            git.first_parent(root, "HEAD"),
            git_objects.differing_paths(root, "HEAD~1", "HEAD"),
            git_objects.changed_paths(root, "HEAD"),
        )

    before = answers()
    real_git(root, "config", setting, SETTINGS[setting])

    assert before == answers()


def test_main_line_of_no_such_revision(root: Path) -> None:
    """A revision that does not exist is git's error, and an option is none."""
    for revision in ("none", "--all"):
        with pytest.raises(GitError):
            list(git.main_line(root, revision, "apps"))


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

    assert {X, ODD, f"{RELEASES}/r1.yaml"} == {*git_objects.ever_had(root, "apps")}
    assert {f"{RELEASES}/r1.yaml"} == {*git_objects.ever_had(root, RELEASES, "apps/none")}


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

    assert {f"{RELEASES}/r2.yaml", f"{RELEASES}/r3.yaml"} == {*git_objects.ever_had(root, RELEASES)}


def test_ever_had_knows_what_a_merge_itself_added(root: Path) -> None:
    """A release that was written while merging was there too."""
    side_branch(root)
    merge(root, "--no-commit")
    write(root, f"{RELEASES}/r4.yaml", "r4\n")
    commit(root, "root: Merge side and more")

    assert {f"{RELEASES}/r4.yaml"} == {*git_objects.ever_had(root, RELEASES)}


def test_nothing_was_ever_there_before_the_first_commit(tmp_path: Path) -> None:
    """A repository without a commit never had any file, and is no error."""
    real_git(tmp_path, "init", "--quiet")
    write(tmp_path, X, "one\n")

    assert () == git_objects.ever_had(tmp_path, "apps")
