"""The typed values of the repository: what people write, after every check of form.

Each class mirrors one JSON Schema in `schemas/`; field meanings and units are described there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from modelctl.model.tensors import Contract, Graph
from modelctl.repo.limits import NO_LIMITS, EnvironmentLimits

Engine = Literal["local", "argocd"]
Forge = Literal["github", "gitlab", "gitea"]
Mount = Literal["fetch", "image"]
Metric = Literal["cpu", "inflight"]
REQUEST_TIMEOUT_S = 30  # of a release that says none: room for a slow first request


@dataclass(frozen=True, slots=True)
class ServiceLevel:
    """What callers may rely on at the peak rate."""

    latency_p99_ms: float
    error_rate: float
    peak_rps: float


@dataclass(frozen=True, slots=True)
class Jwt:
    """Tokens that admit a caller: who issues them, for whom, and where their keys are."""

    issuer: str
    audiences: tuple[str, ...]
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call from outside the cluster, and how often; `api_keys` names a Secret.

    With both keys and tokens a caller has to show both.
    """

    api_keys: str | None = None
    jwt: Jwt | None = None
    requests_per_second: int | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """`apps/<model>/model.yaml`.

    Without `access` the model is reachable inside the cluster only. `moving_from` is the team in
    whose namespace its objects still stand, `moved_from` the one in whose namespace they may go.
    """

    folder: str
    name: str
    owner: str
    description: str
    contract: Contract
    service_level: ServiceLevel
    access: Access | None = None
    moving_from: str | None = None
    moved_from: str | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """The ONNX file of a release: where it is and which bytes it must be.

    With `mount` `image` its node pulls it, as an image volume; else the server fetches it.
    """

    uri: str
    sha256: str
    size_bytes: int
    mount: Mount = "fetch"


@dataclass(frozen=True, slots=True)
class Batching:
    """Adaptive batching; a delay of 0 batches only what queued meanwhile.

    `independent` is the owner's word that no row depends on the others of its batch.
    """

    max_size: int
    max_delay_ms: float
    independent: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What requests may take; None leaves a limit to the memory that the server has."""

    body_bytes: int | None = None
    rows: int | None = None
    output_bytes: int | None = None
    inflight_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """How the model server runs the artifact; `provider_options` by provider, by option.

    A request may take `request_timeout_s`: the gateway waits so long, and a pod that ends.
    """

    providers: tuple[str, ...]
    threads: int
    max_inflight: int
    batching: Batching | None
    provider_options: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    request_timeout_s: int = REQUEST_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Gpu:
    """An exact request of GPUs: extended resource name and count."""

    resource: str
    count: int


@dataclass(frozen=True, slots=True)
class Resources:
    """What one pod asks for; cpu and memory are Kubernetes quantities."""

    cpu: str
    memory: str
    gpu: Gpu | None


@dataclass(frozen=True, slots=True)
class Golden:
    """Recorded inputs and outputs, replayed before a server says ready."""

    uri: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Release:
    """`apps/<model>/releases/r<N>.yaml`: model, server image and settings, never edited.

    `contract` is what its servers promise where that is not all that its graph declares. Without an
    `image` only environments of engine local serve it.
    """

    folder: str
    id: str
    artifact: Artifact
    graph: Graph
    image: str
    runtime: Runtime
    resources: Resources
    golden: Golden | None
    contract: Contract | None = None

    @property
    def promised(self) -> Contract:
        """What its servers take and give, whatever the model's own file says by now."""
        return self.contract or Contract(self.graph.inputs, self.graph.outputs)


@dataclass(frozen=True, slots=True)
class Shadow:
    """A release that gets a share of request copies; its answers are dropped."""

    release: str
    percent: int


@dataclass(frozen=True, slots=True)
class Scale:
    """Replicas of each release that serves.

    `target` is percent of the requested cpu, or requests in flight of a replica.
    """

    min: int
    max: int
    metric: Metric
    target: int


@dataclass(frozen=True, slots=True)
class Serving:
    """`apps/<model>/envs/<environment>.yaml`: what serves, with which weights."""

    folder: str
    environment: str
    stable: str
    weights: Mapping[str, int]
    shadow: Shadow | None
    scale: Scale
    paused: bool

    @property
    def deployed(self) -> tuple[str, ...]:
        """Releases that run here: the weighted ones in file order, then the shadow."""
        shadow = (self.shadow.release,) if self.shadow else ()
        return tuple(dict.fromkeys((*self.weights, *shadow)))


@dataclass(frozen=True, slots=True)
class ClusterGateway:
    """The Gateway listener for callers inside the cluster, in the namespace of the other."""

    name: str
    listener: str
    hostname: str


