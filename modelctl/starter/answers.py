"""What `modelctl init` is told: the facts of an installation that nobody can guess."""

import re
from dataclasses import dataclass
from typing import Literal

from modelctl.edit.additions import NewEnvironment
from modelctl.repo.kinds import Forge

Ci = Literal["github", "gitlab"]
# Stands for the address of a repository that only a laptop reads; `check` warns of it once Argo CD
# is to read it.
SAMPLE_URL = "https://git.example.com/models.git"

_HOST = re.compile(r"^(?:https://|ssh://)?(?:[^@/\s]+@)?([^:/\s]+)")
_FORGES: tuple[tuple[str, Forge], ...] = (
    ("github", "github"),
    ("gitlab", "gitlab"),
    ("gitea", "gitea"),
    ("forgejo", "gitea"),
    ("codeberg", "gitea"),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that differs between two repositories on their first day."""

    name: str
    team: str
    groups: tuple[str, ...]
    url: str = SAMPLE_URL
    clusters: tuple[NewEnvironment, ...] = ()
    ci: frozenset[Ci] = frozenset()
    index: str = ""  # the package index that has modelctl; empty for pip's own

    @property
    def forge(self) -> Forge | None:
        """What serves the repository, as far as its address or the CI that was asked for tell."""
        found = forge_of(self.url)
        only = next(iter(self.ci)) if len(self.ci) == 1 else None
        return found or only


def forge_of(url: str) -> Forge | None:
    """What serves a repository, where the name of its host tells."""
    match = _HOST.match(url)
    host = match[1].lower() if match else ""
    return next((forge for word, forge in _FORGES if word in host), None)
