"""What the files of a repository say, read without the code that is under test."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import yaml

from modelctl.render import generated
from modelctl.repo.loading import load
from modelctl.repo.tree import Entry, EntryKind

Pair = tuple[str, str]  # a model and an environment
Fields = Mapping[str, Any]
Content = tuple[object, ...]  # what a release comes down to, as it runs

ENVIRONMENTS = "argocd/environments.yaml"
TEAMS = "argocd/teams.yaml"
WHOLE = 100
# Everything that a walk reads, it reads again and again.
_remembered = lru_cache(maxsize=8192)


@dataclass(frozen=True, slots=True)
class Route:
    """The weight of each release, and which one is called stable; empty for none."""

    stable: str
    weights: Mapping[str, int]

    @property
    def shares(self) -> dict[str, int]:
        """The weights of those that get anything."""
        return {release: weight for release, weight in self.weights.items() if weight}


@_remembered
def plain(content: bytes) -> Any:  # noqa: ANN401 - any YAML
    """The value of a YAML file; None where it is none."""
    try:
        return yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


def form(content: bytes) -> Fields | None:
    """The fields of a typed file; None where its form is one of the walk's faults."""
    fields = plain(content)
    return fields if isinstance(fields, dict) and "oops" not in fields else None


@_remembered
def route(content: bytes) -> Route | None:
    """What a rendered HTTPRoute says; a release that is only reached by name has weight 0."""
    fields = plain(content)
    if fields is None:
        return None
    weights: dict[str, int] = {}
    for rule in fields["spec"]["rules"]:
        for backend in rule.get("backendRefs", ()):
            release = backend["name"].rpartition("-")[2]
            share = backend["weight"] if rule["name"] == "shared" else 0
            weights[release] = max(weights.get(release, 0), share)
    return Route(fields["metadata"]["labels"]["app.kubernetes.io/version"], weights)


@_remembered
def running(content: bytes) -> Content | None:
    """What a release is by its rendered Deployment."""
    fields = plain(content)
    if fields is None:
        return None
    container = fields["spec"]["template"]["spec"]["containers"][0]
    settings = {
        item["name"].removeprefix("MODELSERVER_"): item["value"] for item in container["env"]
    }
    most = int(settings["MAX_INFLIGHT"])
    return _tail(settings["ARTIFACT_URI"]), settings["ARTIFACT_SHA256"], container["image"], most


def written(content: bytes) -> Content | None:
    """What a release is by its typed file; None where that is broken."""
    fields = form(content)
    if fields is None:
        return None
    artifact, most = fields["artifact"], fields["runtime"]["max_inflight"]
    return _tail(artifact["uri"]), artifact["sha256"], fields["image"], most


def artifact_path(release: Fields) -> str:
    """Where the environment `local` reads the artifact of a release."""
    return f"examples/artifacts/{_tail(release['artifact']['uri'])}"


def _tail(uri: str) -> str:
    """Model and file of an artifact, which no mirror changes."""
    return "/".join(uri.rsplit("/", 2)[1:])


def deployed(serving: Fields) -> list[str]:
    """The releases that a serving file runs."""
    shadow = serving.get("shadow")
    return [*serving["weights"], *([shadow["release"]] if shadow else [])]


def serving_file(pair: Pair) -> str:
    """Path of the serving file of a pair."""
    return f"apps/{pair[0]}/envs/{pair[1]}.yaml"


def release_file(model: str, release: str) -> str:
    """Path of a release file."""
    return f"apps/{model}/releases/{release}.yaml"


def rendered_file(pair: Pair, kind: str, *release: str) -> str:
    """Path of a rendered object of a pair, or of one of its releases."""
    return f"apps/{pair[0]}/rendered/{pair[1]}/{'-'.join((kind, pair[0], *release))}.yaml"


@_remembered
def pair_of(path: str) -> Pair | None:
    """Model and environment that a file belongs to alone."""
    match path.split("/"):
        case ["apps", model, "envs", file]:
            return model, file.removesuffix(".yaml")
        case ["apps", model, "rendered", environment, *_]:
            return model, environment
        case ["argocd", "applications", environment, file]:
            return file.removesuffix(".yaml"), environment
    return None


def is_applied(path: str) -> bool:
    """Whether a file is a rendered one."""
    return pair_of(path) is not None and "/envs/" not in path


def rendered(model: str, read: Callable[[str], bytes], paths: list[str]) -> dict[str, bytes]:
    """What the renderer itself makes of the typed files of a model."""
    files = load(_Tree({path: read(path) for path in paths})).model(model)
    return {path: text.encode() for path, text in generated(files).items()}


class _Tree:
    """Files in memory, as the renderer reads them."""

    def __init__(self, contents: Mapping[str, bytes]) -> None:
        self._contents = contents
        self.entries = {
            path: Entry(EntryKind.FILE, len(content)) for path, content in sorted(contents.items())
        }

    def below(self, folder: str) -> Mapping[str, Entry]:
        return {path: e for path, e in self.entries.items() if path.startswith(f"{folder}/")}

    def names(self, folder: str) -> tuple[str, ...]:
        start = len(folder) + 1
        return tuple(sorted({path[start:].partition("/")[0] for path in self.below(folder)}))

    def entry(self, path: str) -> Entry | None:
        return self.entries.get(path)

    def read(self, path: str) -> bytes:
        return self._contents[path]
