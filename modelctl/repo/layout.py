"""Where everything lives in the repository: the one grammar of its paths.

The functions spell a path; `place` reads one. Nothing else takes a path apart.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

APPS = "apps"
ARGOCD = "argocd"
ROOTS = (APPS, ARGOCD)  # everything that people or the renderer write for models lies below these
ENVIRONMENTS = f"{ARGOCD}/environments.yaml"
TEAMS = f"{ARGOCD}/teams.yaml"
PROJECTS = f"{ARGOCD}/projects"
BOOTSTRAP = f"{ARGOCD}/bootstrap"
SETTINGS = f"{ARGOCD}/config"
APPLICATIONS = f"{ARGOCD}/applications"
PLATFORM = f"{ARGOCD}/platform"
# Below the platform of an environment, what is rendered; everything else there is people's.
PLATFORM_FOLDERS = frozenset({"dashboards", "gateway", "namespaces", "policies"})

_SUFFIX = ".yaml"
_RELEASE = re.compile(r"r[1-9][0-9]*")


Pair = tuple[str, str]  # the folder of a model, and an environment


class Kind(StrEnum):
    """What a file is, as its path says."""

    MODEL = "model"
    RELEASE = "release"
    SERVING = "serving"
    ENVIRONMENTS = "environments"
    TEAMS = "teams"
    PLATFORM = "platform"  # what else people write for Argo CD: its settings, the platform
    PROJECT = "project"
    BOOTSTRAP = "bootstrap"  # the root Application of an environment
    SETTINGS = "settings"  # of Argo CD in one environment
    PLATFORM_RENDERED = "platform-rendered"  # for all models of an environment, by folder
    RENDERED = "rendered"
    APPLICATION = "application"
    OTHER = "other"  # not a place that anything is read from


_TYPED = {"environments.yaml": Kind.ENVIRONMENTS, "teams.yaml": Kind.TEAMS}
# Written by the renderer alone.
GENERATED = frozenset(
    {
        Kind.PROJECT,
        Kind.BOOTSTRAP,
        Kind.SETTINGS,
        Kind.PLATFORM_RENDERED,
        Kind.RENDERED,
        Kind.APPLICATION,
    }
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a path says: the kind of a file, and whose it is; empty where it says nothing.

    `model` is the folder below `apps/`, also of files there that have no kind.
    """

    kind: Kind
    model: str = ""
    release: str = ""
    environment: str = ""
    team: str = ""

    @property
    def pair(self) -> Pair | None:
        """Model and environment, where the file belongs to one of each."""
        return (self.model, self.environment) if self.model and self.environment else None


@lru_cache(maxsize=65536)  # the paths of 2,000 models; each is looked at by several readers
def place(path: str) -> Place:
    """The place of any path of the repository."""
    match path.split("/"):
        case ["apps", model, *below] if model and below:
            return _below_a_model(model, below)
        case ["argocd", *below] if below:
            return _below_argocd(below)
    return Place(Kind.OTHER)


def _below_argocd(below: list[str]) -> Place:
    file, environment = below[-1], below[1] if len(below) > len(("folder", "file")) else ""
    if len(below) == 1 and file in _TYPED:
        return Place(_TYPED[file])
    generated = _generated_below_argocd(below)
    if generated is None and _stem(file):
        return Place(Kind.PLATFORM, environment=environment if below[0] == "platform" else "")
    return generated or Place(Kind.OTHER)


def _generated_below_argocd(below: list[str]) -> Place | None:
    """The place of a generated file; whatever lies among them is one of them."""
    found = None
    match below:
        case ["applications", *between, file]:
            environment = between[0] if between else ""
            found = Place(Kind.APPLICATION, _stem(file) or file, environment=environment)
        case ["projects", environment, file]:
            found = Place(Kind.PROJECT, environment=environment, team=_stem(file) or file)
        case ["projects", *between, _]:
            found = Place(Kind.PROJECT, environment=between[0] if between else "")
        case ["bootstrap", *between, file]:
            found = Place(Kind.BOOTSTRAP, environment=between[0] if between else _stem(file))
        case ["config", environment, *inside] if inside:
            found = Place(Kind.SETTINGS, environment=environment)
        case ["platform", environment, folder, *inside] if inside and folder in PLATFORM_FOLDERS:
            found = Place(Kind.PLATFORM_RENDERED, environment=environment)
    return found


