"""What the role reads out of what kubeadm and etcd print."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest
import yaml

from harness.content import PROJECT
from harness.plugins import load

pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

DAY_S = 86400
# Printed by etcdctl 3.6.15: one member, and one that was added and never started.
MEMBERS = """\
8e9e05c52164694d, started, debian12, https://192.0.2.12:2380, https://192.0.2.12:2379, false
91bc3c398fb3c146, started, debian13, https://192.0.2.13:2380, https://192.0.2.13:2379, false
fd422379fda50e48, unstarted, , https://192.0.2.14:2380, , true
"""


@pytest.fixture(scope="module")
def filters() -> ModuleType:
    """The filter plugin of the role."""
    return load(PROJECT / "roles/control_plane/filter_plugins/control_plane.py")


def expiration(**left_s: int | None) -> str:
    """What kubeadm 1.36.3 prints of certificates; None stands for a file that is not there."""
    certificates: list[dict[str, Any]] = [
        {
            "name": name.replace("_", "-"),
            "expirationDate": "2027-11-27T09:12:31Z" if left is not None else None,
            "residualTime": left or 0,
            "externallyManaged": False,
            "missing": left is None,
        }
        for name, left in left_s.items()
    ]
    return json.dumps({"kind": "CertificateExpirationInfo", "certificates": certificates})


def test_what_is_missing_has_not_ended(filters: ModuleType) -> None:
    """A joined control plane has no super-admin.conf, which kubeadm lists without time left."""
    printed = expiration(apiserver=364 * DAY_S, super_admin_conf=None)

    assert [] == filters.ending_certificates(printed, within_days=30)


@pytest.mark.parametrize(
    ("left_s", "within_days", "named"),
    [
        (29 * DAY_S, 30, ["apiserver"]),
        (31 * DAY_S, 30, []),
        (1, 0, []),
        (0, 0, ["apiserver"]),
        (-5 * DAY_S, 0, ["apiserver"]),
    ],
)
def test_a_certificate_ends_within_days(
    filters: ModuleType, left_s: int, within_days: int, named: list[str]
) -> None:
    """What ends soon is renewed; with 0 days only what has ended is named."""
    printed = expiration(apiserver=left_s)

    assert named == filters.ending_certificates(printed, within_days=within_days)


@pytest.mark.parametrize(
    ("name", "address", "lost"),
    [
        ("debian13", "", ["91bc3c398fb3c146"]),
        ("debian13", "192.0.2.13", ["91bc3c398fb3c146"]),
        ("debian14", "192.0.2.14", ["fd422379fda50e48"]),
        ("debian14", "192.0.2.1", []),
        ("debian12", "192.0.2.12", []),
    ],
)
def test_a_member_is_lost_by_name_or_by_address(
    filters: ModuleType, name: str, address: str, lost: list[str]
) -> None:
    """A member that never started is known by its address; the one that is asked stays."""
    members = filters.etcd_members(MEMBERS)

    assert lost == filters.lost_members(members, name=name, address=address, keeper="debian12")


def configuration(*keys: tuple[str, str, str], resources: tuple[str, ...] = ("secrets",)) -> str:
    """An EncryptionConfiguration with keys of providers, in the order in which they are tried."""
    providers = [{p: {"keys": [{"name": n, "secret": s}]}} for p, n, s in keys]
    entry = {"resources": [*resources], "providers": [*providers, {"identity": {}}]}
    return yaml.safe_dump({"kind": "EncryptionConfiguration", "resources": [entry]})


def told(text: str) -> list[tuple[list[str], list[str]]]:
    """A line an entry: its resources, and the secrets in the order in which they are tried."""
    return [
        (
            entry["resources"],
            [
                own["keys"][0]["secret"] if own else "plain"
                for provider in entry["providers"]
                for own in provider.values()
            ],
        )
        for entry in yaml.safe_load(text)["resources"]
    ]


def test_the_way_to_a_new_key_reads_everything_at_each_step(filters: ModuleType) -> None:
    """Read first, write then, alone at last: no API server meets a value that it cannot read."""
    text = configuration(("secretbox", "key1", "old"))
    wanted = {"provider": "secretbox", "resources": ["secrets"], "key": "new"}
    seen = []
    for stage in ("added", "first", "alone"):
        text = filters.rotated_encryption(text, stage=stage, **wanted)
        seen += told(text)

    assert [
        (["secrets"], ["old", "new", "plain"]),
        (["secrets"], ["new", "old", "plain"]),
        (["secrets"], ["new", "plain"]),
    ] == seen
    assert "key2" in text


class Tagged(str):
    """A text as Ansible hands it to a filter: a class of its own."""

    __slots__ = ()


def test_ansibles_texts_are_written(filters: ModuleType) -> None:
    """What comes from the inventory and from a registered result is plain YAML in the file."""
    text = configuration(("secretbox", "key1", "old"))
    written = filters.rotated_encryption(
        Tagged(text),
        stage="alone",
        provider=Tagged("secretbox"),
        resources=[Tagged("secrets")],
        key=Tagged("new"),
    )

    assert [(["secrets"], ["new", "plain"])] == told(written)


def test_a_step_done_twice_is_done_once(filters: ModuleType) -> None:
    """A run that died in the middle is finished by the next one."""
    text = configuration(("secretbox", "key1", "old"))
    wanted = {"provider": "secretbox", "resources": ["secrets"], "key": "new"}
    once = filters.rotated_encryption(text, stage="added", **wanted)

    assert once == filters.rotated_encryption(once, stage="added", **wanted)


def test_another_provider_and_more_resources_come_with_the_key(filters: ModuleType) -> None:
    """Provider and resources change on the same way, and what was encrypted stays readable."""
    text = configuration(("aescbc", "key1", "old"), resources=("secrets", "events"))
    wanted = {"provider": "secretbox", "resources": ["configmaps", "secrets"], "key": "new"}
    first = filters.rotated_encryption(text, stage="first", **wanted)
    alone = filters.rotated_encryption(first, stage="alone", **wanted)

    assert [
        (["configmaps", "secrets"], ["new", "old", "plain"]),
        (["events"], ["plain", "old", "new"]),
    ] == told(first)
    assert [(["configmaps", "secrets"], ["new", "plain"])] == told(alone)
    assert {"provider": "secretbox", "resources": ["configmaps", "secrets"]} == (
        filters.encryption_of(alone)
    )


def test_a_run_that_died_late_goes_on_from_there(filters: ModuleType) -> None:
    """A host that writes with the new key already never goes back: others may not read the old."""
    text = configuration(("secretbox", "key1", "old"))
    wanted = {"provider": "secretbox", "resources": ["secrets"], "key": "new"}
    first = filters.rotated_encryption(text, stage="first", **wanted)

    assert first == filters.rotated_encryption(first, stage="added", **wanted)


def test_an_unfinished_change_goes_on_with_its_key(filters: ModuleType) -> None:
    """The newest key of a file that has several is the one on its way; one key is at its end."""
    done = configuration(("secretbox", "key1", "old"))
    wanted = {"provider": "secretbox", "resources": ["secrets"], "key": "new"}
    begun = filters.rotated_encryption(done, stage="added", **wanted)

    assert ["", "new"] == [filters.pending_key([done]), filters.pending_key([done, begun])]


@pytest.mark.parametrize("text", ["", "kind: EncryptionConfiguration\nresources: []\n"])
def test_no_configuration_encrypts_nothing(filters: ModuleType, text: str) -> None:
    """Without a file, or without entries, etcd holds plain values."""
    assert {} == filters.encryption_of(text)


def test_what_writes_is_the_first_provider(filters: ModuleType) -> None:
    """Provider and resources of a live cluster are read from its file."""
    text = configuration(("aescbc", "key1", "old"), resources=("secrets", "configmaps"))

    assert {"provider": "aescbc", "resources": ["configmaps", "secrets"]} == filters.encryption_of(
        text
    )
