"""The least that controllers do: definitions, namespaces, workloads, budgets, nodes."""

import datetime as dt
import hashlib
import json
import time
from typing import Any

from . import budgets, placement
from .kinds import Kind
from .store import Object, Store, Write, now

CRDS = "customresourcedefinitions.apiextensions.k8s.io"
SETS = {"deployments.apps": "ReplicaSet", "statefulsets.apps": "StatefulSet"}
HEARTBEAT_S = 15
CONTROLLER = Write("kube-controller-manager")


class Controllers:
    """Brings the objects of a store to what a cluster would show."""

    def __init__(self, store: Store, *, delay_s: float = 0.2) -> None:
        """Watch one store; definitions and pods are ready after `delay_s`, never while held."""
        self._store = store
        self._delay_s = delay_s
        self.is_held = False
        self._seen: dict[str, float] = {}
        self._pods = store.kinds["", "v1", "pods"]

    def sync(self) -> None:
        """One round of every controller."""
        if not self._store.initialised:
            return
        for item in self._store.named("namespaces"):
            self._namespace(item)
        for item in self._store.named(CRDS):
            self._definition(item)
        for item in self._store.named("nodes"):
            self._node(item)
        self._collect_pods()
        for plural in SETS:
            for item in self._store.named(plural):
                self._replicas(plural, item)
        for item in self._store.named("daemonsets.apps"):
            self._daemons(item)
        for item in self._store.named("poddisruptionbudgets.policy"):
            self._budget(item)

    def _is_due(self, uid: str) -> bool:
        age_s = time.monotonic() - self._seen.setdefault(uid, time.monotonic())
        return age_s >= self._delay_s and not self.is_held

    def _status(self, plural: str, item: Object, status: dict[str, Any]) -> None:
        meta = item["metadata"]
        self._store.set_status(plural, meta.get("namespace", ""), meta["name"], status)

    def _namespace(self, item: Object) -> None:
        self._status("namespaces", item, {"phase": "Active"})
        name = item["metadata"]["name"]
        if ("serviceaccounts", name, "default") not in self._store.objects:
            body = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
            kind = self._store.kinds["", "v1", "serviceaccounts"]
            self._store.create(kind, name, body, CONTROLLER)

    def _definition(self, item: Object) -> None:
        if not self._is_due(item["metadata"]["uid"]) or item.get("status"):
            return
        spec = item["spec"]
        for version in spec["versions"]:
            if version.get("served", True):
                plural = spec["names"]["plural"]
                subresources = tuple(version.get("subresources") or {}) or ()
                self._store.kinds[spec["group"], version["name"], plural] = Kind(
                    spec["group"],
                    version["name"],
                    spec["names"]["kind"],
                    plural,
                    spec["scope"] == "Namespaced",
                    custom=True,
                    subresources=subresources,
                )
        reasons = {"NamesAccepted": "NoConflicts", "Established": "InitialNamesAccepted"}
        true = {"status": "True", "message": "", "lastTransitionTime": now()}
        conditions = [{**true, "type": name, "reason": why} for name, why in reasons.items()]
        stored = [v["name"] for v in spec["versions"] if v.get("storage")]
        self._status(
            CRDS,
            item,
            {"acceptedNames": spec["names"], "conditions": conditions, "storedVersions": stored},
        )

    def _node(self, item: Object) -> None:
        spec = item.get("spec") or {}
        taints = [t for t in spec.get("taints") or [] if t["key"] != placement.UNSCHEDULABLE["key"]]
        wanted = [*taints, placement.UNSCHEDULABLE] if spec.get("unschedulable") else taints
        if wanted != (spec.get("taints") or []):
            after = {**item, "spec": {**spec, "taints": wanted}}
            self._store.change(self._store.kinds["", "v1", "nodes"], item, after, CONTROLLER)
        conditions = (item.get("status") or {}).get("conditions") or []
        for condition in conditions:
            beat = condition.get("lastHeartbeatTime")
            if condition["type"] != "Ready" or not beat or condition["status"] == "Unknown":
                continue
            last = dt.datetime.fromisoformat(beat)
            age = dt.datetime.now(dt.UTC) - last
            if age.total_seconds() > HEARTBEAT_S:
                lost = {
                    **condition,
                    "status": "Unknown",
                    "reason": "NodeStatusUnknown",
                    "message": "Kubelet stopped posting node status.",
                }
                rest = [c for c in conditions if c["type"] != "Ready"]
                self._status("nodes", item, {**item["status"], "conditions": [*rest, lost]})

    def _nodes(self) -> list[Object]:
        return sorted(self._store.named("nodes"), key=lambda node: str(node["metadata"]["name"]))

    def _collect_pods(self) -> None:
        nodes = {node["metadata"]["name"] for node in self._nodes()}
        for pod in self._store.named("pods"):
            bound = pod["spec"].get("nodeName")
            if bound and bound not in nodes:
                self._delete(pod)
            elif bound and self._is_due(pod["metadata"]["uid"]):
                mirror = "kubernetes.io/config.mirror" in pod["metadata"].get("annotations", {})
                ready = {"type": "Ready", "status": "True"}
                phase = (pod.get("status") or {}).get("phase", "Pending")
                if phase == "Pending" or mirror:
                    self._status("pods", pod, {"phase": "Running", "conditions": [ready]})
            elif not pod.get("status"):
                self._status("pods", pod, {"phase": "Pending"})

    def _delete(self, pod: Object) -> None:
        self._store.delete(self._pods, pod["metadata"]["namespace"], pod["metadata"]["name"])

    def _owned(self, item: Object) -> list[Object]:
        uid = item["metadata"]["uid"]
        return [
            pod
            for pod in self._store.named("pods")
            if any(o["uid"] == uid for o in pod["metadata"].get("ownerReferences", []))
        ]

    def _make(self, item: Object, kind: str, name: str, node: str) -> None:
        template = item["spec"]["template"]
        meta = item["metadata"]
        owner = {
            "apiVersion": "apps/v1",
            "kind": kind,
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
        }
        body = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template.get("metadata", {}),
                "name": name,
                "namespace": meta["namespace"],
                "ownerReferences": [owner],
            },
            "spec": {**template["spec"]} | ({"nodeName": node} if node else {}),
        }
        key = ("pods", meta["namespace"], name)
        if key not in self._store.objects:
            self._store.create(self._pods, meta["namespace"], body, CONTROLLER)

    def _place(self, item: Object, taken: set[str]) -> str:
        spec = item["spec"]["template"]["spec"]
        apart = ((spec.get("affinity") or {}).get("podAntiAffinity") or {}).get(
            "requiredDuringSchedulingIgnoredDuringExecution"
        )
        fitting = [
            node["metadata"]["name"]
            for node in self._nodes()
            if placement.fits(node, spec, daemon=False)
            and not (apart and node["metadata"]["name"] in taken)
        ]
        load = dict.fromkeys(fitting, 0)
        for pod in self._store.named("pods"):
            bound = pod["spec"].get("nodeName", "")
            if bound in load:
                load[bound] += 1
        return min(fitting, key=lambda name: (load[name], name)) if fitting else ""

    def _replicas(self, plural: str, item: Object) -> None:
        wanted = item["spec"].get("replicas", 1)
        pods = self._renewed(item)
        for pod in pods:
            if not pod["spec"].get("nodeName"):
                self._delete(pod)
        pods = [pod for pod in pods if pod["spec"].get("nodeName")]
        for pod in pods[wanted:]:
            self._delete(pod)
        taken = {pod["spec"]["nodeName"] for pod in pods[:wanted]}
        for number in range(wanted - len(pods)):
            node = self._place(item, taken)
            taken.add(node)
            name = f"{item['metadata']['name']}-{_hash(item)}-{self._store.revision}-{number}"
            self._make(item, SETS[plural], name, node)
        ready = len(
            [p for p in self._owned(item) if (p.get("status") or {}).get("phase") == "Running"]
        )
        self._status(plural, item, _counts(item, wanted, ready))

    def _renewed(self, item: Object) -> list[Object]:
        """The pods of the present template; those of an older one go."""
        kept = []
        for pod in self._owned(item):
            if f"-{_hash(item)}-" in pod["metadata"]["name"]:
                kept.append(pod)
            else:
                self._delete(pod)
        return kept

    def _daemons(self, item: Object) -> None:
        spec = item["spec"]["template"]["spec"]
        wanted = {
            n["metadata"]["name"] for n in self._nodes() if placement.fits(n, spec, daemon=True)
        }
        there = {pod["spec"]["nodeName"] for pod in self._renewed(item)}
        for pod in self._owned(item):
            if pod["spec"]["nodeName"] not in wanted:
                self._delete(pod)
        for node in sorted(wanted - there):
            name = f"{item['metadata']['name']}-{_hash(item)}-{node}"
            self._make(item, "DaemonSet", name, node)
        ready = len(
            [p for p in self._owned(item) if (p.get("status") or {}).get("phase") == "Running"]
        )
        status = {
            "desiredNumberScheduled": len(wanted),
            "currentNumberScheduled": len(wanted),
            "updatedNumberScheduled": len(wanted),
            "numberReady": ready,
            "numberAvailable": ready,
            "numberMisscheduled": 0,
            "observedGeneration": item["metadata"]["generation"],
        }
        if ready < len(wanted):
            status["numberUnavailable"] = len(wanted) - ready
        self._status("daemonsets.apps", item, status)

    def _budget(self, item: Object) -> None:
        pods = [
            p
            for p in self._store.named("pods")
            if p["metadata"]["namespace"] == item["metadata"]["namespace"]
            and budgets.selects(item["spec"].get("selector") or {}, p)
        ]
        status = budgets.status(item["spec"], pods)
        status["observedGeneration"] = item["metadata"]["generation"]
        self._status("poddisruptionbudgets.policy", item, status)

    def blocking(self, pod: Object) -> list[str]:
        """Names of the budgets that allow no eviction of a pod now."""
        self.sync()
        return [
            budget["metadata"]["name"]
            for budget in self._store.named("poddisruptionbudgets.policy")
            if budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
            and budgets.selects(budget["spec"].get("selector") or {}, pod)
            and budget["status"]["disruptionsAllowed"] == 0
        ]


def _hash(item: Object) -> str:
    text = json.dumps(item["spec"]["template"], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:9]


def _counts(item: Object, wanted: int, ready: int) -> dict[str, Any]:
    available = "True" if ready >= wanted else "False"
    status: dict[str, Any] = {
        "replicas": wanted,
        "updatedReplicas": wanted,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "observedGeneration": item["metadata"]["generation"],
        "conditions": [
            {"type": "Available", "status": available},
            {"type": "Progressing", "status": "True"},
        ],
    }
    if item["kind"] == "StatefulSet":
        status |= {
            "currentReplicas": wanted,
            "currentRevision": _hash(item),
            "updateRevision": _hash(item),
        }
    elif ready < wanted:
        status["unavailableReplicas"] = wanted - ready
    return status