def _below_a_model(model: str, below: list[str]) -> Place:
    match below:
        case ["model.yaml"]:
            return Place(Kind.MODEL, model)
        case ["releases", file] if _RELEASE.fullmatch(release := _stem(file)):
            return Place(Kind.RELEASE, model, release=release)
        case ["envs", file] if environment := _stem(file):
            return Place(Kind.SERVING, model, environment=environment)
        case ["rendered", environment, *inside] if inside:
            return Place(Kind.RENDERED, model, _release_of(model, inside[-1]), environment)
        case ["rendered", _]:
            return Place(Kind.RENDERED, model)
    return Place(Kind.OTHER, model)


def _release_of(model: str, file: str) -> str:
    """The release that a rendered object belongs to, `r2` of `deployment-<model>-r2.yaml`."""
    _, _, name = _stem(file).partition("-")
    release = name.removeprefix(f"{model}-")
    return release if release != name and _RELEASE.fullmatch(release) else ""


def _stem(file: str) -> str:
    """The name of a YAML file without its suffix; empty for any other file."""
    return file.removesuffix(_SUFFIX) if file.endswith(_SUFFIX) else ""


def release_number(release: str) -> int:
    """The number in a release's name, 12 of `r12`; releases are ordered by it."""
    return int(release.removeprefix("r"))


def is_release(name: str) -> bool:
    """Whether a name is a release's, such as `r12`."""
    return _RELEASE.fullmatch(name) is not None


def model_folder(folder: str) -> str:
    """Folder of everything that belongs to a model but its Applications."""
    return f"{APPS}/{folder}"


def model_file(folder: str) -> str:
    """Path of a model's `model.yaml`."""
    return f"{APPS}/{folder}/model.yaml"


def release_file(folder: str, release: str) -> str:
    """Path of one release of a model."""
    return f"{APPS}/{folder}/releases/{release}{_SUFFIX}"


def serving_file(folder: str, environment: str) -> str:
    """Path of the file that says what a model serves in an environment."""
    return f"{APPS}/{folder}/envs/{environment}{_SUFFIX}"


def rendered_folder(folder: str, environment: str) -> str:
    """Folder of the Kubernetes objects rendered for a model in an environment."""
    return f"{APPS}/{folder}/rendered/{environment}"


def rendered_file(folder: str, environment: str, kind: str, name: str) -> str:
    """Path of one rendered Kubernetes object."""
    return f"{rendered_folder(folder, environment)}/{kind.lower()}-{name}{_SUFFIX}"


def application_file(environment: str, folder: str) -> str:
    """Path of the generated Argo CD Application of a model in an environment."""
    return f"{APPLICATIONS}/{environment}/{folder}{_SUFFIX}"


def platform_folder(environment: str, folder: str) -> str:
    """One of `PLATFORM_FOLDERS` of an environment."""
    return f"{PLATFORM}/{environment}/{folder}"


def platform_file(environment: str, folder: str, kind: str, name: str) -> str:
    """Path of one object that is rendered for all models of an environment."""
    return f"{platform_folder(environment, folder)}/{kind.lower()}-{name}{_SUFFIX}"


def bootstrap_file(environment: str) -> str:
    """Path of the root Application of an environment."""
    return f"{BOOTSTRAP}/{environment}{_SUFFIX}"


def settings_file(environment: str, kind: str, name: str) -> str:
    """Path of one of Argo CD's settings that are an environment's own."""
    return f"{SETTINGS}/{environment}/{kind.lower()}-{name}{_SUFFIX}"


def project_file(environment: str, team: str) -> str:
    """Path of a team's AppProject in an environment."""
    return f"{PROJECTS}/{environment}/{team}{_SUFFIX}"
