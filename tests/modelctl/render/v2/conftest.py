"""Any valid model in any valid environment, for the tests of what always holds."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import strategies as st

from modelctl.model import tensors
from modelctl.render import objects
from modelctl.repo import kinds

_Object = dict[str, Any]


@dataclass(frozen=True)
class Placement:
    """A model in an environment: the arguments of the renderer."""

    model: kinds.Model
    releases: dict[str, kinds.Release]
    serving: kinds.Serving
    environment: kinds.Environment

    def objects(self) -> tuple[_Object, ...]:
        """The rendered objects."""
        return objects(self.model, self.releases, self.serving, self.environment)

    def of_kind(self, kind: str) -> list[_Object]:
        """The rendered objects of one kind."""
        return [value for value in self.objects() if value["kind"] == kind]

    def rules(self) -> list[_Object]:
        """The rules of the route."""
        rules: list[_Object] = self.of_kind("HTTPRoute")[0]["spec"]["rules"]
        return rules


def _name(longest: int) -> st.SearchStrategy[str]:
    """A DNS label that begins with a letter, short or at its longest."""
    inner = st.text("abz09-", max_size=longest - 2)
    return inner.map(lambda text: f"m{text}9") | st.sampled_from(["m", "m" * longest])


HEX = st.integers(0, 2**256 - 1).map("{:064x}".format)
URIS = st.builds(
    "{}{}".format,
    st.sampled_from(
        ["https://m.example.com/", "https://m.example.com:8443/", "s3://m/", "gs://m/", "file:a/"]
    ),
    st.text("abc/.-_$()", max_size=20),
)
TENSORS = st.lists(
    st.builds(
        tensors.TensorSpec,
        st.text(min_size=1, max_size=10),
        st.sampled_from(["FP32", "INT64", "BYTES"]),
        st.lists(st.integers(-1, 2**31 - 1), max_size=4).map(tuple),
    ),
    min_size=1,
    max_size=3,
).map(tuple)
CONTRACTS = st.builds(tensors.Contract, TENSORS, TENSORS)
JWTS = st.builds(
    kinds.Jwt,
    issuer=st.sampled_from(["https://login.example.com", "login"]),
    audiences=st.sampled_from([("models",), ("models", "batch")]),
    jwks_uri=st.just("https://login.example.com/jwks.json"),
)
ACCESSES = st.builds(
    kinds.Access,
    api_keys=st.sampled_from([None, "keys"]),
    jwt=st.none() | JWTS,
    requests_per_second=st.none() | st.integers(1, 10_000_000),
).filter(lambda access: access.api_keys or access.jwt)
MODELS = st.builds(
    lambda name, owner, contract, level, access: kinds.Model(
        name, name, owner, "m", contract, level, access
    ),
    _name(38),
    _name(40),
    CONTRACTS,
    st.builds(
        kinds.ServiceLevel, st.floats(0.001, 600_000), st.floats(0, 1), st.floats(0.001, 10_000_000)
    ),
    st.none() | ACCESSES,
)
GRAPHS = st.builds(tensors.Graph, st.just(10), st.just({"ai.onnx": 17}), TENSORS, TENSORS)
RUNTIMES = st.builds(
    kinds.Runtime,
    st.sampled_from([("cpu",), ("cuda", "cpu"), ("tensorrt", "cuda", "cpu")]),
    st.integers(1, 256),
    st.integers(1, 100_000),
    st.none() | st.builds(kinds.Batching, st.integers(2, 4096), st.floats(0, 1000)),
    request_timeout_s=st.sampled_from([30, 1, 1200]),
)
GPUS = st.builds(
    kinds.Gpu, st.sampled_from(["nvidia.com/gpu", "nvidia.com/mig-1g.10gb"]), st.integers(1, 16)
)
RESOURCES = st.builds(
    kinds.Resources,
    st.sampled_from(["1", "2.5", "500m", "64"]),
    st.sampled_from(["128Mi", "2Gi"]),
    st.none() | GPUS,
)
GATEWAYS = st.builds(
    kinds.Gateway,
    *(_name(63), _name(63), _name(63)),
    st.sampled_from(["models.example.com", "*.models.example.com", "localhost"]),
    proxies_namespace=st.sampled_from([None, "proxies"]),
    cluster=st.none() | st.builds(kinds.ClusterGateway, _name(63), _name(63), st.just("m.svc")),
)
NETWORKS = st.builds(
    kinds.Network,
    dns=st.builds(kinds.Dns, _name(63), st.sampled_from([(), ("169.254.20.10/32", "fd00::/64")])),
    monitoring_namespace=_name(63),
    metadata_addresses=st.sampled_from(
        [(), ("169.254.169.254/32", "fd00:ec2::254/128"), ("100.100.100.200/32",)]
    ),
    image_pull_secrets=st.sampled_from([(), ("pull",), ("pull", "other")]),
)
STORES = st.builds(
    kinds.Stores,
    variables=st.sampled_from([{}, {"AWS_ENDPOINT_URL": "http://m:9000", "AWS_REGION": "eu"}]),
    secrets=st.sampled_from([(), ("store",), ("store", "other")]),
    registry_secret=st.sampled_from([None, "login"]),
    certificates=st.sampled_from([None, kinds.Certificates("trusted", "ca.crt")]),
    metadata_service=st.booleans(),
)
MIRRORS = st.dictionaries(
    st.sampled_from(["https://m.example.com/", "s3://m/", "s3://m/a/"]),
    st.sampled_from(["https://near.example.com:9000/", "gs://near/", "file:near/"]),
)


@st.composite
def any_release(draw: st.DrawFn, release: str) -> kinds.Release:
    """One release, its artifact fetched or mounted."""
    mount: kinds.Mount = draw(st.sampled_from(["fetch", "image"]))
    uri = f"oci://r.example.com:5000/m@sha256:{draw(HEX)}" if mount == "image" else draw(URIS)
    return kinds.Release(
        folder="m",
        id=release,
        artifact=kinds.Artifact(uri, draw(HEX), draw(st.integers(1, 2**40)), mount),
        graph=draw(GRAPHS),
        image=f"registry.example.com:5000/modelserver@sha256:{draw(HEX)}",
        runtime=draw(RUNTIMES),
        resources=draw(RESOURCES),
        golden=draw(st.none() | st.builds(kinds.Golden, URIS, HEX)),
        contract=draw(st.none() | CONTRACTS),
    )


def _weights(ids: list[str]) -> st.SearchStrategy[dict[str, int]]:
    """Whole percents that add up to 100, in any order of the releases."""
    cuts = st.lists(st.integers(0, 100), min_size=len(ids) - 1, max_size=len(ids) - 1).map(sorted)
    shares = cuts.map(lambda cuts: [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)])
    return st.builds(
        lambda order, shares: dict(zip(order, shares, strict=True)), st.permutations(ids), shares
    )


@st.composite
def placements(draw: st.DrawFn) -> Placement:
    """A valid model, up to five releases of it, and one environment that serves them."""
    model = draw(MODELS)
    numbers = draw(st.lists(st.integers(1, 99_999_999), min_size=1, max_size=5, unique=True))
    ids = [f"r{number}" for number in numbers]
    shadow = ids.pop() if len(ids) > 1 and draw(st.booleans()) else None
    serving = kinds.Serving(
        folder=model.folder,
        environment=draw(_name(20)),
        stable=draw(st.sampled_from(ids)),
        weights=draw(_weights(ids)),
        shadow=kinds.Shadow(shadow, draw(st.integers(1, 100))) if shadow else None,
        scale=kinds.Scale(
            min=draw(st.integers(1, 1000)),
            max=1000,
            metric=draw(st.sampled_from(["cpu", "inflight"])),
            target=draw(st.integers(1, 100)),
        ),
        paused=draw(st.booleans()),
    )
    environment = kinds.Environment(
        serving.environment,
        "argocd",
        "v2",
        draw(GATEWAYS),
        draw(MIRRORS),
        draw(STORES),
        network=draw(NETWORKS),
    )
    found = {release: draw(any_release(release)) for release in serving.deployed}
    return Placement(model, found, serving, environment)


@pytest.fixture(scope="session")
def arbitrary() -> st.SearchStrategy[Placement]:
    """Any valid model in any valid environment."""
    return placements()


@pytest.fixture
def plain(
    model: kinds.Model,
    releases: dict[str, kinds.Release],
    serving: kinds.Serving,
    environment: kinds.Environment,
) -> Placement:
    """The small case that a test changes a field of."""
    return Placement(model, releases, serving, environment)
