"""Argo CD's own settings that are an environment's: laid over those that all have.

What all environments have stands in argocd/config itself, with its reasons; here is what repeats a
fact of `argocd/environments.yaml`. The role that installs Argo CD merges both.
"""

from collections.abc import Iterator, Mapping

from modelctl.render.argocd.links import links
from modelctl.render.argocd.metadata import NAMESPACE, Object
from modelctl.render.argocd.notifications import notifications
from modelctl.render.argocd.project import root_project
from modelctl.render.emit import emit
from modelctl.repo.kinds import ArgoCd, Environment, GitSource, SingleSignOn

_SCOPES = ["openid", "profile", "email", "groups"]


def objects(environment: Environment, source: GitSource) -> Iterator[Object]:
    """The root's project and the ConfigMaps of one environment."""
    settings = environment.argocd or ArgoCd()
    yield root_project(source)
    yield _config_map("argocd-cm", {**_people(settings), **links(environment, source)})
    groups = _groups(settings)
    if groups:
        yield _config_map("argocd-rbac-cm", {"policy.groups.csv": groups})
    told = notifications(environment, source)
    if told:
        yield _config_map("argocd-notifications-cm", told)


def _people(settings: ArgoCd) -> dict[str, str]:
    """How people come in: by single sign-on, or before there is any as the one administrator."""
    found = {"admin.enabled": "false" if settings.sso else "true"}
    if settings.url:
        found["url"] = settings.url
    if settings.sso:
        found["oidc.config"] = emit(_oidc(settings.sso))
    return found


def _oidc(sso: SingleSignOn) -> Object:
    return {
        "name": "Single sign-on",
        "issuer": sso.issuer,
        "clientID": sso.client_id,
        "clientSecret": f"${sso.secret}:clientSecret",
        "requestedScopes": _SCOPES,
        "requestedIDTokenClaims": {"groups": {"essential": True}},
    }


def _groups(settings: ArgoCd) -> str:
    """The groups that have the roles of argocd/config, one line each."""
    roles = {"on-call": settings.on_call_groups, "platform": settings.platform_groups}
    lines = (f"g, {group}, role:{role}\n" for role, groups in roles.items() for group in groups)
    return "".join(lines)


def _config_map(name: str, data: Mapping[str, str]) -> Object:
    """Name and labels are those by which Argo CD finds its settings."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "argocd"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "data": dict(data),
    }
