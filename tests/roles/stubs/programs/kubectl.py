"""kubectl: version, get and delete of single kinds, as raw API requests."""

import json

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
