"""Typed values from documents that have passed their schema; nothing is checked again here."""

from typing import Any

from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.repo import limits
from modelctl.repo.kinds import (
    REQUEST_TIMEOUT_S,
    Access,
    ArgoCd,
    Artifact,
    Batching,
    Certificates,
    ClusterGateway,
    Dns,
    Environment,
    Environments,
    Gateway,
    GatewayService,
    GitSource,
    Golden,
    Gpu,
    Jwt,
    Limits,
    Model,
    Network,
    Notifications,
    Quota,
    Release,
    Resources,
    Runtime,
    Scale,
    ServiceLevel,
    Serving,
    Shadow,
    SingleSignOn,
    Stores,
    Team,
    Teams,
)

Fields = dict[str, Any]


def model(folder: str, fields: Fields) -> Model:
    """The value of `apps/<folder>/model.yaml`."""
    return Model(
        folder=folder,
        name=fields["name"],
        owner=fields["owner"],
        description=fields["description"],
        contract=_contract(fields["contract"]),
        service_level=ServiceLevel(**fields["service_level"]),
        access=_access(fields["access"]) if "access" in fields else None,
        moving_from=fields.get("moving_from"),
        moved_from=fields.get("moved_from"),
    )


def _access(fields: Fields) -> Access:
    jwt = fields.get("jwt")
    return Access(
        api_keys=fields["api_keys"]["secret"] if "api_keys" in fields else None,
        jwt=Jwt(jwt["issuer"], tuple(jwt["audiences"]), jwt["jwks_uri"]) if jwt else None,
        requests_per_second=fields.get("requests_per_second"),
    )


def _contract(fields: Fields) -> Contract:
    return Contract(_tensors(fields["inputs"]), _tensors(fields["outputs"]))


def release(folder: str, release_id: str, fields: Fields) -> Release:
    """The value of `apps/<folder>/releases/<release_id>.yaml`."""
    golden = fields.get("golden")
    return Release(
        folder=folder,
        id=release_id,
        artifact=_artifact(fields["artifact"]),
        graph=graph(fields["graph"]),
        image=fields.get("image", ""),
        runtime=_runtime(fields["runtime"]),
        resources=_resources(fields["resources"]),
        golden=Golden(**golden) if golden else None,
        contract=_contract(fields["contract"]) if "contract" in fields else None,
    )


def _artifact(fields: Fields) -> Artifact:
    return Artifact(
        fields["uri"], fields["sha256"], fields["bytes"], mount=fields.get("mount", "fetch")
    )


def graph(fields: Fields) -> Graph:
    """What a release says that its artifact declares."""
    return Graph(
        fields["ir_version"],
        fields["opsets"],
        _tensors(fields["inputs"]),
        _tensors(fields["outputs"]),
    )


def serving(folder: str, environment: str, fields: Fields) -> Serving:
    """The value of `apps/<folder>/envs/<environment>.yaml`."""
    shadow = fields.get("shadow")
    return Serving(
        folder=folder,
        environment=environment,
        stable=fields["stable"],
        weights=fields["weights"],
        shadow=Shadow(**shadow) if shadow else None,
        scale=Scale(**fields["scale"]),
        paused=fields.get("paused", False),
    )


def environments(fields: Fields) -> Environments:
    """The value of `argocd/environments.yaml`."""
    ordered = tuple(_environment(entry) for entry in fields["environments"])
    server = fields.get("model_server", {}).get("image")
    return Environments(GitSource(**fields["repository"]), ordered, server)


def _environment(fields: Fields) -> Environment:
    return Environment(
        name=fields["name"],
        engine=fields["engine"],
        template=fields["template"],
        gateway=_gateway(fields["gateway"]),
        artifact_mirrors=fields.get("artifact_mirrors", {}),
        stores=_stores(fields.get("stores", {})),
        limits=limits.limits(fields.get("limits", {})),
        network=_network(fields.get("network", {})),
        argocd=_argocd(fields["argocd"]) if "argocd" in fields else None,
        registries=tuple(fields.get("registries", ())),
        store=fields.get("store"),
    )


def _gateway(fields: Fields) -> Gateway:
    cluster = fields.get("cluster")
    parts = {
        "cluster": ClusterGateway(**cluster) if cluster else None,
        "service": GatewayService(**fields.get("service", {})),
    }
    return Gateway(**fields | parts)


def _network(fields: Fields) -> Network:
    lists = ("metadata_addresses", "image_pull_secrets")
    dns = fields.get("dns", {})
    return Network(
        **fields
        | {key: tuple(fields[key]) for key in lists if key in fields}
        | {"dns": Dns(**dns | {"addresses": tuple(dns.get("addresses", ()))})}
    )


def _argocd(fields: Fields) -> ArgoCd:
    sso = fields.get("sso")
    return ArgoCd(
        url=fields.get("url"),
        sso=SingleSignOn(**sso) if sso else None,
        on_call_groups=tuple(fields.get("on_call_groups", ())),
        platform_groups=tuple(fields.get("platform_groups", ())),
        dashboards_url=fields.get("dashboards_url"),
        runbooks_url=fields.get("runbooks_url"),
        notifications=Notifications(**fields.get("notifications", {})),
    )


def teams(fields: Fields) -> Teams:
    """The value of `argocd/teams.yaml`."""
    return Teams(tuple(_team(entry) for entry in fields["teams"]))


def _team(fields: Fields) -> Team:
    quota = fields.get("quota")
    return Team(
        name=fields["name"],
        description=fields["description"],
        groups=tuple(fields["groups"]),
        environments=tuple(fields.get("environments", ())),
        quota=Quota(**quota) if quota else None,
    )


def _stores(fields: Fields) -> Stores:
    certificates = fields.get("certificates")
    return Stores(
        variables=fields.get("variables", {}),
        secrets=tuple(fields.get("secrets", ())),
        registry_secret=fields.get("registry_secret"),
        certificates=Certificates(**certificates) if certificates else None,
        metadata_service=fields.get("metadata_service", False),
    )


def _tensors(entries: list[Fields]) -> tuple[TensorSpec, ...]:
    return tuple(TensorSpec(e["name"], e["datatype"], tuple(e["shape"])) for e in entries)


def _runtime(fields: Fields) -> Runtime:
    batching = fields.get("batching")
    return Runtime(
        providers=tuple(fields["providers"]),
        threads=fields["threads"],
        max_inflight=fields["max_inflight"],
        batching=Batching(**batching) if batching else None,
        provider_options=fields.get("provider_options", {}),
        limits=Limits(**fields.get("limits", {})),
        request_timeout_s=fields.get("request_timeout_s", REQUEST_TIMEOUT_S),
    )


def _resources(fields: Fields) -> Resources:
    gpu = fields.get("gpu")
    return Resources(fields["cpu"], fields["memory"], Gpu(**gpu) if gpu else None)
