"""A team stands in `argocd/teams.yaml` once, and serves in environments that there are.

## What it does
Refuses a name that two teams have, an environment of a team that `argocd/environments.yaml` does
not list, and one with another engine than `argocd`.

## Why
Projects and namespaces are rendered from these lines. Of two teams with one name the later would
replace the other, and its quota with it; an environment that is misspelt gives the team nothing.

## Bad
```yaml
- {name: vision, environments: [prd], …}
```

## Good
```yaml
- {name: vision, environments: [prod], …}
```
"""

from collections.abc import Iterator

from modelctl.finding import Level, Scope, Violation
from modelctl.nearest import hint
from modelctl.repo import layout
from modelctl.repo.kinds import Team
from modelctl.repo.repository import Files, Repository

ID = "teams-consistent"
LEVEL = Level.ERROR
SCOPE = Scope.FILES


def check(files: Files) -> Iterator[Violation]:
    """One finding for each team that is there before, and each environment that is none."""
    if not isinstance(files, Repository):
        return
    seen: set[str] = set()
    for index, team in enumerate(files.teams.ordered):
        if team.name in seen:
            at = files.documents[layout.TEAMS].at("teams", index, "name")
            message = f"found the team {team.name} again, expected each once"
            yield Violation(layout.TEAMS, at, message, "rename or remove it")
        seen.add(team.name)
        if files.environments.ordered:
            yield from _environments(files, index, team)


def _environments(files: Repository, index: int, team: Team) -> Iterator[Violation]:
    synced = [each.name for each in files.environments.ordered if each.engine == "argocd"]
    for number, name in enumerate(team.environments):
        if name not in synced:
            at = files.documents[layout.TEAMS].at("teams", index, "environments", number)
            message = f"found {name}, expected an environment with engine: argocd"
            yield Violation(layout.TEAMS, at, message, hint(name, synced))
