"""bundle.yml collects what apt needs, once, and the real apt takes it below the vendors' keys."""

import datetime as dt
import fnmatch
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

pytest.importorskip("pysequoia", reason="Ansible is not installed: make setup-roles")

from modelctl_bundle import mirror

from harness.content import PROJECT, TESTS
from harness.events import Run
from harness.plugins import load
from harness.repository import sign
from harness.stub_packages import architecture
from roles.bundle.bundle_kit import CODENAMES, LOCK, MANIFESTS, lock, new_apt, tree, variables
from roles.bundle.mirror_kit import repository, served

pytestmark = [pytest.mark.roles, pytest.mark.timeout(300)]
ROLE = PROJECT / "roles/package_source"
PLUGIN = ROLE / "filter_plugins/package_source.py"
DRIVER_ROLES = ("nvidia_driver", "nvidia_mig")  # their names come from the driver role's table
DISTRIBUTIONS = {"bookworm": "12", "trixie": "13"}


def filters() -> ModuleType:
    """The filters of role package_source."""
    return load(PLUGIN)


def role_repositories(codename: str, root: Path, base: str) -> list[dict[str, Any]]:
    """Repositories that role package_source writes on a GPU host of that Debian, with a mirror."""
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 - skipped without Ansible
    from ansible.template import Templar, trust_as_template  # noqa: PLC0415

    facts = {
        "distribution": "Debian",
        "distribution_release": codename,
        "distribution_version": DISTRIBUTIONS[codename],
        "distribution_major_version": DISTRIBUTIONS[codename],
        "architecture": {"amd64": "x86_64", "arm64": "aarch64"}[architecture()],
    }
    told = DataLoader().load_from_file(str(ROLE / "vars/main.yml"), trusted_as_template=True)
    told |= {
        "ansible_facts": facts,
        "versions": lock(root, root.as_uri()),
        "package_source_mirror_base": base,
        "package_source_mirror_key_fingerprint": "",
        "package_source_gpu_enabled": True,
    }
    names = [f"__package_source_{name}" for name in ("distribution", "cluster", "gpu")]
    text = trust_as_template(f"{{{{ {' + '.join(names)} }}}}")
    found: list[dict[str, Any]] = filters().resolved(
        Templar(variables=told).template(text),
        mirror_base=base,
        mirror_key_file="",
        mirror_fingerprint="",
        key_cache="/cache",
        default_architecture=architecture(),
    )
    return found


@pytest.mark.parametrize("codename", CODENAMES)
def test_apt_takes_the_bundle_where_the_role_points_it(
    publisher: Path, collected: Path, tmp_path: Path, codename: str
) -> None:
    """Apt updates from every address that the role writes, and downloads the locked packages."""
    apt = new_apt(tmp_path)
    for source in role_repositories(codename, publisher, collected.as_uri()):
        apt.source(
            uri=source["uri"],
            suites=source["suites"],
            components=" ".join(source["components"]),
            key=publisher / "key.asc",
        )
    version = f"{LOCK['kubernetes']['version']}-{LOCK['kubernetes']['package_revision']}"
    driver = f"nvidia-kernel-open-dkms={LOCK['nvidia_driver']['version']}-1"
    runtime = f"containerd.io={LOCK['containerd']['version']}-1~debian"
    runtime += f".{DISTRIBUTIONS[codename]}~{codename}"

    updated = apt.run("update")
    loaded = apt.run(
        "download", f"kubeadm={version}", f"kubelet={version}", "cri-tools", runtime, driver
    )

    assert 0 == updated.returncode, updated.stderr
    assert "" == updated.stderr
    assert 0 == loaded.returncode, loaded.stderr
    assert 5 == len(list(tmp_path.glob("*.deb")))


def test_apt_refuses_a_bundle_below_another_key(
    publisher: Path, collected: Path, tmp_path: Path
) -> None:
    """What the site's apt believes is the vendor's signature, not the bundle."""
    apt = new_apt(tmp_path)
    key = publisher / "other.asc"
    apt.source(uri=f"{collected.as_uri()}/kubernetes", suites=["/"], components="", key=key)

    updated = apt.run("update")

    assert 0 != updated.returncode
    assert "NO_PUBKEY" in updated.stderr


