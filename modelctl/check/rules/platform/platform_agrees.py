"""The charts of an environment agree with what is rendered for it.

## What it does
Compares, where people write an Application of these charts: how Envoy Gateway is told to deploy its
proxies with `gateway.proxies_namespace`, and that it may read patches; its version with the one of
its definitions; the namespace of the Prometheus chart with `network.monitoring_namespace`; and the
ClusterIssuers of `site/`, where there are any, with `gateway.issuer`.

## Why
Each is one fact in two files. Where they differ, the policies of models admit a namespace without
proxies and every call is refused, a route has fields that no definition knows, or a certificate
waits for an issuer that is not there.

## Bad
```yaml
# argocd/platform/prod/envoy-gateway.yaml; the environment has no gateway.proxies_namespace
config: {envoyGateway: {provider: {kubernetes: {deploy: {type: ControllerNamespace}}}}}
```

## Good
```yaml
config: {envoyGateway: {provider: {kubernetes: {deploy: {type: GatewayNamespace}}}}}
```
"""

from collections.abc import Iterator, Mapping
from typing import Any

from modelctl.check.written import SITE, Written, applications, synced, written
from modelctl.finding import Level, Pointer, Scope, Violation
from modelctl.nearest import hint
from modelctl.render.loose import value
from modelctl.render.platform.gateways import gateways, is_secure
from modelctl.repo import layout
from modelctl.repo.kinds import Environment
from modelctl.repo.repository import Files, Repository
from modelctl.repo.scalars import short

ID = "platform-agrees"
LEVEL = Level.ERROR
SCOPE = Scope.FILES

_ENVOY, _DEFINITIONS = "gateway-helm", "gateway-crds-helm"
_PROMETHEUS = "kube-prometheus-stack"
_CONFIG = ("helm", "valuesObject", "config", "envoyGateway")
_DEPLOY = (*_CONFIG, "provider", "kubernetes", "deploy", "type")
_PATCHES = (*_CONFIG, "extensionApis", "enableEnvoyPatchPolicy")
_ELSEWHERE = frozenset({"fileParameters", "parameters", "valueFiles", "values"})
_Chart = tuple[Written, Pointer, Mapping[str, Any]]


def check(files: Files) -> Iterator[Violation]:
    """One finding for each fact that two files say otherwise."""
    if not isinstance(files, Repository):
        return
    for environment in files.environments.ordered:
        if synced(files, environment.name):
            charts = _charts(files, environment)
            if _ENVOY in charts:
                yield from _envoy(environment, charts[_ENVOY])
            if _ENVOY in charts and _DEFINITIONS in charts:
                yield from _definitions(charts[_ENVOY], charts[_DEFINITIONS])
            if _PROMETHEUS in charts:
                yield from _prometheus(environment, charts[_PROMETHEUS][0])
            yield from _issuer(files, environment)


def _charts(files: Repository, environment: Environment) -> dict[str, _Chart]:
    return {
        str(source["chart"]): (each, at, source)
        for each in applications(files)
        if each.environment == environment.name
        for at, source in each.sources()
        if "chart" in source
    }


def _envoy(environment: Environment, chart: _Chart) -> Iterator[Violation]:
    each, at, source = chart
    helm = source.get("helm")
    if isinstance(helm, Mapping) and not _ELSEWHERE.isdisjoint(helm):
        return  # values that are not in this file
    gateway, found = environment.gateway, value(source, *_DEPLOY)
    beside = gateway.pods_namespace == gateway.namespace
    if beside and found != "GatewayNamespace":
        shown = short(str(found)) if found else "no deploy.type"
        message = f"found {shown}, expected GatewayNamespace: proxies run in {gateway.namespace}"
        remedy = "write it, or say where they run in gateway.proxies_namespace"
        yield each.violation(*at, *_DEPLOY, message=message, remedy=remedy)
    elif not beside and found == "GatewayNamespace":
        message = f"found GatewayNamespace, expected proxies in {gateway.proxies_namespace}"
        remedy = f"remove gateway.proxies_namespace from {layout.ENVIRONMENTS}, or this"
        yield each.violation(*at, *_DEPLOY, message=message, remedy=remedy)
    if value(source, *_PATCHES) is not True:
        message = "found no enableEnvoyPatchPolicy: true, expected it for the calls of gRPC"
        remedy = "write it: without it the rendered patch does nothing"
        yield each.violation(*at, *_PATCHES, message=message, remedy=remedy)


def _definitions(envoy: _Chart, definitions: _Chart) -> Iterator[Violation]:
    wanted = envoy[2].get("targetRevision")
    each, at, source = definitions
    if source.get("targetRevision") != wanted:
        found = short(str(source.get("targetRevision")))
        message = f"found {found}, expected {wanted} as {envoy[0].path} has"
        remedy = "write the same version: what one makes, the other defines"
        yield each.violation(*at, "targetRevision", message=message, remedy=remedy)


def _prometheus(environment: Environment, each: Written) -> Iterator[Violation]:
    found = value(each.value, "spec", "destination", "namespace")
    wanted = environment.network.monitoring_namespace
    if isinstance(found, str) and found != wanted:
        message = f"found the namespace {short(found)}, expected {wanted}"
        remedy = f"write {wanted}, or network.monitoring_namespace in {layout.ENVIRONMENTS}"
        at = ("spec", "destination", "namespace")
        yield each.violation(*at, message=message, remedy=remedy)


def _issuer(files: Repository, environment: Environment) -> Iterator[Violation]:
    """The one that signs, where this site writes its own."""
    issuers = {
        each.name: each
        for each in written(files)
        if each.environment == environment.name
        and each.reader == SITE
        and each.kind == "ClusterIssuer"
    }
    wanted = environment.gateway.issuer
    if issuers and wanted not in issuers and any(map(is_secure, gateways(environment))):
        each = next(iter(issuers.values()))
        message = (
            f"found the issuer {each.name}, expected {wanted}, which is to sign for the Gateway"
        )
        remedy = hint(wanted, issuers, otherwise=f"name it {wanted}, or write gateway.issuer")
        yield each.violation("metadata", "name", message=message, remedy=remedy)
