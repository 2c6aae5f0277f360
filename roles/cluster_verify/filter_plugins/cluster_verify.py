"""The checks of role cluster_verify: plain data in, findings out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Data = Mapping[str, Any]
Finding = dict[str, str]

PASS, WARN, FAIL = "pass", "warn", "fail"
DAY_S, HOUR_S = 86_400, 3_600
GONE = "app path does not exist"  # what Argo CD says of a model that left the environment
SAMPLE = re.compile(r"\bexample\.(com|org|net)\b")  # host names that are nobody's


def finding(
    check: str, subject: str, level: str, found: str, expected: str, *, remedy: str
) -> Finding:
    """One line of the verdict; a remedy stands only where something is to be done."""
    return {
        "check": check,
        "subject": subject,
        "level": level,
        "found": found,
        "expected": expected,
        "remedy": "" if level == PASS else remedy,
    }


def conditions(thing: Data) -> dict[str, str]:
    """Type and status of each condition of an object."""
    found = (thing.get("status") or {}).get("conditions") or []
    return {condition["type"]: condition["status"] for condition in found}


def name_of(thing: Data) -> str:
    """Name of an object, with its namespace where it has one."""
    metadata = thing["metadata"]
    return "/".join(filter(None, [metadata.get("namespace"), metadata["name"]]))


def node_findings(nodes: Iterable[Data], expected: Data) -> list[Finding]:
    """Whether the hosts are nodes, Ready, in service and at the locked versions."""
    by_name = {node["metadata"]["name"]: node for node in nodes}
    findings = []
    for host in sorted(expected["hosts"]):
        node = by_name.get(host)
        if node is None:
            remedy = f"run playbooks/add_node.yml --limit {host}, or take it out of the inventory"
            findings.append(finding("node", host, FAIL, "no node", "a Ready node", remedy=remedy))
            continue
        findings += [ready_finding(host, node), *version_findings(host, node, expected)]
    return findings


def ready_finding(host: str, node: Data) -> Finding:
    """Whether the node is Ready, and nothing is left of a failed change."""
    annotations = node["metadata"].get("annotations") or {}
    ready = conditions(node).get("Ready") == "True"
    cordoned = bool((node.get("spec") or {}).get("unschedulable"))
    why = annotations.get("modelctl.dev/maintenance-failed", "")
    found = ("Ready" if ready else "not Ready") + (", cordoned" if cordoned else "")
    level = FAIL if not ready or why else WARN if cordoned else PASS
    remedy = "see the kubelet's log: journalctl -u kubelet"
    if why:
        found, remedy = f"{found}: {why}", "mend the reason, then run the playbook again"
    elif ready:
        remedy = f"kubectl uncordon {host}, if nobody works on it"
    return finding("node", host, level, found, "Ready", remedy=remedy)


def version_findings(host: str, node: Data, expected: Data) -> list[Finding]:
    """Whether kubelet and containerd have the locked versions."""
    info = (node.get("status") or {}).get("nodeInfo") or {}
    pairs = {
        "kubelet": (info.get("kubeletVersion", ""), f"v{expected['kubernetes']}"),
        "containerd": (
            info.get("containerRuntimeVersion", ""),
            f"containerd://{expected['containerd']}",
        ),
    }
    remedy = "run playbooks/upgrade.yml"
    return [
        finding(what, host, PASS if has == wants else FAIL, has or "unknown", wants, remedy=remedy)
        for what, (has, wants) in pairs.items()
    ]


def gpu_findings(nodes: Iterable[Data], hosts: Data, *, required: bool) -> list[Finding]:
    """Whether each GPU host has its CDI devices and its node advertises its GPUs."""
    by_name = {node["metadata"]["name"]: node for node in nodes}
    findings = []
    for host, facts in sorted(hosts.items()):
        count = facts.get("gpus")
        if count is None:
            continue
        devices = len(cdi_devices(facts.get("cdi") or []))
        remedy = "systemctl restart nvidia-cdi-refresh, then look at nvidia-smi"
        level = PASS if devices >= count else FAIL
        findings.append(
            finding("cdi", host, level, f"{devices} devices", f"{count} or more", remedy=remedy)
        )
        findings.append(allocatable_finding(host, by_name.get(host), count, required=required))
    return findings


def cdi_devices(lines: Iterable[str]) -> set[str]:
    """Names of single GPUs or MIG slices among the lines of `nvidia-ctk cdi list`."""
    return {
        line.strip() for line in lines if re.search(r"nvidia\.com/gpu=\d+(:\d+)?$", line.strip())
    }


def allocatable_finding(host: str, node: Data | None, count: int, *, required: bool) -> Finding:
    """Whether the node offers at least as many GPUs, or slices of them, as it has."""
    offered = allocatable(node or {})
    if offered is None:
        level = FAIL if required else WARN
        found, remedy = "not advertised", "let Argo CD sync the device plugin of this environment"
    else:
        level, found = PASS if offered >= count else FAIL, str(offered)
        remedy = "see the device plugin's log on this node, and nvidia-smi"
    return finding("allocatable GPUs", host, level, found, f"{count} or more", remedy=remedy)


def allocatable(node: Data) -> int | None:
    """GPUs and MIG slices that a node offers; none where no device plugin spoke for it."""
    offered = (node.get("status") or {}).get("allocatable") or {}
    pattern = re.compile(r"nvidia\.com/(gpu|gpu\.shared|mig-.+)$")
    counts = [int(value) for key, value in offered.items() if pattern.match(key)]
    return sum(counts) if counts else None


def pod_findings(pods: Iterable[Data]) -> list[Finding]:
    """Whether the pods of the system run: one line for all, one for each that does not."""
    pods = list(pods)
    bad = [pod for pod in pods if not runs(pod)]
    remedy = "kubectl -n kube-system describe pod, and its log"
    findings = [
        finding(
            "pod", name_of(pod), FAIL, pod["status"].get("phase", "unknown"), "Ready", remedy=remedy
        )
        for pod in sorted(bad, key=name_of)
    ]
    level = PASS if len(pods) > len(bad) else WARN
    text = f"{len(pods) - len(bad)} of {len(pods)} Ready"
    return [
        finding("core pods", "kube-system", level, text, "every one Ready", remedy=remedy),
        *findings,
    ]


def runs(pod: Data) -> bool:
    """Whether a pod is Ready, or has done its work."""
    phase = (pod.get("status") or {}).get("phase")
    return phase == "Succeeded" or (phase == "Running" and conditions(pod).get("Ready") == "True")


def certificate_findings(hosts: Data, now: datetime, *, min_days: int) -> list[Finding]:
    """How long the certificates of each control plane are valid."""
    findings = []
    for host, facts in sorted(hosts.items()):
        ends = {
            entry["name"]: parse_time(entry["expirationDate"])
            for entry in (facts.get("certificates") or {}).get("certificates") or []
            if entry.get("expirationDate")
        }
        if not ends:
            continue
        first = min(ends, key=lambda name: ends[name])
        days = int((ends[first] - now).total_seconds() // DAY_S)
        level = PASS if days >= min_days else FAIL
        found = f"{days} days ({first})"
        remedy = "run playbooks/rotate_certs.yml"
        findings.append(
            finding("certificates", host, level, found, f"{min_days} days or more", remedy=remedy)
        )
    return findings


def backup_findings(hosts: Data, now: datetime, *, max_age_h: int) -> list[Finding]:
    """How old the newest backup of etcd is on each control plane."""
    findings = []
    for host, facts in sorted(hosts.items()):
        if "backups" not in facts:
            continue
        expected = f"at most {max_age_h} h old"
        remedy = "see journalctl -u etcd-backup, then run playbooks/backup.yml"
        newest = max((file["mtime"] for file in facts["backups"]), default=None)
        if newest is None:
            findings.append(finding("etcd backup", host, WARN, "none yet", expected, remedy=remedy))
            continue
        age_h = int((now.timestamp() - newest) // HOUR_S)
        level = PASS if age_h <= max_age_h else FAIL
        findings.append(
            finding("etcd backup", host, level, f"{age_h} h old", expected, remedy=remedy)
        )
    return findings


def application_findings(applications: Iterable[Data]) -> list[Finding]:
    """Whether the root Application is synced and healthy, and every other."""
    by_name = {app["metadata"]["name"]: app for app in applications}
    if "root" not in by_name:
        remedy = "run playbooks/argocd.yml"
        return [finding("argocd", "root", WARN, "no Application", "Synced, Healthy", remedy=remedy)]
    return [application_finding(name, app) for name, app in sorted(by_name.items())]


def application_finding(name: str, app: Data) -> Finding:
    """State of one Application: the root's failure, and what cannot be compared, fail the cluster.

    That a model is sick is its owner's.
    """
    status = app.get("status") or {}
    sync = (status.get("sync") or {}).get("status", "")
    health = (status.get("health") or {}).get("status", "")
    why = uncompared(status)
    good = sync == "Synced" and health in {"Healthy", ""} and not why
    bad = FAIL if (name == "root" and sync) or why else WARN
    found = ", ".join(filter(None, [sync, health, why])) or "not reconciled yet"
    remedy = f"argocd app get {name}, or its page: the message of the last sync"
    if GONE in why:
        bad, found = WARN, "in the cluster, and no more in git"
        remedy = f"argocd app delete {name}, see docs/how-to/remove-a-model.md"
    elif SAMPLE.search(repository_of(app)):
        found = f"{found}, reads the sample's repository"
        remedy = "write your own address into argocd/environments.yaml, then modelctl render"
    return finding("argocd", name, PASS if good else bad, found, "Synced, Healthy", remedy=remedy)


def uncompared(status: Data) -> str:
    """What Argo CD says of an Application that it cannot compare with git."""
    types = {"ComparisonError", "InvalidSpecError"}
    conditions = status.get("conditions") or []
    said = [each.get("message", "") for each in conditions if each.get("type") in types]
    return "; ".join(filter(None, said))


def repository_of(app: Data) -> str:
    """The address that an Application reads."""
    source = (app.get("spec") or {}).get("source") or {}
    return str(source.get("repoURL", ""))


def parse_time(text: str) -> datetime:
    """A time of the API, in UTC."""
    return datetime.fromisoformat(text)


def verdict(state: Data, expected: Data) -> dict[str, Any]:
    """Everything that role cluster_verify found, and whether the cluster is as it should be."""
    now = datetime.fromtimestamp(int(expected["now"]), tz=UTC)
    hosts = state["hosts"]
    findings = [
        *node_findings(state["nodes"], expected),
        *pod_findings(state["pods"]),
        *gpu_findings(state["nodes"], hosts, required=expected["gpus_required"]),
        *certificate_findings(hosts, now, min_days=expected["certificate_min_days"]),
        *backup_findings(hosts, now, max_age_h=expected["backup_max_age_h"]),
        *application_findings(state["applications"]),
    ]
    levels = [entry["level"] for entry in findings]
    return {
        "ok": FAIL not in levels,
        "counts": {level: levels.count(level) for level in (PASS, WARN, FAIL)},
        "findings": findings,
    }


def table(findings: Iterable[Finding]) -> list[str]:
    """The findings as lines of a table; failures come first."""
    order = {FAIL: 0, WARN: 1, PASS: 2}
    rows = sorted(findings, key=lambda entry: order[entry["level"]])
    columns = ["level", "check", "subject", "found", "expected", "remedy"]
    widths = {c: max([len(c), *(len(row[c]) for row in rows)]) for c in columns[:-1]}
    lines = [{column: column for column in columns}, *rows]
    return [
        "  ".join([*(row[c].ljust(widths[c]) for c in columns[:-1]), row["remedy"]]).rstrip()
        for row in lines
    ]


class FilterModule:
    """Filters of role cluster_verify."""

    def filters(self) -> dict[str, Any]:
        """Name and function of each filter."""
        return {
            "cluster_verify_allocatable": allocatable,
            "cluster_verify_cdi_devices": lambda lines: sorted(cdi_devices(lines)),
            "cluster_verify_table": table,
            "cluster_verify_verdict": verdict,
        }
