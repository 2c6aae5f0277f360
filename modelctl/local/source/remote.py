"""A branch of a repository behind a URL."""

from collections.abc import Collection
from pathlib import Path

from modelctl.errors import GitError
from modelctl.local.source.repositories import Branch
from modelctl.nearest import hint
from modelctl.repo import git

_FETCH_LIMIT_S = 60.0  # for any answer of a remote repository
_NO_REF = "couldn't find remote ref"  # git's words for a branch that is not there


class Remote(Branch):
    """A branch of a repository behind a URL, fetched into a bare mirror in the state folder."""

    def __init__(self, url: str, ref: str | None, mirror: Path, *, every_s: float) -> None:
        """Make the mirror.

        Raises:
            GitError: The repository cannot be reached, or has no such branch, and no earlier run
                has fetched it.
        """
        self._shown = without_credentials(url)
        git.run(mirror.parent, "init", "--bare", "--quiet", str(mirror))
        # A clean-up in the background would be a process that nobody here ends.
        for setting in ("gc.autoDetach", "maintenance.autoDetach"):
            git.run(mirror, "config", setting, "false")
        self._url = url
        ref = ref if ref is None or ref.startswith("refs/") else f"refs/heads/{ref}"
        super().__init__(mirror, ref or self._default_ref(mirror), every_s=every_s)
        self.name = f"{self.ref} of {self._shown}"
        if not git.text(mirror, "for-each-ref", self.ref):
            self.revision()

    def revision(self) -> str:
        """The commit of the branch after a fetch."""
        refspec = f"+{self.ref}:{self.ref}"
        options = ("--quiet", "--no-tags", "--no-write-fetch-head", "--end-of-options")
        try:
            self._ask(self.folder, "fetch", *options, self._url, refspec)
        except GitError as error:
            if _NO_REF not in str(error):
                raise
            raise GitError(f"{self.name} is not there: {self._near()} ({error})") from None
        return super().revision()

    def folders(self) -> Collection[Path]:
        """None: nothing on this machine changes when the repository does."""
        return ()

    def _near(self) -> str:
        """The name of a branch that the repository has, near to the one that it has not."""
        lines = self._ask(self.folder, "ls-remote", "--heads", "--", self._url).splitlines()
        names = [line.partition("\trefs/heads/")[2] for line in lines]
        return hint(self.ref.removeprefix("refs/heads/"), names)

    def _default_ref(self, mirror: Path) -> str:
        """The full name of the repository's default branch."""
        for line in self._ask(
            mirror, "ls-remote", "--symref", "--", self._url, "HEAD"
        ).splitlines():
            if line.startswith("ref: "):
                return line.removeprefix("ref: ").split("\t")[0]
        raise GitError(f"{self._shown} names no default branch: choose one with --ref BRANCH")

    def _ask(self, folder: Path, *arguments: str) -> str:
        """Standard output of a git command that speaks to the repository behind the URL."""
        try:
            return git.run(folder, *arguments, timeout_s=_FETCH_LIMIT_S).decode(errors="replace")
        except GitError as error:
            words = f"{self._shown}: {error}".replace(self._url, self._shown)
            raise GitError(words) from None  # the cause would repeat the URL's password


def without_credentials(url: str) -> str:
    """The URL without user and password, one of which may be a token."""
    scheme, mark, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{mark}{authority.rpartition('@')[2]}{slash}{path}"
