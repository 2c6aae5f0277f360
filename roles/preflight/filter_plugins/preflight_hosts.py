"""Filters: what was observed on the hosts against what a node needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Finding = dict[str, str]
Observed = Mapping[str, Any]
Settings = Mapping[str, Any]

LISTENER = re.compile(
    r"^(?P<protocol>tcp|udp)\s+\S+\s+\d+\s+\d+\s+\S+:(?P<port>\d+)\s+\S+\s*(?P<users>.*)$"
)
PROCESS = re.compile(r'"(?P<name>[^"]+)"')
MINORS_BEHIND = 3


def host_findings(observed: Mapping[str, Observed], *, settings: Settings) -> list[Finding]:
    """Findings on every host, and on what hosts must not share.

    `observed` maps a host to its facts: cgroup_v2, swap, memory_mb, cpus, disk_mb, clock_skew_s,
    listeners, distribution, live, kubelet_version, groups, identity, gpu.
    """
    found: list[Finding] = []
    for host, facts in observed.items():
        for check in (_system, _kernel, _resources, _clock, _ports, _skew, _gpu):
            found += [
                {"severity": "error", "host": host, **entry} for entry in check(facts, settings)
            ]
    return found + _duplicates(observed)


def _entry(check: str, found: str, expected: str, remedy: str, **more: str) -> Finding:
    return {"check": check, "found": found, "expected": expected, "remedy": remedy, **more}


def _system(facts: Observed, settings: Settings) -> list[Finding]:
    supported = list(settings["distributions"])
    if facts["distribution"] in supported:
        return []
    return [
        _entry(
            "distribution",
            facts["distribution"],
            " or ".join(supported),
            "install a supported system",
        )
    ]


def _kernel(facts: Observed, settings: Settings) -> list[Finding]:
    del settings
    found = []
    if not facts["cgroup_v2"]:
        found.append(
            _entry(
                "cgroup-v2",
                "cgroup v1",
                "cgroup v2 alone",
                "remove systemd.unified_cgroup_hierarchy=0 from the kernel's arguments "
                "and reboot; kubelet refuses version 1",
            )
        )
    if facts["swap"]:
        severity = "error" if facts["live"] else "warning"
        found.append(
            _entry(
                "swap",
                f"swap on {', '.join(facts['swap'])}",
                "no swap",
                "role node_base switches it off; on a node that runs, do it by hand: swapoff --all",
                severity=severity,
            )
        )
    return found


def _resources(facts: Observed, settings: Settings) -> list[Finding]:
    needs = {
        "memory": (facts["memory_mb"], settings["memory_mb"], "MB of memory"),
        "cpu": (facts["cpus"], settings["cpus"], "processors"),
        "disk": (facts["disk_mb"], settings["disk_mb"], f"MB free below {settings['disk_path']}"),
    }
    return [
        _entry(
            check,
            f"{has} {unit}",
            f"at least {least} {unit}",
            f"use a larger host, or lower preflight_min_{check}* if you know better",
        )
        for check, (has, least, unit) in needs.items()
        if int(has) < int(least)
    ]


def _clock(facts: Observed, settings: Settings) -> list[Finding]:
    skew, allowed = float(facts["clock_skew_s"]), float(settings["clock_skew_s"])
    if abs(skew) <= allowed:
        return []
    side = "ahead of" if skew > 0 else "behind"
    return [
        _entry(
            "clock",
            f"a clock {abs(skew):.0f} s {side} the controller's",
            f"at most {allowed:.0f} s apart",
            "let chronyd set it (chronyc makestep), or correct the controller's clock",
        )
    ]


def listeners(text: str) -> dict[str, str]:
    """Programs that listen, by `protocol/port`, from what `ss -Hlntup` printed."""
    found = {}
    for line in text.splitlines():
        if match := LISTENER.match(line.strip()):
            names = PROCESS.findall(match["users"])
            found[f"{match['protocol']}/{match['port']}"] = names[0] if names else "a program"
    return found


def _ports(facts: Observed, settings: Settings) -> list[Finding]:
    if facts["live"]:
        return []
    busy = listeners(facts["listeners"])
    return [
        _entry(
            "port",
            f"{busy[key]} on port {key}",
            f"a free port for {row['name']} ({row['purpose']})",
            f"stop {busy[key]} or move it to another port",
        )
        for row in settings["ports"]
        if row["free"]
        and set(row["groups"]) & {"cluster", *facts["groups"]}
        and settings["cni"] in row.get("cni", [settings["cni"]])
        for port in _span(str(row["port"]))
        if (key := f"{row['protocol']}/{port}") in busy
    ]


def _span(text: str) -> range:
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _skew(facts: Observed, settings: Settings) -> list[Finding]:
    if not facts["kubelet_version"]:
        return []
    has, wanted = _minor(facts["kubelet_version"]), _minor(settings["kubernetes"])
    if has <= wanted and wanted - has <= MINORS_BEHIND:
        return []
    return [
        _entry(
            "version-skew",
            f"kubelet {facts['kubelet_version']}",
            f"at most {MINORS_BEHIND} minor releases behind {settings['kubernetes']}, not ahead",
            "upgrade one minor release at a time with playbooks/upgrade.yml; never back",
        )
    ]


def _minor(version: str) -> int:
    return int(version.removeprefix("v").split(".")[1])


def _gpu(facts: Observed, settings: Settings) -> list[Finding]:
    gpu = facts["gpu"]
    if "gpu" not in facts["groups"]:
        return []
    if not gpu.get("count"):
        return [
            _entry(
                "gpu",
                "no NVIDIA GPU that can be used",
                "at least one on a host of group gpu",
                "check the card and the BIOS, or take the host out of group gpu",
            )
        ]
    found = [
        _entry(
            f"gpu-{entry['rule']}",
            f"{entry['device']}: {entry['found']}",
            entry["expected"],
            entry["remedy"],
            severity="error" if entry["blocking"] else "warning",
        )
        for entry in gpu["findings"]
    ]
    return found + _gpu_driver(gpu, settings) + _gpu_secure_boot(gpu, settings)


def _gpu_driver(gpu: Mapping[str, Any], settings: Settings) -> list[Finding]:
    branch, flavor = int(settings["driver_branch"]), settings["driver_flavor"]
    least, most = gpu["branches"]["min"] or 0, gpu["branches"]["max"]
    found = []
    if branch < least or (most is not None and branch > most):
        found.append(
            _entry(
                "gpu-driver-branch",
                f"driver branch {branch}",
                f"{least} to {most if most is not None else 'the newest'}",
                "choose a branch that drives every GPU of the host",
            )
        )
    if flavor and flavor not in gpu["module_flavors"]:
        found.append(
            _entry(
                "gpu-module-flavor",
                f"kernel module flavour {flavor}",
                " or ".join(gpu["module_flavors"]) or "none fits",
                "set nvidia_driver_module_flavor to what the GPUs need",
            )
        )
    return found


def _gpu_secure_boot(gpu: Mapping[str, Any], settings: Settings) -> list[Finding]:
    if not gpu["secure_boot"] or gpu["mok_enrolled"] or settings["signed_modules"]:
        return []
    return [
        _entry(
            "secure-boot",
            "secure boot on, and no enrolled key that signs the driver",
            "a driver that this firmware accepts",
            "one of three: switch secure boot off in the firmware; enrol DKMS's key (mokutil "
            "--import /var/lib/dkms/mok.pub, then reboot and confirm at the console); or "
            "install modules that the distribution signed",
        )
    ]


def _duplicates(observed: Mapping[str, Observed]) -> list[Finding]:
    found: list[Finding] = []
    for kind in ("hostname", "machine_id", "mac"):
        holders: dict[str, list[str]] = {}
        for host, facts in observed.items():
            holders.setdefault(str(facts["identity"].get(kind, "")), []).append(host)
        for value, hosts in holders.items():
            if value and len(hosts) > 1:
                found.append(
                    {
                        "severity": "error",
                        "host": ", ".join(hosts),
                        **_entry(
                            "duplicate-identity",
                            f"the same {kind.replace('_', ' ')} {value}",
                            "one of its own for every host",
                            REMEDIES[kind],
                        ),
                    }
                )
    return found


REMEDIES = {
    "hostname": "hostnamectl set-hostname NAME on one of them; Kubernetes names nodes by it",
    "machine_id": "on a cloned host: rm /etc/machine-id, systemd-machine-id-setup, reboot",
    "mac": "give the cloned virtual machine a network card address of its own",
}


def observed_hosts(hostvars: Mapping[str, Observed], hosts: list[str]) -> dict[str, Observed]:
    """What was observed on those of `hosts` that were asked."""
    return {
        host: hostvars[host]["__preflight_observed"]
        for host in hosts
        if "__preflight_observed" in hostvars[host]
    }


def refusal(failed: Mapping[str, Any], *, role: str, host: str) -> Finding:
    """A role's refusal as a finding: its message says found, expected and what to do.

    In a loop the first item that failed speaks. A message of another form is given as it is.
    """
    results = [item for item in failed.get("results", []) if item.get("failed")]
    message = " ".join(str((results or [failed])[0].get("msg", "no message")).split())
    match = REFUSAL.match(message)
    told = match.groupdict("") if match else {"found": message, "expected": f"what {role} needs"}
    remedy = told.get("remedy") or told.get("advice") or f"see roles/{role}/README.md"
    return {
        "severity": "error",
        "host": host,
        **_entry(f"role-{role}", told["found"], told["expected"], remedy),
    }


REFUSAL = re.compile(
    r"^(?:\S+: )?(?:.*?)[Ff]ound:? (?P<found>.+?)[,;.] [Ee]xpected:? (?P<expected>.+?)[.:] "
    r"(?:Remedy: (?P<remedy>.+?)|(?P<advice>[A-Z(].*?))\.?$"
)


def refusals(hostvars: Mapping[str, Observed], hosts: list[str]) -> list[Finding]:
    """The refusals that roles stated on those of `hosts` that were asked."""
    return [finding for host in hosts for finding in hostvars[host].get("__preflight_refusals", [])]


class FilterModule:
    """Registers the filters with Ansible."""

    def filters(self) -> dict[str, Any]:
        """Filter functions by the name that templates use."""
        return {
            "preflight_observed": observed_hosts,
            "preflight_refusal": refusal,
            "preflight_refusals": refusals,
            "preflight_host_findings": host_findings,
            "preflight_listeners": listeners,
        }
