"""What Envoy Gateway makes of rendered objects, and what the local engine makes of them, alike.

`egctl` translates objects as the controller does, without a cluster. Its answer and ours come to
one form here: by host the routes in their order, and by cluster its settings, without what only
names things or says where they came from.
"""

import base64
import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Json = Any

_GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: models}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: models, namespace: gateway}
spec:
  gatewayClassName: models
  listeners:
    - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
"""
# What a translation looks at; of other kinds `egctl` says that it does not know them.
_LOOKED_AT = {
    "HTTPRoute",
    "HTTPRouteFilter",
    "BackendTrafficPolicy",
    "ClientTrafficPolicy",
    "Service",
}
_SECONDS = re.compile(r"([0-9.]+)s")
_NUMBER = re.compile(r"[0-9]+")
# What has no meaning for a request: names, and where something came from. Envoy Gateway
# speaks of endpoints elsewhere, lets WebSockets through, and turns each filter on by itself.
_NAMELESS = {
    "name",
    "metadata",
    "clusterName",
    "edsClusterConfig",
    "loadAssignment",
    "type",
    "dnsLookupFamily",
    "upgradeConfigs",
    "typedPerFilterConfig",
    "alwaysEjectOneHost",
    "host",
    "statPrefix",
}
# The settings of a listener that say what callers may do.
_OF_CALLERS = (
    "maxConnections",
    "commonHttpProtocolOptions",
    "http2ProtocolOptions",
    "earlyHeaderMutationExtensions",
    "pathWithEscapedSlashesAction",
    "mergeSlashes",
    "normalizePath",
    "useRemoteAddress",
    "generateRequestId",
    "preserveExternalRequestId",
    "alwaysSetRequestIdInResponse",
    "requestTimeout",
    "requestHeadersTimeout",
    "streamIdleTimeout",
    "serverHeaderTransformation",
)
# Envoy's own defaults, which one side writes out and the other leaves to it.
_DEFAULTS: Mapping[str, Json] = {
    "minRetryConcurrency": 3,
    "denominator": "HUNDRED",
    "commonLbConfig": {},
}


def objects_text(objects: Iterable[Mapping[str, Json]]) -> str:
    """A file for `egctl`: a Gateway, and those of the objects that a translation looks at."""
    found = [o for o in objects if o["kind"] in _LOOKED_AT]
    addressed = [_with_address(item, number) for number, item in enumerate(found, 1)]
    return _GATEWAY + "".join(f"---\n{yaml.safe_dump(item)}" for item in addressed)


def translated(egctl: Path, text: str) -> Json:
    """Envoy Gateway's xDS for a file of objects, and the objects with the status it gives them."""
    command = [str(egctl), "x", "translate", "--from", "gateway-api", "--type", "all"]
    command += ["--to", "gateway-api,xds", "--output", "json", "--file", "/dev/stdin"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def without_bootstrap(answer: Json) -> Json:
    """The answer without the bootstrap of Envoy, which no object has a say in."""
    return answer | {
        "xds": {
            gateway: {"configs": [c for c in each["configs"] if "bootstrap" not in c]}
            for gateway, each in answer["xds"].items()
        }
    }


def refused(answer: Json) -> dict[str, list[str]]:
    """By object that is not accepted as a whole, what is said of it."""
    found: dict[str, list[str]] = {}
    for kind in sorted(answer.keys() - {"xds"}):
        for item in answer[kind] if isinstance(answer[kind], list) else ():
            status = item.get("status", {})
            owners = [*status.get("parents", ()), *status.get("ancestors", ())]
            said = [c for owner in owners for c in owner.get("conditions", ())]
            false = [f"{c['type']}: {c.get('message', '')}" for c in said if c["status"] != "True"]
            if false:
                found[f"{kind}/{item['metadata']['name']}"] = false
    return found


def theirs(answer: Json) -> tuple[dict[str, list[Json]], dict[str, Json]]:
    """By host the routes, and by cluster the settings, of Envoy Gateway."""
    (dumps,) = (each["configs"] for each in answer["xds"].values())
    by_type = {dump["@type"].rpartition(".")[2]: dump for dump in dumps}
    hosts = [
        host
        for each in by_type["RoutesConfigDump"]["dynamicRouteConfigs"]
        for host in each["routeConfig"]["virtualHosts"]
    ]
    clusters = [each["cluster"] for each in by_type["ClustersConfigDump"]["dynamicActiveClusters"]]
    weights = {
        each["endpointConfig"]["clusterName"]: [
            locality.get("loadBalancingWeight", 0)
            for locality in each["endpointConfig"].get("endpoints", ())
        ]
        for each in by_type["EndpointsConfigDump"]["dynamicEndpointConfigs"]
    }
    return _by_host(hosts), {
        each["name"]: plain(each) | {"weights": weights.get(each["name"], [])}
        for each in clusters
        if each["name"].startswith("httproute/")
    }


def their_listener(answer: Json) -> Json:
    """What Envoy Gateway lets callers send, and for how long."""
    (dumps,) = (each["configs"] for each in answer["xds"].values())
    (dump,) = (each for each in dumps if each["@type"].endswith("ListenersConfigDump"))
    listeners = [each["activeState"]["listener"] for each in dump["dynamicListeners"]]
    (found,) = (each for each in listeners if "defaultFilterChain" in each)
    return _callers(found, found["defaultFilterChain"]["filters"])


def our_listener(listener: Json) -> Json:
    """The same of the local engine's listener."""
    found = _camel(listener)
    return _callers(found, found["filterChains"][0]["filters"])


def _callers(listener: Json, filters: Iterable[Json]) -> Json:
    bound: Json = {"perConnectionBufferLimitBytes": listener["perConnectionBufferLimitBytes"]}
    for each in filters:
        settings = plain(each["typedConfig"])
        bound |= {key: settings[key] for key in _OF_CALLERS if key in settings}
    return bound


def ours(routes: Json, clusters: Iterable[Json]) -> tuple[dict[str, list[Json]], dict[str, Json]]:
    """The same of the local engine's resources."""
    return _by_host(_camel(routes)["virtualHosts"]), {
        each["name"]: plain(_camel(each))
        | {"weights": [e["load_balancing_weight"] for e in each["load_assignment"]["endpoints"]]}
        for each in clusters
    }


def plain(value: Json) -> Json:
    """A value without names, with numbers for durations, and without Envoy's own defaults."""
    if isinstance(value, Mapping):
        kept = {k: plain(v) for k, v in value.items() if k not in _NAMELESS or _is_header(value)}
        if kept.get("healthyPanicThreshold") == {}:  # a message without its field, which is 0 then
            kept["healthyPanicThreshold"] = {"value": 0}
        return {
            key: item
            for key, item in kept.items()
            if item not in ([], None) and not (key in _DEFAULTS and item == _DEFAULTS[key])
        }
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, str) and (found := _SECONDS.fullmatch(value)):
        value = float(found[1])
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return int(value)
    return value


