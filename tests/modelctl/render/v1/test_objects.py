"""Every object is valid, well named and in its team's namespace."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import kubernetes_validate
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.render.emit import emit
from modelctl.render.v1 import application
from modelctl.repo.kinds import GitSource

if TYPE_CHECKING:
    from tests.modelctl.render.v1.conftest import Placement

# A busy machine is no fault of the renderer: no limits on the time of an example.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])

KUBERNETES = "1.36"
NOT_BUILT_IN = {"HTTPRoute"}
DNS_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
LABEL_VALUE = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
SOURCE = GitSource("https://git.example.com/platform/models.git", "refs/heads/main")
LABELS = ["name", "component", "part-of", "managed-by"]


@settings(EXAMPLES, max_examples=10)
@given(data=st.data())
def test_built_in_kinds_are_valid(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """The strict schemas of the supported Kubernetes find no fault and no unknown field."""
    placement = data.draw(arbitrary)

    for value in placement.objects():
        if value["kind"] not in NOT_BUILT_IN:
            assert KUBERNETES == kubernetes_validate.validate(value, KUBERNETES, strict=True)


@EXAMPLES
@given(data=st.data())
def test_emitted_objects_reload_to_themselves(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """What Argo CD and the local engine read back is what was rendered."""
    placement = data.draw(arbitrary)

    for value in placement.objects():
        assert value == yaml.load(emit(value), yaml.CSafeLoader)


@EXAMPLES
@given(data=st.data())
def test_names_fit(data: st.DataObject, arbitrary: st.SearchStrategy[Placement]) -> None:
    """Names are DNS labels and unique within a kind; label values are within their limit."""
    placement = data.draw(arbitrary)
    values = placement.objects()
    names = [(value["kind"], value["metadata"]["name"]) for value in values]

    assert len(names) == len(set(names))
    assert all(DNS_LABEL.fullmatch(name) for _, name in names)
    assert all(
        LABEL_VALUE.fullmatch(label)
        for value in values
        for label in value["metadata"]["labels"].values()
    )


@EXAMPLES
@given(data=st.data())
def test_metadata_is_complete(data: st.DataObject, arbitrary: st.SearchStrategy[Placement]) -> None:
    """Namespace and labels are on every object; the version only where it never changes."""
    placement = data.draw(arbitrary)

    for value in placement.objects():
        metadata = value["metadata"]
        prefixed = {f"app.kubernetes.io/{label}" for label in LABELS}
        of_release = metadata["name"] != placement.model.name
        version = {"app.kubernetes.io/version"} if of_release else set()

        assert f"models-{placement.model.owner}" == metadata["namespace"]
        assert prefixed | version == metadata["labels"].keys()
        assert {"name", "namespace", "labels"} == metadata.keys()


@EXAMPLES
@given(data=st.data())
def test_the_same_input_gives_the_same_bytes(
    data: st.DataObject, arbitrary: st.SearchStrategy[Placement]
) -> None:
    """Rendering has no state: a second call gives equal bytes and shares nothing with the first."""
    placement = data.draw(arbitrary)
    first = [emit(value) for value in placement.objects()]
    for value in placement.objects():
        value["metadata"].clear()

    assert first == [emit(value) for value in placement.objects()]


def test_an_application_syncs_the_rendered_folder(plain: Placement) -> None:
    """Project, path and destination follow from the model and its environment."""
    spec = application(plain.model, plain.serving, SOURCE)["spec"]

    assert "vision" == spec["project"]
    assert {
        "repoURL": SOURCE.url,
        "targetRevision": "refs/heads/main",
        "path": "apps/digits-cnn/rendered/staging",
    } == spec["source"]
    assert "models-vision" == spec["destination"]["namespace"]


def test_an_application_has_no_waves_hooks_or_ignored_fields(plain: Placement) -> None:
    """Nothing makes an operation wait for health, and nothing hides a difference."""
    value = application(plain.model, plain.serving, SOURCE)
    rendered = [*plain.objects(), value]

    annotations = {key for item in rendered for key in item["metadata"].get("annotations", {})}

    assert {"argocd.argoproj.io/manifest-generate-paths"} == annotations
    assert "ignoreDifferences" not in value["spec"]


def _false_fields(value: object, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [p for key, item in value.items() for p in _false_fields(item, f"{path}.{key}")]
    return [path] if value is False else []


@pytest.mark.parametrize(("paused", "expected"), [(False, []), (True, [".automated.enabled"])])
def test_an_application_has_no_false_field_that_argo_cd_would_drop(
    plain: Placement, *, paused: bool, expected: list[str]
) -> None:
    """`enabled` alone is kept by Argo CD when false, so that a pause shows in git and stays."""
    serving = replace(plain.serving, paused=paused)

    policy = application(plain.model, serving, SOURCE)["spec"]["syncPolicy"]

    assert expected == _false_fields(policy)
