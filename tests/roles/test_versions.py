"""The lock of versions: its form, its addresses, and that its versions work together."""

from __future__ import annotations

import copy
import datetime as dt
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema
import pytest
import yaml

from harness.plugins import load

pytest.importorskip("ansible.errors", reason="make setup-roles installs Ansible")

ROOT = Path(__file__).parents[2]
Lock = dict[str, Any]


@pytest.fixture(scope="module")
def lock() -> Lock:
    """Contents of versions.yml."""
    loaded: Lock = yaml.safe_load((ROOT / "versions.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """Validator of the lock's schema, formats included."""
    schema = json.loads((ROOT / "schemas/versions.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


@pytest.fixture(scope="module")
def inventory_filters() -> ModuleType:
    """The filter plugin with which preflight holds the lock to the compatibility table."""
    path = ROOT / "roles/preflight/filter_plugins/preflight_inventory.py"
    return load(path)


def addresses(value: object) -> Iterator[str]:
    """Every text in `value` that names a scheme."""
    if isinstance(value, dict):
        for item in value.values():
            yield from addresses(item)
    elif isinstance(value, list):
        for item in value:
            yield from addresses(item)
    elif isinstance(value, str) and "://" in value:
        yield value


def test_the_lock_has_its_form(lock: Lock, validator: jsonschema.Draft202012Validator) -> None:
    """versions.yml is valid by its JSON Schema."""
    faults = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(lock)]

    assert faults == []


def test_every_address_is_https(lock: Lock) -> None:
    """Nothing is fetched, and no evidence read, over a connection that anyone may change."""
    plain = [address for address in addresses(lock) if not address.startswith("https://")]

    assert plain == []


def test_everything_fetched_is_proved(lock: Lock) -> None:
    """Each entry carries the digest of what is fetched or the fingerprint of the key that signs."""
    unproved = [
        name
        for name, entry in lock["versions"].items()
        if not entry.get("sha256") and not entry.get("key_fingerprint")
    ]

    assert unproved == []


def test_no_source_was_read_in_the_future(lock: Lock) -> None:
    """The day of a check is a day that has been."""
    days = [dt.date.fromisoformat(entry["checked"]) for entry in lock["versions"].values()]

    assert max(days) <= dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=1)


def test_the_versions_work_together(lock: Lock, inventory_filters: ModuleType) -> None:
    """Every row of the compatibility table that speaks of a locked version holds."""
    findings = inventory_filters.compatibility_findings(
        lock["versions"], compatibility=lock["compatibility"]
    )

    assert findings == []


@pytest.mark.parametrize("component", ["kubernetes", "containerd", "nvidia_driver", "argocd"])
def test_the_table_speaks_of_the_locked_versions(
    lock: Lock, inventory_filters: ModuleType, component: str
) -> None:
    """A version that the table passes over in silence is noticed: some row must bind it."""
    rows = [
        row
        for row in lock["compatibility"]
        if component in row["then"]
        or (
            component in row["if"]
            and inventory_filters._is_release(lock["versions"], component, [row["if"][component]])
        )
    ]

    assert rows


def test_the_url_of_kubernetes_is_that_of_its_minor_release(lock: Lock) -> None:
    """Each minor release has a repository of its own; version and address change together."""
    entry = lock["versions"]["kubernetes"]
    minor = ".".join(entry["version"].split(".")[:2])

    assert f"/v{minor}/" in entry["url"]
    assert f"/v{minor}/" in entry["key_url"]


@pytest.mark.parametrize("component", ["argocd", "argocd_ha", "calico", "flannel"])
def test_a_manifest_is_fetched_at_its_tag(lock: Lock, component: str) -> None:
    """A manifest's address names the locked version, never a branch that moves."""
    entry = lock["versions"][component]

    assert f"/v{entry['version']}/" in entry["url"]


def test_the_driver_is_of_its_branch(lock: Lock) -> None:
    """The driver's version and the branch that decides package names agree."""
    entry = lock["versions"]["nvidia_driver"]

    assert entry["version"].split(".")[0] == entry["branch"]


def _drop_proof(lock: Lock) -> None:
    del lock["versions"]["calico"]["sha256"]


def _http(lock: Lock) -> None:
    lock["versions"]["calico"]["url"] = "http://example.com/calico.yaml"


def _latest(lock: Lock) -> None:
    lock["versions"]["argocd"]["version"] = "latest"


def _short_key(lock: Lock) -> None:
    lock["versions"]["kubernetes"]["key_fingerprint"] = "9A296436"


def _misspelt(lock: Lock) -> None:
    lock["versions"]["argocd"]["cheked"] = "2026-11-21"


def _number(lock: Lock) -> None:
    lock["versions"]["kubernetes"]["version"] = 1.36


def _no_evidence(lock: Lock) -> None:
    del lock["compatibility"][0]["source"]


@pytest.mark.parametrize(
    "spoil", [_drop_proof, _http, _latest, _short_key, _misspelt, _number, _no_evidence]
)
def test_a_spoilt_lock_is_refused(
    lock: Lock, validator: jsonschema.Draft202012Validator, spoil: Callable[[Lock], None]
) -> None:
    """One fault anywhere makes the lock invalid."""
    spoilt = copy.deepcopy(lock)

    spoil(spoilt)

    assert not validator.is_valid(spoilt)


def test_versions_that_do_not_work_together_are_named(
    lock: Lock, inventory_filters: ModuleType
) -> None:
    """A lock outside the table gives a finding with both versions and the evidence."""
    versions = copy.deepcopy(lock["versions"])
    versions["kubernetes"]["version"] = "1.30.1"

    findings = inventory_filters.compatibility_findings(
        versions, compatibility=lock["compatibility"]
    )

    assert findings[0]["found"].startswith("kubernetes 1.30.1 with argocd ")
    assert "https://" in findings[0]["expected"]


@pytest.mark.parametrize(
    ("today", "checks"),
    [
        ("2026-11-28", set()),
        ("2027-04-30", {"version-support"}),
        ("2027-07-01", {"version-support"}),
    ],
)
def test_a_line_that_ends_is_told_two_months_before(
    lock: Lock, inventory_filters: ModuleType, today: str, checks: set[str]
) -> None:
    """Kubernetes 1.36 is mended until 2027-06-28; from 60 days before on preflight warns."""
    entry = {"kubernetes": lock["versions"]["kubernetes"] | {"newest": "1.36.4"}}

    found = inventory_filters.lifecycle_findings(entry, today=today)

    assert checks == {finding["check"] for finding in found}


def test_a_version_that_lags_is_told(inventory_filters: ModuleType) -> None:
    """A pin behind the newest of its line is named with both."""
    entry = {"version": "1.36.4", "newest": "1.36.6", "checked": "2026-11-20"}

    (finding,) = inventory_filters.lifecycle_findings({"kubernetes": entry}, today="2026-11-28")

    assert ("version-lag", "warning", "kubernetes 1.36.4") == (
        finding["check"], finding["severity"], finding["found"],
    )  # fmt: skip