def test_apt_asks_for_an_index_by_its_digest(publisher: Path, tmp_path: Path) -> None:
    """Where a release says so, the web server that serves the bundle has the index there."""
    upstream = shutil.copytree(publisher / "kubernetes", tmp_path / "upstream")
    sign(upstream, {"Suite": "/", "Acquire-By-Hash": "yes"}, "key")
    bundle, apt = tmp_path / "bundle", new_apt(tmp_path / "apt")
    one = repository(publisher, upstream)
    settings = mirror.Settings(bundle, architecture(), 1 << 30, 5, dt.datetime.now(tz=dt.UTC))
    plan = mirror.plan([one], settings)
    mirror.bring(plan, mirror.missing(plan, settings), settings)

    with served(bundle) as (uri, asked):
        key = publisher / "key.asc"
        apt.source(uri=f"{uri}/kubernetes", suites=["/"], components="", key=key)
        updated = apt.run("update")
        loaded = apt.run("download", "kubeadm=1.36.4-1.1")

    assert (0, "") == (updated.returncode, updated.stderr)
    assert 0 == loaded.returncode, loaded.stderr
    assert any("/by-hash/SHA" in line for line in asked)
    assert [] == [line for line in asked if not line.endswith(" 200")]


def test_only_what_is_wanted_is_there(collected: Path) -> None:
    """Of many versions the locked one is carried, with what it depends on, and no other."""
    names = {path.name for path in (collected / "kubernetes").rglob("*.deb")}
    versions = {"kubeadm": "1.36.4", "kubelet": "1.36.4", "kubectl": "1.36.4"}
    versions |= {"cri-tools": "1.36.0", "kubernetes-cni": "1.9.1"}

    assert names == {f"{k}_{v}-1.1_{architecture()}.deb" for k, v in versions.items()}
    assert {"bookworm", "trixie"} == {p.name for p in (collected / "containerd/dists").iterdir()}
    assert any((collected / "debian").rglob("dkms_*.deb"))


def test_the_lists_say_what_was_chosen(collected: Path) -> None:
    """The lists name exact packages, what no repository serves, and kubeadm's own images."""
    listed = yaml.safe_load((collected / "lists/packages.yml").read_text())
    images = (collected / "lists/images.txt").read_text().splitlines()

    assert "kubeadm=1.36.4-1.1" in listed["packages"]["trixie"]["kubernetes"]
    assert "stub-programs" == listed["unresolved"]["bookworm"]["python3-yaml"]
    assert "registry.k8s.io/kube-apiserver:v1.36.4" in images
    assert any(image.startswith("registry.k8s.io/pause:") for image in images)


def test_the_manifest_names_every_file(collected: Path) -> None:
    """Every file is in the manifest, and nothing that is unfinished is there."""
    told = json.loads((collected / "manifest.json").read_text())
    there = {p.relative_to(collected).as_posix() for p in collected.rglob("*") if p.is_file()}

    assert there - {"manifest.json"} == set(told["files"])
    assert LOCK["kubernetes"]["version"] == told["locked"]["kubernetes"]


def test_a_second_run_changes_nothing(
    publisher: Path, bundle: Path, run_bundle: Callable[..., Run]
) -> None:
    """What is there with the right digest is neither fetched nor written again."""
    before = tree(bundle)

    run = run_bundle("bundle", variables(publisher, bundle))

    assert "successful" == run.status, run.text
    assert [] == run.changed
    assert before == tree(bundle)


def test_check_mode_says_what_would_be_fetched(
    publisher: Path, tmp_path: Path, run_bundle: Callable[..., Run]
) -> None:
    """Releases and indexes are read, packages named, and nothing is written."""
    run = run_bundle("bundle", variables(publisher, tmp_path / "bundle"), check=True)
    (mirrored,) = [task for task in run.of("ok") if task.name == "Mirror the packages"]
    fetched = mirrored.result["results"][0]["fetched"]

    assert "successful" == run.status, run.text
    assert f"kubernetes/pool/kubeadm_1.36.4-1.1_{architecture()}.deb" in fetched
    assert not (tmp_path / "bundle").exists()


def test_every_package_of_a_role_is_in_the_bundle() -> None:
    """What a role installs from a distribution or a repository of the cluster is collected."""
    told = yaml.safe_load((PROJECT / "playbooks/vars/bundle.yml").read_text())
    listed = [*told["bundle_archive_packages"], *told["bundle_toolkit_names"]]
    listed += [text for of in told["bundle_cluster_repositories"] for text in of["packages"]]
    names = {text.partition("=")[0] for text in listed}
    owned = {
        package
        for path in PROJECT.glob("roles/*/meta/ownership.yml")
        if path.parts[-3] not in DRIVER_ROLES
        for package in yaml.safe_load(path.read_text())["packages"]
    }

    assert [] == [package for package in owned if not fnmatch.filter(names, package)]


def test_a_manifest_lies_where_the_roles_ask_for_it(collected: Path) -> None:
    """The path below `cluster_mirror_base` is that of the default addresses."""
    url = yaml.safe_load((PROJECT / "roles/argocd/defaults/main.yml").read_text())
    asked = re.findall(r"'/(manifests/[a-z.-]+)'", str(url))

    assert 2 == len(asked)
    assert [] == [path for path in asked if not (collected / path).is_file()]
    assert (TESTS / MANIFESTS["calico"]).read_bytes() == (
        collected / "manifests/calico.yaml"
    ).read_bytes()
