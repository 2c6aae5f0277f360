"""Who is told what became of a revision: a chat, and the commit itself.

Each of the three events is told once a revision: an Application that is healed, or asked about
again, tells nothing new.
"""

import json
from collections.abc import Mapping

from modelctl.render.argocd.forge import Addresses, addresses
from modelctl.render.argocd.metadata import Object
from modelctl.render.emit import emit
from modelctl.repo.kinds import ArgoCd, Environment, GitSource

_CHAT, _COMMIT = "chat", "commit-status"
_OPERATION = "app.status?.operationState"
# A sync that fails is tried again without end, so it never comes to be `Failed`: from the second
# retry on it is no matter of order any more, such as a definition that was yet to come.
_RETRIES = 2
_WHEN = {
    "deployed": f"{_OPERATION}?.phase == 'Succeeded' and app.status?.health?.status == 'Healthy'",
    "failed": (
        f"{_OPERATION}?.phase in ['Error', 'Failed'] or "
        f"({_OPERATION}?.phase == 'Running' and ({_OPERATION}?.retryCount ?? 0) >= {_RETRIES})"
    ),
    "degraded": "app.status?.health?.status == 'Degraded'",
}
_WORDS = {
    "deployed": "is deployed",
    "failed": "cannot be applied",
    "degraded": "is degraded",
}
_ONCE_PER = f"{_OPERATION}?.operation?.sync?.revision"
_REVISION = (
    "{{ .app.status.operationState.operation.sync.revision | default .app.status.sync.revision }}"
)
_MODELS = "app.kubernetes.io/managed-by=modelctl,app.kubernetes.io/component=application"


def notifications(environment: Environment, source: GitSource) -> Mapping[str, str]:
    """The data of `argocd-notifications-cm`; nothing where nobody is told."""
    settings = environment.argocd or ArgoCd()
    forge = addresses(source) if settings.notifications.commit_status else None
    told = [_CHAT] * settings.notifications.chat + [_COMMIT] * (forge is not None)
    if not told:
        return {}
    events = {
        f"template.{event}": emit({"webhook": _requests(environment, event, told, forge)})
        for event in _WHEN
    }
    triggers = {f"trigger.{event}": _trigger(event) for event in _WHEN}
    subscription = {"recipients": told, "triggers": list(_WHEN), "selector": _MODELS}
    return {
        "context": emit({"argocdUrl": settings.url or "", "environment": environment.name}),
        **_services(told, forge),
        "subscriptions": _listed(subscription),
        **triggers,
        **events,
    }


def _services(told: list[str], forge: Addresses | None) -> dict[str, str]:
    """Where requests go; addresses and tokens are keys of Argo CD's own Secret."""
    json_body = {"name": "Content-Type", "value": "application/json"}
    found = {}
    if _CHAT in told:
        found[f"service.webhook.{_CHAT}"] = emit({"url": "$chat-url", "headers": [json_body]})
    if forge is not None:
        name, value = forge.header
        headers = [json_body, {"name": name, "value": value}]
        found[f"service.webhook.{_COMMIT}"] = emit({"url": forge.api, "headers": headers})
    return found


def _trigger(event: str) -> str:
    return _listed({"when": _WHEN[event], "oncePer": _ONCE_PER, "send": [event]})


def _requests(
    environment: Environment, event: str, told: list[str], forge: Addresses | None
) -> Object:
    requests: Object = {}
    page = "{{ .context.argocdUrl }}/applications/{{ .app.metadata.name }}"
    words = f"{{{{ .app.metadata.name }}}} {_WORDS[event]} in {environment.name}"
    if _CHAT in told:
        text = f"{words} at {_REVISION}: {page}"
        requests[_CHAT] = {"method": "POST", "body": _body({"text": text})}
    if forge is not None:
        state = "success" if event == "deployed" else forge.failed
        said = {
            "state": state,
            "context": f"argocd/{environment.name}/{{{{ .app.metadata.name }}}}",
            "description": words,
            "target_url": page,
        }
        path = f"{forge.statuses}/{_REVISION}"
        requests[_COMMIT] = {"method": "POST", "path": path, "body": _body(said)}
    return requests


def _body(said: Mapping[str, str]) -> str:
    """A body of JSON; nothing in it that Argo CD fills in has quotes or line breaks."""
    return f"{json.dumps(said, indent=2)}\n"


def _listed(item: Object) -> str:
    """A list of one mapping, as YAML."""
    first, *others = emit(item).splitlines(keepends=True)
    return "".join([f"- {first}", *(f"  {line}" for line in others)])
