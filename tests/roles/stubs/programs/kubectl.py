"""kubectl: version, get, replace and delete of single kinds, as raw API requests."""

import json
import sys

from . import calls, cluster

KINDS = {
    "node": ("/api/v1", "nodes", False),
    "pod": ("/api/v1", "pods", True),
    "namespace": ("/api/v1", "namespaces", False),
    "configmap": ("/api/v1", "configmaps", True),
    "secret": ("/api/v1", "secrets", True),
    "daemonset": ("/apis/apps/v1", "daemonsets", True),
    "deployment": ("/apis/apps/v1", "deployments", True),
}


def _replace() -> None:
    """Write every object of a list on standard input as it is."""
    for item in json.loads(sys.stdin.read())["items"]:
        meta = item["metadata"]
        kind = item.get("kind", "Secret").lower()
        path = _path(kind, meta["name"], meta.get("namespace", "default"))
        status, found = cluster.request("PUT", path, item)
        if status != 200:
            calls.fail(f"Error from server: {found.get('message', status)}")
        calls.out(f"{kind}/{meta['name']} replaced")


def _everywhere(kind: str, *, names: bool) -> None:
    prefix, plural, _ = KINDS[kind.rstrip("s")]
    found = cluster.must("GET", f"{prefix}/{plural}")
    listed = [f"{kind.rstrip('s')}/{item['metadata']['name']}" for item in found["items"]]
    calls.out("\n".join(listed) if names else json.dumps(found))


def _path(kind: str, name: str, namespace: str) -> str:
    singular = kind.rstrip("s")
    if singular not in KINDS:
        calls.fail(f'error: the server doesn\'t have a resource type "{kind}"')
    prefix, plural, is_namespaced = KINDS[singular]
    middle = f"/namespaces/{namespace}" if is_namespaced else ""
    return f"{prefix}{middle}/{plural}" + (f"/{name}" if name else "")


def main() -> None:
    """Answer one call."""
    arguments = calls.log("kubectl")
    namespace = calls.option(arguments, "-n") or calls.option(arguments, "--namespace") or "default"
    valued = {"-n", "--namespace", "-o", "--output", "--kubeconfig", "--raw"}
    words = [
        word
        for place, word in enumerate(arguments)
        if not word.startswith("-") and (place == 0 or arguments[place - 1] not in valued)
    ]
    raw = calls.option(arguments, "--raw")
    match words:
        case ["version", *_]:
            found = {"clientVersion": {"gitVersion": f"v{calls.version('kubectl')}"}}
            calls.out(
                json.dumps(found)
                if "json" in arguments
                else f"Client Version: {found['clientVersion']['gitVersion']}"
            )
        case ["get"] if raw:
            calls.out(json.dumps(cluster.must("GET", raw)))
        case ["get", kind] if "--all-namespaces" in arguments:
            _everywhere(kind, names=calls.option(arguments, "--output") == "name")
        case ["replace"]:
            _replace()
        case ["get" | "delete" as verb, kind, *rest]:
            method = "GET" if verb == "get" else "DELETE"
            path = _path(kind, rest[0] if rest else "", namespace)
            status, found = cluster.request(method, path)
            if status != 200:
                calls.fail(f"Error from server: {found.get('message', status)}")
            calls.out(json.dumps(found))
        case _:
            calls.fail(f"error: unknown command {' '.join(words)!r}")


if __name__ == "__main__":
    main()
