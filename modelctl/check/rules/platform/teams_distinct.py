"""Teams can be told apart, and so can the people in them.

## What it does
Warns of two teams of `argocd/teams.yaml` whose names differ by a letter, a plural or a hyphen; of a
group that two teams have, or that has wider rights in an environment; and of a team without any.

## Why
A model of `forcasting` beside those of `forecasting` is in another namespace, with another quota.
People of a group that two teams have sync and restart the models of both.

## Bad
```yaml
- {name: vision, groups: [ml], …}
- {name: visions, groups: [ml], …}
```

## Good
```yaml
- {name: vision, groups: [vision], …}
- {name: pricing, groups: [pricing], …}
```
"""

import difflib
from collections.abc import Iterator

from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.repo import layout
from modelctl.repo.kinds import ArgoCd
from modelctl.repo.repository import Files, Repository

ID = "teams-distinct"
LEVEL = Level.WARNING
SCOPE = Scope.FILES

_NEAR = 0.9  # of difflib, 0 to 1: a letter of ten
_MANY = 200  # teams; more are not compared with one another


def check(files: Files) -> Iterator[Violation]:
    """One finding for each name and each group that another team has, or nearly has."""
    if isinstance(files, Repository):
        for at, message, remedy in (*_names(files), *_groups(files)):
            yield Violation(layout.TEAMS, files.documents[layout.TEAMS].at(*at), message, remedy)


def _names(files: Repository) -> Iterator[tuple[Pointer, str, str]]:
    before: list[str] = []
    for index, team in enumerate(files.teams.ordered[:_MANY]):
        others = [name for name in before if name != team.name]
        near = next((name for name in others if _is_near(name, team.name)), None)
        if near:
            message = f"found the team {team.name} beside {near}, expected names further apart"
            yield ("teams", index, "name"), message, "rename one, or remove it if it is a slip"
        before.append(team.name)


def _is_near(one: str, other: str) -> bool:
    bare = [name.replace("-", "").removesuffix("s") for name in (one, other)]
    if bare[0] == bare[1]:
        return True
    is_numbered = one.rstrip("0123456789") == other.rstrip("0123456789")
    is_long = min(map(len, bare)) > 4  # noqa: PLR2004 - short words are near to many
    ratio = difflib.SequenceMatcher(None, one, other).ratio() if is_long else 0.0
    return ratio >= _NEAR and not is_numbered


def _groups(files: Repository) -> Iterator[tuple[Pointer, str, str]]:
    seen: dict[str, str] = {}
    wider = {
        group: (role, environment.name)
        for environment in files.environments.ordered
        for role, groups in _roles(environment.argocd or ArgoCd())
        for group in groups
    }
    for index, team in enumerate(files.teams.ordered):
        if not team.groups:
            message = "found no group, expected the one whose people see and sync the models"
            yield ("teams", index, "groups"), message, "name a group of single sign-on"
        for number, group in enumerate(team.groups):
            at = ("teams", index, "groups", number)
            other = seen.setdefault(group, team.name)
            if other != team.name:
                message = f"found the group {group}, which the team {other} has too"
                yield at, message, "give each team a group of its own"
            elif group in wider:
                role, environment = wider[group]
                message = f"found the group {group}, which has the role {role} in {environment} too"
                yield at, message, "keep it to one: with both, people of one team act on all"


def _roles(settings: ArgoCd) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return ("on-call", settings.on_call_groups), ("platform", settings.platform_groups)
