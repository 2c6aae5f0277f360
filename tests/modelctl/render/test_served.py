"""Which weights a route shares out, read back from its bytes."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelctl.render import generated, served
from modelctl.render.emit import document
from modelctl.render.served import Served, served_by
from modelctl.repo.kinds import Shadow
from modelctl.repo.repository import ModelFiles
from scratch import PROJECT
from tests.modelctl.render.v1.conftest import Placement, placements

ROUTES = sorted(
    path
    for path in (PROJECT / "apps").glob("*/rendered/*/httproute-*.yaml")
    if served.is_route(path.relative_to(PROJECT).as_posix())
)


def rendered(
    files: ModelFiles,
    template: str,
    weights: Mapping[str, int],
    *,
    stable: str = "r1",
    shadow: Shadow | None = None,
) -> dict[str, bytes]:
    """The generated files of the model with this traffic, by a template."""
    ordered = tuple(replace(each, template=template) for each in files.environments.ordered)
    environments = replace(files.environments, ordered=ordered)
    servings = {
        name: replace(serving, stable=stable, weights=weights, shadow=shadow)
        for name, serving in files.servings.items()
    }
    repository = replace(files.repository, environments=environments)
    changed = replace(files, repository=repository, servings=servings)
    return {path: text.encode() for path, text in generated(changed).items()}


@pytest.fixture
def route(files: ModelFiles) -> bytes:
    """A route of template v2 that shares between two releases."""
    own = rendered(files, "v2", {"r1": 95, "r2": 5})
    return own["apps/digits-cnn/rendered/staging/httproute-digits-cnn.yaml"]


@pytest.mark.parametrize("path", ROUTES, ids=lambda path: "-".join(path.parts[-3:]))
def test_the_quick_way_reads_what_the_parser_reads(path: Path) -> None:
    """A route as the renderer writes it is read the same without a parser."""
    content = path.read_bytes()

    quick, parsed = served._as_rendered(content), served._as_parsed(content)

    assert parsed.weights
    assert quick in (parsed, None)
    assert quick or b"RequestMirror" in content


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(placement=placements(), template=st.sampled_from(["v1", "v2"]))
def test_whatever_is_rendered_is_read_back(placement: Placement, template: str) -> None:
    """Weights and stable release of any traffic and template are read back, both ways."""
    serving = placement.serving
    shown = {**dict.fromkeys(serving.deployed, 0), **serving.weights}
    environment = replace(placement.environment, template=template)
    route = replace(placement, environment=environment).of_kind("HTTPRoute")[0]
    content = document(route, edit="apps/m/envs/prod.yaml").encode()

    quick, parsed = served._as_rendered(content), served._as_parsed(content)

    assert Served(serving.stable, shown) == parsed
    assert quick == parsed or (template == "v1" and quick is None and serving.shadow)


def test_a_route_says_who_is_stable(route: bytes) -> None:
    """A route of the second template names its stable release in a label."""
    assert Served("r1", {"r1": 95, "r2": 5}) == served_by(route)


def test_the_route_is_the_one_of_the_path(files: ModelFiles) -> None:
    """Of the two routes of a model the one for callers of gRPC by host is not asked."""
    own = rendered(files, "v2", {"r1": 95, "r2": 5})

    assert ["apps/digits-cnn/rendered/staging/httproute-digits-cnn.yaml"] == [
        path for path in own if served.is_route(path)
    ]
    assert served.is_route("apps/a-grpc/rendered/prod/httproute-a-grpc.yaml")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"weight: 95\n", b"weight: 95 # half\n"),
        (b"weight: 95\n", b"weight: &a 95\n"),
        (b"      timeouts:\n", b"      # timeouts\n      timeouts:\n"),
        (b"    - name: shared\n", b"    -  name: shared\n"),
        (b"value: shared\n", b"value: stable\n"),
        (b"  labels:\n", b"  labels: # of the route\n"),
    ],
)
def test_the_quick_way_takes_nothing_else(route: bytes, old: bytes, new: bytes) -> None:
    """A route that a hand has touched is left to the parser."""
    assert old in route

    assert served._as_rendered(route.replace(old, new)) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"weight: 95\n", b"weight: 95 # half\n"),
        (b"    - matches:\n", b"    -  matches:\n"),
        (b"      timeouts:\n", b"      # timeouts\n      timeouts:\n"),
    ],
)
def test_the_quick_way_takes_nothing_else_of_the_first_template(
    files: ModelFiles, old: bytes, new: bytes
) -> None:
    """The same holds for routes of template v1."""
    own = rendered(files, "v1", {"r1": 95, "r2": 5})
    content = own["apps/digits-cnn/rendered/staging/httproute-digits-cnn.yaml"]
    assert old in content

    assert served._as_rendered(content.replace(old, new)) is None


def test_a_route_that_a_hand_has_touched_is_parsed(route: bytes) -> None:
    """What the parser reads of such a route is what stands in it."""
    touched = route.replace(b"weight: 95\n", b"weight: 94 # less\n")

    assert Served("r1", {"r1": 94, "r2": 5}) == served_by(touched)
