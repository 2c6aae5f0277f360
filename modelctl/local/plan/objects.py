"""From the rendered Kubernetes objects of a model to its model plan.

Kinds that have no meaning on one machine without pods (PodDisruptionBudget, ServiceAccount,
NetworkPolicy) are passed over. There is no autoscaling here: an autoscaler's minimum is the
replica count.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from modelctl.gateway.fields import Field, parse
from modelctl.gateway.reading import read
from modelctl.gateway.values import Route
from modelctl.local.plan.calls import with_calls
from modelctl.local.plan.values import ModelPlan, PlanError, PodTemplate, Probe, Workload
from modelctl.repo.quantities import amount

__all__ = ("model_plan", "parse")

_VARIABLE = "MODELSERVER_"  # begins the name of each setting of a model server
_STABLE = "app.kubernetes.io/version"  # of a route: the release that is the model's stable one
# Names become file names and Envoy's cluster names, paths a line of an HTTP request.
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PATH = re.compile(r"/[!-~]*")


def model_plan(model: str, objects: Iterable[Field]) -> ModelPlan:
    """The plan of a model from every object rendered for it.

    Raises:
        PlanError: An object is malformed, asks for what cannot run here, or names what is absent.
    """
    every = tuple(objects)
    by_kind: dict[str, list[Field]] = {}
    for item in every:
        by_kind.setdefault(item.get("kind").text(), []).append(item)
    minimums = dict(_minimum(item) for item in by_kind.get("HorizontalPodAutoscaler", ()))
    services = [
        (_name(item), dict(item.get("spec", "selector").pairs()))
        for item in by_kind.get("Service", ())
    ]
    workloads = tuple(_workload(item, services, minimums) for item in by_kind.get("Deployment", ()))
    said = read(every)
    routes = tuple(with_calls(model, _named(route)) for route in said.routes)
    stable = (
        dict(item.get("metadata", "labels").pairs()).get(_STABLE)
        for item in by_kind.get("HTTPRoute", ())
    )
    plan = ModelPlan(model, workloads, replace(said, routes=routes), next(filter(None, stable), ""))
    _require_backends(plan)
    return plan


def _name(item: Field) -> str:
    name = item.get("metadata", "name")
    if not _LABEL.fullmatch(name.text()):
        raise name.error("a DNS label")
    return name.text()


def _named(route: Route) -> Route:
    """The route with a name for every rule: its place, where it has none."""
    return replace(
        route,
        rules=tuple(
            replace(rule, name=rule.name or str(place)) for place, rule in enumerate(route.rules)
        ),
    )


def _minimum(autoscaler: Field) -> tuple[str, int]:
    spec = autoscaler.get("spec")
    return spec.get("scaleTargetRef", "name").text(), spec.get("minReplicas").whole(default=1)


def _workload(
    deployment: Field, services: list[tuple[str, dict[str, str]]], minimums: Mapping[str, int]
) -> Workload:
    name = _name(deployment)
    pod = deployment.get("spec", "template")
    labels = dict(pod.get("metadata", "labels").pairs())
    template = _template(pod)
    return Workload(
        name=name,
        model=_variable(template, "MODEL", deployment),
        release=_variable(template, "RELEASE", deployment),
        replicas=minimums.get(name, deployment.get("spec", "replicas").whole(default=1)),
        template=template,
        services=tuple(
            service
            for service, selector in services
            if selector and selector.items() <= labels.items()
        ),
        image=_container(pod).get("image").text_or(""),
    )


def _container(pod: Field) -> Field:
    containers = list(pod.get("spec", "containers").items())
    if len(containers) != 1:
        raise pod.get("spec", "containers").error("a list of exactly one container")
    return containers[0]


def _template(pod: Field) -> PodTemplate:
    container = _container(pod)
    return PodTemplate(
        environment=tuple(_setting(item) for item in container.get("env").items()),
        startup=_probe(container.get("startupProbe")),
        readiness=_probe(container.get("readinessProbe")),
        liveness=_probe(container.get("livenessProbe")),
        grace_s=pod.get("spec", "terminationGracePeriodSeconds").whole(default=30),
        memory_bytes=_memory(container.get("resources", "limits", "memory")),
    )


def _memory(limit: Field) -> int:
    """A container's limit in bytes; 0 where it has none."""
    if limit.value is None:
        return 0
    try:
        return int(amount(limit.text()))
    except ValueError as error:
        raise limit.error("a quantity such as 512Mi") from error


def _setting(item: Field) -> tuple[str, str]:
    item.refuse("valueFrom")
    return item.get("name").text(), item.get("value").text_or("")


def _probe(probe: Field) -> Probe | None:
    """A probe with Kubernetes' own defaults for what it leaves out."""
    if probe.value is None:
        return None
    path = probe.get("httpGet", "path")
    if not _PATH.fullmatch(path.text()):
        raise path.error("a URL path such as /v2/health/ready")
    return Probe(
        path=path.text(),
        period_s=probe.get("periodSeconds").whole(default=10),
        timeout_s=probe.get("timeoutSeconds").whole(default=1),
        failures=probe.get("failureThreshold").whole(default=3),
        successes=probe.get("successThreshold").whole(default=1),
    )


def _variable(template: PodTemplate, name: str, deployment: Field) -> str:
    value = template.variable(_VARIABLE + name)
    if not value:
        raise PlanError(f"{deployment.path}: the container sets no {_VARIABLE}{name}")
    return value


def _require_backends(plan: ModelPlan) -> None:
    if not any(plan.rules):
        raise PlanError(f"model {plan.model}: no rendered HTTPRoute leads to it")
    known = {service for workload in plan.workloads for service in workload.services}
    backends = {backend.service for rule in plan.rules for backend in rule.backends}
    mirrors = {mirror.service for rule in plan.rules for mirror in rule.mirrors}
    for service in sorted((backends | mirrors) - known):
        raise PlanError(
            f"model {plan.model}: the route names Service {service}, "
            "but no rendered Deployment is behind a Service of that name"
        )