@dataclass(frozen=True, slots=True)
class GatewayService:
    """How a Gateway is reached from outside the cluster."""

    type: Literal["LoadBalancer", "NodePort", "ClusterIP"] = "LoadBalancer"
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gateway:
    """The shared Gateway listener that every HTTPRoute of an environment attaches to."""

    name: str
    namespace: str
    listener: str
    hostname: str
    proxies_namespace: str | None = None
    cluster: ClusterGateway | None = None
    service: GatewayService = field(default_factory=GatewayService)
    issuer: str = "models"

    @property
    def pods_namespace(self) -> str:
        """Where the gateway's proxies run, and so where requests come from."""
        return self.proxies_namespace or self.namespace


@dataclass(frozen=True, slots=True)
class Dns:
    """Who answers for names: a namespace, and addresses on the nodes."""

    namespace: str = "kube-system"
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Network:
    """What pods of an environment may reach, and who may reach them; addresses with prefixes."""

    dns: Dns = Dns()
    monitoring_namespace: str = "monitoring"
    metadata_addresses: tuple[str, ...] = ("169.254.169.254/32", "fd00:ec2::254/128")
    image_pull_secrets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SingleSignOn:
    """Single sign-on of Argo CD; `secret` is a Secret with the key `clientSecret`."""

    issuer: str
    client_id: str
    secret: str = "argocd-oidc"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Notifications:
    """Who is told what became of a revision."""

    chat: bool = False
    commit_status: bool = False


@dataclass(frozen=True, slots=True)
class ArgoCd:
    """Argo CD's own settings in an environment; None where it has none."""

    url: str | None = None
    sso: SingleSignOn | None = None
    on_call_groups: tuple[str, ...] = ()
    platform_groups: tuple[str, ...] = ()
    dashboards_url: str | None = None
    runbooks_url: str | None = None
    notifications: Notifications = Notifications()


@dataclass(frozen=True, slots=True)
class Certificates:
    """Certificates to trust: a key of a ConfigMap."""

    config_map: str
    key: str


@dataclass(frozen=True, slots=True)
class Stores:
    """How pods reach the stores of their artifacts; what is secret is named, never held."""

    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    registry_secret: str | None = None
    certificates: Certificates | None = None
    metadata_service: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """One entry of `argocd/environments.yaml`."""

    name: str
    engine: Engine
    template: str
    gateway: Gateway
    artifact_mirrors: Mapping[str, str]
    stores: Stores = Stores()
    limits: EnvironmentLimits = NO_LIMITS
    network: Network = Network()
    argocd: ArgoCd | None = None
    registries: tuple[str, ...] = ()  # that images may come from; none means every one
    store: str | None = None  # what `store:///` stands for here; None for the laptop's own store


@dataclass(frozen=True, slots=True)
class GitSource:
    """The repository that Argo CD reads: URL and fully qualified revision, and what serves it."""

    url: str
    revision: str
    forge: Forge | None = None


@dataclass(frozen=True, slots=True)
class Environments:
    """`argocd/environments.yaml`: the repository's address and its environments in order.

    `model_server` is the image that new releases name.
    """

    source: GitSource
    ordered: tuple[Environment, ...]
    model_server: str | None = None

    def get(self, name: str) -> Environment | None:
        """The environment of that name, or None."""
        return next((e for e in self.ordered if e.name == name), None)


@dataclass(frozen=True, slots=True)
class Quota:
    """What all pods of a team may take in one environment; quantities of Kubernetes."""

    cpu: str
    memory: str
    pods: int
    gpus: Mapping[str, int] = field(default_factory=dict)  # by resource name


@dataclass(frozen=True, slots=True)
class Team:
    """One entry of `argocd/teams.yaml`; no `environments` means every one of engine argocd."""

    name: str
    description: str
    groups: tuple[str, ...]
    environments: tuple[str, ...] = ()
    quota: Quota | None = None

    @property
    def namespace(self) -> str:
        """The namespace of everything that the team's models have."""
        return namespace_of(self.name)

    def serves_in(self, environment: Environment) -> bool:
        """Whether the team has a project and a namespace in an environment."""
        if environment.engine != "argocd":
            return False
        return not self.environments or environment.name in self.environments


@dataclass(frozen=True, slots=True)
class Teams:
    """`argocd/teams.yaml`."""

    ordered: tuple[Team, ...] = ()

    def get(self, name: str) -> Team | None:
        """The team of that name, or None."""
        return next((team for team in self.ordered if team.name == name), None)


def namespace_of(team: str) -> str:
    """The namespace of a team's models, given its name."""
    return f"models-{team}"