def _is_header(value: Mapping[str, Json]) -> bool:
    return "stringMatch" in value or value.keys() == {"key", "value"}


def _by_host(hosts: Iterable[Json]) -> dict[str, list[Json]]:
    return {
        domain: [_route(route) for route in host["routes"]]
        for host in hosts
        for domain in host["domains"]
    }


def _route(route: Json) -> Json:
    found = plain(route)
    for key in ("requestHeadersToAdd", "responseHeadersToAdd"):
        if key in route:
            pairs = (each["header"] for each in route[key])
            found[key] = sorted((each["key"].lower(), each["value"]) for each in pairs)
    if "directResponse" in route:
        found["directResponse"] = _text(route["directResponse"])
    action = found.get("route", {})
    action.pop("cluster", None)
    for mirror in action.get("requestMirrorPolicies", ()):
        del mirror["cluster"]
    return found


def _text(response: Json) -> tuple[int, str]:
    """Status and body of an answer of the gateway's own."""
    source = response.get("body") or response.get("bodyFormat", {}).get("textFormatSource", {})
    encoded = base64.b64decode(source.get("inlineBytes", "")).decode()
    return response["status"], (source.get("inlineString") or encoded).replace("%%", "%")


def _with_address(item: Mapping[str, Json], number: int) -> Mapping[str, Json]:
    """A Service as the API server gives it an address."""
    if item["kind"] != "Service":
        return item
    return {**item, "spec": {**item["spec"], "clusterIP": f"10.0.0.{number}"}}


def _camel(value: Json) -> Json:
    """Protobuf's JSON names of fields."""
    if isinstance(value, Mapping):
        return {_named(key): _camel(item) for key, item in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list | tuple) else value


def _named(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
