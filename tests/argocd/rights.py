"""Argo CD's rights as its server decides them: casbin with its model, asked in its order."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import casbin
import yaml
from casbin.persist.adapters import StringAdapter

from scratch import PROJECT

MODEL = Path(__file__).parent / "argocd-rbac-model.conf"
ARGOCD = PROJECT / "argocd"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, and what the identity provider says of them."""

    name: str
    groups: tuple[str, ...] = ()


class Rights:
    """What people may do in an environment, by its committed files."""

    def __init__(self, environment: str, more: Iterable[str] = ()) -> None:
        """`more` are further lines of a policy."""
        lines = [*_settings(environment), *_projects(environment), *more]
        adapter = StringAdapter("\n".join(lines))
        self._enforcer = casbin.Enforcer(str(MODEL), adapter)
        self._enforcer.add_function("globOrRegexMatch", fnmatchcase)
        self._default = _data("argocd-rbac-cm", ARGOCD / "config")["policy.default"]

    def allow(self, person: Person, resource: str, action: str, thing: str) -> bool:
        """Whether a person may do it: by the default role, by name, or by one of the groups.

        Each is asked by itself, and the first that allows decides.
        Source: argo-cd v3.5.1, util/rbac/rbac.go and server/rbacpolicy/rbacpolicy.go.
        """
        subjects: Sequence[str] = (self._default, person.name, *person.groups)
        return any(self._enforcer.enforce(each, resource, action, thing) for each in subjects)


def _settings(environment: str) -> Iterator[str]:
    for folder in (ARGOCD / "config", ARGOCD / "config" / environment):
        for key, text in _data("argocd-rbac-cm", folder).items():
            if key.startswith("policy.") and key.endswith("csv"):
                yield from filter(None, map(str.strip, text.splitlines()))


def _projects(environment: str) -> Iterator[str]:
    """The lines of each project's roles, and the groups that have them."""
    for path in sorted((ARGOCD / "projects" / environment).glob("*.yaml")):
        project = yaml.safe_load(path.read_text(encoding="utf-8"))
        name = project["metadata"]["name"]
        for role in project["spec"].get("roles", ()):
            subject = f"proj:{name}:{role['name']}"
            yield f"p, {subject}, projects, get, {name}, allow"
            yield from role["policies"]
            yield from (f"g, {group}, {subject}" for group in role["groups"])


def _data(name: str, folder: Path) -> dict[str, Any]:
    file = folder / f"configmap-{name}.yaml"
    value: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))["data"]
    return value
