"""A site of containers: nodes, an inventory, the cluster's API, and playbooks run on them."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from roles.cluster.process import Cluster

ROOT = Path(__file__).resolve().parents[3]
Json = Any
TESTS = ROOT / "tests" / "roles"
QUIET = {"ANSIBLE_FORCE_COLOR": "0", "PYTHONWARNINGS": "default"}
PLUGINS = TESTS / "plugins"


@dataclass(frozen=True)
class Node:
    """One host of the site: its groups, and how many GPUs its PCI bus shows."""

    name: str
    groups: tuple[str, ...]
    gpus: int = 0
    switches: int = 0


@dataclass
class Run:
    """What a playbook did, from its events."""

    rc: int
    seconds: float
    events: list[dict[str, Any]] = field(default_factory=list)

    def of(self, *kinds: str) -> Iterator[dict[str, Any]]:
        """The events of some kinds."""
        yield from (event for event in self.events if event["event"] in kinds)

    @property
    def changed(self) -> list[str]:
        """Tasks that changed something, as `host: task`."""
        return [
            f"{data['host']}: {data['task']}"
            for data in (event["event_data"] for event in self.of("runner_on_ok"))
            if data.get("res", {}).get("changed")
        ]

    @property
    def failures(self) -> list[str]:
        """Messages of what failed and was not rescued."""
        return [
            f"{data['host']}: {data['task']}: {data['res'].get('msg', data['res'])}"
            for data in (
                event["event_data"]
                for event in self.of("runner_on_failed", "runner_on_unreachable")
            )
            if not data.get("ignore_errors")
        ]

    @property
    def notices(self) -> list[str]:
        """Warnings and deprecations."""
        found = [event["stdout"] for event in self.of("warning", "deprecated")]
        for event in self.of("runner_on_ok", "runner_on_failed"):
            result = event["event_data"].get("res", {})
            found += [str(item) for item in result.get("warnings", [])]
            found += [str(item) for item in result.get("deprecations", [])]
        return found

    def printed(self, task: str) -> list[str]:
        """The lines that a task of `debug` printed."""
        (told,) = [
            event["event_data"]["res"]["msg"]
            for event in self.of("runner_on_ok")
            if event["event_data"]["task"] == task
        ]
        return list(told)

    def roles(self) -> dict[str, float]:
        """How long each role took, in seconds from a task's first start to its last end."""
        spans: dict[str, tuple[str, list[str]]] = {}
        for event in self.of("runner_on_ok", "runner_on_failed", "runner_on_skipped"):
            data = event["event_data"]
            _, times = spans.setdefault(data["task_uuid"], (data.get("role", ""), []))
            times += [data["start"], data["end"]]
        spent: dict[str, float] = {}
        for role, times in spans.values():
            taken = datetime.fromisoformat(max(times)) - datetime.fromisoformat(min(times))
            spent[role] = spent.get(role, 0) + taken.total_seconds()
        most = sorted(spent.items(), key=lambda each: -each[1])
        return {role: round(seconds, 1) for role, seconds in most if role}

    def slowest(self, count: int) -> list[tuple[float, str]]:
        """The tasks that took longest, in seconds over all hosts."""
        spent: dict[str, float] = {}
        for event in self.of("runner_on_ok", "runner_on_failed"):
            data = event["event_data"]
            spent[data["task"]] = spent.get(data["task"], 0) + data.get("duration", 0)
        return sorted(((s, task) for task, s in spent.items()), reverse=True)[:count]


