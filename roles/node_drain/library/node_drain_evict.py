"""Evict a node's pods, those with GPUs last, and name what holds the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    from kubernetes.client.exceptions import ApiException

DOCUMENTATION = r"""
module: node_drain_evict
short_description: Evict a node's pods, those with GPUs last
description:
  - Beside M(kubernetes.core.k8s_drain) it waits where a PodDisruptionBudget refuses, moves pods
    with GPUs last, leaves pods of DaemonSets alone even where they use emptyDir, and has a check
    mode.
options:
  kubeconfig: {description: The kubeconfig., type: dict, required: true}
  node: {description: Name of the node., type: str, required: true}
  timeout_s: {description: Seconds until it gives up., type: int, default: 600}
  interval_s: {description: Seconds between two looks., type: int, default: 5}
  grace_period_s: {description: Seconds a pod gets; -1 is the pod's own., type: int, default: -1}
  force: {description: Evict pods without a controller., type: bool, default: false}
  delete_emptydir_data: {description: Evict pods with emptyDir., type: bool, default: true}
  disable_eviction: {description: Delete instead of evicting., type: bool, default: false}
author: modelctl
"""

EXAMPLES = r"""
- name: Evict the pods of gpu-1
  node_drain_evict:
    kubeconfig: "{{ cluster_access_kubeconfig }}"
    node: gpu-1
"""

RETURN = r"""
evicted: {description: Pods that left, in order., type: list, elements: str, returned: always}
blocked: {description: Pods still there and what holds each., type: dict, returned: on failure}
"""

MIRROR = "kubernetes.io/config.mirror"
TOO_MANY_REQUESTS, NOT_FOUND, SERVER_ERROR = 429, 404, 500

Pod = Mapping[str, Any]


@dataclass(frozen=True)
class Plan:
    """Pods of a node, sorted by what a drain does with them."""

    waves: tuple[tuple[Pod, ...], ...] = ()  # without GPU first
    unmanaged: tuple[Pod, ...] = ()
    local: tuple[Pod, ...] = ()


@dataclass
class Outcome:
    """What a drain did, and what still holds each pod that is left."""

    evicted: list[str] = field(default_factory=list)
    blocked: dict[str, str] = field(default_factory=dict)


def name_of(pod: Pod) -> str:
    """`namespace/name`."""
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def stays(pod: Pod) -> bool:
    """Whether no drain moves the pod: static, of a DaemonSet, or already at its end."""
    metadata = pod["metadata"]
    owners = metadata.get("ownerReferences") or []
    return (
        MIRROR in (metadata.get("annotations") or {})
        or any(owner["kind"] in {"DaemonSet", "Node"} for owner in owners)
        or (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}
    )


def uses_gpu(pod: Pod) -> bool:
    """Whether a container asks for an NVIDIA resource, or the pod for a device by claim."""
    spec = pod["spec"]
    containers = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    limits = [(c.get("resources") or {}).get("limits") or {} for c in containers]
    return bool(spec.get("resourceClaims")) or any(
        key.startswith("nvidia.com/") for limit in limits for key in limit
    )


def plan(pods: Iterable[Pod]) -> Plan:
    """How the pods of a node are to be moved."""
    moving = sorted((pod for pod in pods if not stays(pod)), key=name_of)
    waves = [
        tuple(pod for pod in moving if not uses_gpu(pod)),
        tuple(pod for pod in moving if uses_gpu(pod)),
    ]
    return Plan(
        waves=tuple(wave for wave in waves if wave),
        unmanaged=tuple(p for p in moving if not p["metadata"].get("ownerReferences")),
        local=tuple(
            p for p in moving if any("emptyDir" in v for v in p["spec"].get("volumes") or [])
        ),
    )


def selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a label selector matches; an empty one matches every pod of its namespace."""
    wanted = selector.get("matchLabels") or {}
    if any(labels.get(key) != value for key, value in wanted.items()):
        return False
    return all(fulfils(rule, labels) for rule in selector.get("matchExpressions") or [])


def fulfils(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether labels fulfil one entry of matchExpressions."""
    key, values = rule["key"], rule.get("values") or []
    by_operator = {
        "In": labels.get(key) in values,
        "NotIn": labels.get(key) not in values,
        "Exists": key in labels,
        "DoesNotExist": key not in labels,
    }
    return by_operator[rule["operator"]]


def refusal(plan_: Plan, *, force: bool, delete_emptydir_data: bool) -> str:
    """Why the node may not be drained at all; empty when it may."""
    if plan_.unmanaged and not force:
        pods = ", ".join(map(name_of, plan_.unmanaged))
        return (
            f"found pods that no controller would make anew: {pods}; expected every pod to have "
            "one. Remedy: delete them, or set node_drain_force=true."
        )
    if plan_.local and not delete_emptydir_data:
        pods = ", ".join(map(name_of, plan_.local))
        return (
            f"found pods with data in emptyDir volumes: {pods}; expected none. Remedy: save the "
            "data, then set node_drain_delete_emptydir_data=true."
        )
    return ""


class Cluster:
    """The few calls that a drain makes."""

    def __init__(self, kubeconfig: dict[str, Any]) -> None:
        from kubernetes import client, config  # noqa: PLC0415 - only the controller has it

        self._client = client
        self._api_client = config.new_client_from_config_dict(kubeconfig)
        self._core = client.CoreV1Api(self._api_client)
        self._policy = client.PolicyV1Api(self._api_client)

    def pods(self, node: str) -> list[Pod]:
        """Every pod that is bound to the node, as plain data."""
        found = self._core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={node}")
        return list(self._api_client.sanitize_for_serialization(found)["items"])

    def remove(self, pod: Pod, *, grace_period_s: int, by_deletion: bool) -> str:
        """Asks for one pod's end; what refuses it, or nothing."""
        options = self._client.V1DeleteOptions(
            grace_period_seconds=None if grace_period_s < 0 else grace_period_s,
            preconditions=self._client.V1Preconditions(uid=pod["metadata"].get("uid")),
        )
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        try:
            if by_deletion:
                self._core.delete_namespaced_pod(name, namespace, body=options)
            else:
                metadata = self._client.V1ObjectMeta(name=name, namespace=namespace)
                body = self._client.V1Eviction(metadata=metadata, delete_options=options)
                self._core.create_namespaced_pod_eviction(name, namespace, body=body)
        except self._client.exceptions.ApiException as error:
            return self._why(error, pod)
        return ""

    def _why(self, error: ApiException, pod: Pod) -> str:
        """What holds a pod; a pod that is gone is held by nothing."""
        if error.status == NOT_FOUND:
            return ""
        if error.status not in {TOO_MANY_REQUESTS, SERVER_ERROR}:
            raise error
        budgets = self._budgets(pod)
        named = ", ".join(f"PodDisruptionBudget {budget}" for budget in budgets)
        return named or f"the API server ({error.status} {error.reason})"

    def _budgets(self, pod: Pod) -> list[str]:
        namespace = pod["metadata"]["namespace"]
        found = self._policy.list_namespaced_pod_disruption_budget(namespace)
        labels = pod["metadata"].get("labels") or {}
        items = self._api_client.sanitize_for_serialization(found)["items"]
        matching = [b for b in items if selects(b["spec"].get("selector") or {}, labels)]
        return [f"{namespace}/{budget['metadata']['name']}" for budget in matching]


def drain(
    cluster: Cluster,
    wave: Iterable[Pod],
    outcome: Outcome,
    *,
    node: str,
    remove: Callable[[Pod], str],
    deadline: float,
    interval_s: float,
) -> None:
    """Moves one wave of pods; what is left at the deadline stands in `outcome.blocked`."""
    waiting = {pod["metadata"]["uid"]: pod for pod in wave}
    asked: set[str] = set()
    while True:
        outcome.blocked = {}
        for uid, pod in waiting.items():
            if uid not in asked and (why := remove(pod)):
                outcome.blocked[name_of(pod)] = why
            else:
                asked.add(uid)
        there = {pod["metadata"]["uid"] for pod in cluster.pods(node)}
        outcome.evicted += [name_of(pod) for uid, pod in waiting.items() if uid not in there]
        waiting = {uid: pod for uid, pod in waiting.items() if uid in there}
        if not waiting:
            return
        if time.monotonic() >= deadline:
            for pod in waiting.values():
                outcome.blocked.setdefault(name_of(pod), "its own end, which takes too long")
            return
        time.sleep(interval_s)


def run(module: AnsibleModule, cluster: Cluster) -> None:
    """Plans and moves, and ends the module."""
    options = module.params
    node, timeout_s = options["node"], options["timeout_s"]
    todo = plan(cluster.pods(node))
    why_not = refusal(
        todo, force=options["force"], delete_emptydir_data=options["delete_emptydir_data"]
    )
    if why_not:
        module.fail_json(msg=f"{node}: {why_not}", evicted=[], blocked={})
    names = [name_of(pod) for wave in todo.waves for pod in wave]
    if module.check_mode:
        module.exit_json(changed=bool(names), evicted=names)
    outcome, deadline = Outcome(), time.monotonic() + timeout_s
    for wave in todo.waves:
        drain(
            cluster,
            wave,
            outcome,
            node=node,
            remove=lambda pod: cluster.remove(
                pod,
                grace_period_s=options["grace_period_s"],
                by_deletion=options["disable_eviction"],
            ),
            deadline=deadline,
            interval_s=options["interval_s"],
        )
        if outcome.blocked:
            held = "; ".join(f"{pod} by {why}" for pod, why in sorted(outcome.blocked.items()))
            module.fail_json(
                msg=f"{node}: found pods that did not leave within {timeout_s} s: {held}; expected "
                "an empty node. Remedy: give what they protect one replica more, or wait until it "
                "is healthy, and run again; the node stays cordoned.",
                evicted=outcome.evicted,
                blocked=outcome.blocked,
                changed=bool(outcome.evicted),
            )
    module.exit_json(changed=bool(names), evicted=outcome.evicted)


def main() -> None:
    """Entry of the module."""
    module = AnsibleModule(
        argument_spec={
            "kubeconfig": {"type": "dict", "required": True, "no_log": True},
            "node": {"type": "str", "required": True},
            "timeout_s": {"type": "int", "default": 600},
            "interval_s": {"type": "int", "default": 5},
            "grace_period_s": {"type": "int", "default": -1},
            "force": {"type": "bool", "default": False},
            "delete_emptydir_data": {"type": "bool", "default": True},
            "disable_eviction": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        cluster = Cluster(module.params["kubeconfig"])
    except ImportError as error:
        module.fail_json(
            msg=f"{module.params['node']}: found no Python client of Kubernetes ({error}); "
            "expected it in the controller's Python. Remedy: make setup-roles, then use .venv."
        )
    run(module, cluster)


if __name__ == "__main__":
    main()