@dataclass
class Site:
    """Containers and the inventory over them."""

    folder: Path
    image: str
    repository: Path
    prefix: str
    cluster: Cluster
    nodes: tuple[Node, ...]
    podman: tuple[str, ...] = ("podman",)
    locked: dict[str, str] = field(default_factory=dict)

    def container(self, name: str) -> str:
        """A host's container."""
        return f"{self.prefix}{name}"

    def run_podman(self, *arguments: str, check: bool = True) -> str:
        """What a podman command prints."""
        command = [*self.podman, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
        return done.stdout

    def create(self, node: Node) -> None:
        """Start a host."""
        self.remove(node)
        own = self.folder / "nodes" / node.name
        _write_bus(own / "pci", node)
        (own / "cgroup").mkdir(parents=True, exist_ok=True)
        (own / "cgroup" / "cgroup.controllers").write_text("cpu memory pids\n")
        self.run_podman(
            "run", "--detach", "--name", self.container(node.name), "--hostname", node.name,
            "--systemd=always", "--network=none", "--cgroups=disabled", "--restart=always",
            "--cap-add=NET_ADMIN", "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096",
            f"--volume={self.repository}:/srv/repository:ro",
            f"--volume={self.cluster.folder}:/srv/cluster",
            f"--volume={own}:/srv/host", self.image, "/sbin/init",
        )  # fmt: skip
        # Where the GPU programs look; the roles look at the same tree.
        link = "mkdir -p /var/lib/stub && ln -sfn /srv/host/pci /var/lib/stub/pci"
        self.run_podman("exec", self.container(node.name), "sh", "-c", link)

    def remove(self, node: Node) -> None:
        """End a host."""
        self.run_podman("rm", "--force", "--time=0", self.container(node.name), check=False)

    def shell(self, name: str, script: str, *, check: bool = True) -> str:
        """What a script prints on a host."""
        return self.run_podman("exec", self.container(name), "sh", "-c", script, check=check)

    def write_inventory(self, names: list[str]) -> Path:
        """The inventory of some of the hosts, and the variables that fit this site."""
        chosen = [node for node in self.nodes if node.name in names]
        groups = {
            group: {"hosts": {node.name: {} for node in chosen if group in node.groups}}
            for group in ("control_plane", "workers", "gpu")
        }
        hosts = {node.name: {"ansible_host": self.container(node.name)} for node in chosen}
        children = {"control_plane": groups["control_plane"], "workers": groups["workers"]}
        tree = {
            "all": {"hosts": hosts, "vars": self._variables()},
            "cluster": {"children": children},
            "gpu": groups["gpu"],
        }
        path = self.folder / "inventory" / "hosts.yml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False))
        return path

    def _variables(self) -> dict[str, Any]:
        return {
            "ansible_connection": "nodes",
            "ansible_python_interpreter": "/usr/bin/python3",
            "cluster_name": "site",
            "control_plane_vip_mode": "none",  # the double stands where a load balancer would
            "cluster_endpoint": f"127.0.0.1:{self.cluster.port}",
            "cluster_pod_cidr": "10.244.0.0/16",
            "cluster_service_cidr": "10.96.0.0/12",
            "cluster_dns_domain": "cluster.local",
            "cluster_environment": "staging",
            "cluster_proxy_env": {},
            "firewall_cluster_cidrs": ["192.0.2.0/24"],
            "cluster_mirror_base": "",
            "preflight_cgroup_path": "/srv/host/cgroup",
            "gpu_facts_pci_path": "/srv/host/pci",
            "gpu_facts_module_path": "/run/stub/sys/module",
            "gpu_facts_driver_version_path": "/run/stub/proc/driver/nvidia/version",
            "gpu_facts_efivars_path": "/srv/host/efivars",
            "node_reboot_boot_time_command": "stat -c %Y /proc/1",
            "node_reboot_timeout": 60,
            "etcd_backup_recipients": [self._recipient()],
            "argocd_sync_timeout": 0,
            "cni_timeout": 60,
        }  # fmt: skip

    def _recipient(self) -> str:
        identity = self.folder / "age.key"
        if not identity.exists():
            subprocess.run(["age-keygen", "-o", str(identity)], capture_output=True, check=True)
        lines = identity.read_text().splitlines()
        return next(line.split(": ")[1] for line in lines if line.startswith("# public key"))

    def write_lock(self, **versions: str) -> Path:
        """The lock of the test repository, with other versions where given."""
        lock = yaml.safe_load((TESTS / "molecule" / "versions.yml").read_text())
        lock["compatibility"] = yaml.safe_load((ROOT / "versions.yml").read_text())["compatibility"]
        for name, version in versions.items():
            lock["versions"][name]["version"] = version
        path = self.folder / "lock.json"
        path.write_text(json.dumps(lock))
        return path

    def play(
        self, playbook: str, *flags: str, stop: tuple[str, str] = ("", ""), **variables: Json
    ) -> Run:
        """Run a playbook of this repository and gather its events.

        `stop` names a host that dies when it has done a task.
        """
        lock = self.write_lock(**self.locked)
        extra = self.folder / "extra.json"
        extra.write_text(json.dumps({"report_path": str(self.folder / "report.json")} | variables))
        (self.folder / "report.json").unlink(missing_ok=True)
        private = self.folder / "runner"
        private.mkdir(exist_ok=True)
        began = time.monotonic()
        ran = ansible_runner.run(
            private_data_dir=str(private), project_dir=str(ROOT),
            playbook=str(playbook if "/" in playbook else ROOT / "playbooks" / f"{playbook}.yml"),
            inventory=str(self.folder / "inventory" / "hosts.yml"), quiet=True,
            cmdline=" ".join([f"-e @{lock}", f"-e @{extra}", *flags]),
            envvars=self.environment(), event_handler=lambda event: self._stop(event, *stop),
        )  # fmt: skip
        run = Run(ran.rc, time.monotonic() - began, list(ran.events))
        with ran.stdout as text:
            (self.folder / f"{Path(playbook).stem}.txt").write_text(text.read())
        return run

    def _stop(self, event: dict[str, Any], host: str, task: str) -> bool:
        """End a host once it has done a task; every event is kept."""
        data = event.get("event_data", {})
        if (
            host
            and event["event"] == "runner_on_ok"
            and (host, task) == (data["host"], data["task"])
        ):
            self.run_podman("stop", "--time=0", self.container(host))
        return True

    def environment(self) -> dict[str, str]:
        """The environment that Ansible runs in: this interpreter's programs, caches of its own."""
        programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {
            **QUIET,
            "PATH": programs,
            "HOME": str(self.folder),
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_CONNECTION_PLUGINS": str(PLUGINS / "connection"),
            "PYTHONPATH": f"{PLUGINS}{os.pathsep}{PLUGINS / 'without'}",
            "MODELCTL_ROLES_TESTS": str(TESTS),
            "MODELCTL_ROLES_BUILD": str(self.repository.parent),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def report(self) -> dict[str, Any]:
        """The JSON summary of the last playbook."""
        found: dict[str, Any] = json.loads((self.folder / "report.json").read_text())
        return found


def _write_bus(folder: Path, node: Node) -> None:
    functions = [("2330", "0x030200")] * node.gpus + [("22a3", "0x068000")] * node.switches
    folder.mkdir(parents=True, exist_ok=True)
    for place, (device, code) in enumerate(functions):
        own = folder / f"0000:{place + 1:02x}:00.0"
        own.mkdir(exist_ok=True)
        values: Mapping[str, str] = {"vendor": "0x10de", "device": f"0x{device}", "class": code}
        for name, value in values.items():
            (own / name).write_text(f"{value}\n")


def owned_paths(path: Path) -> list[str]:
    """What a role's ownership file says that a reset removes."""
    owned = yaml.safe_load(path.read_text())
    return [] if owned.get("keep_on_reset") else [str(each) for each in owned["paths"]]
