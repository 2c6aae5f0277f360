"""Every file that a repository of one's own begins with, but the generated ones."""

from collections.abc import Iterator, Mapping
from importlib.resources import files as package_files
from pathlib import Path

from modelctl.render import codeowners
from modelctl.repo import layout, schema
from modelctl.starter.answers import Answers, Ci
from modelctl.starter.pins import requirements
from modelctl.starter.texts import environments_text, teams_text

_PACKAGE = Path(__file__).resolve().parent
# A wheel carries them inside the package; in a checkout they are the worked example's own.
_IN_WHEEL = _PACKAGE / "argocd"
_ARGOCD = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parents[1] / layout.ARGOCD
_EXAMPLE = "prod"  # the environment whose platform others begin with

_ALWAYS = {
    ".gitattributes": "gitattributes",
    ".gitignore": "gitignore",
    ".pre-commit-config.yaml": "pre-commit-config.yaml",
    "README.md": "README.md",
}
_CI: Mapping[Ci, Mapping[str, str]] = {
    "github": {
        ".github/actions/modelctl/action.yaml": "github/action.yaml",
        ".github/workflows/models.yaml": "github/models.yaml",
    },
    "gitlab": {".gitlab-ci.yml": "gitlab/gitlab-ci.yml"},
}
CI_FILES = tuple(path for files in _CI.values() for path in files)


def typed_files(answers: Answers) -> dict[str, bytes]:
    """By path, what people edit and what helps them; rendering adds what follows from it."""
    named = dict(_ALWAYS)
    for ci in sorted(answers.ci):
        named |= _CI[ci]
    texts = {path: _template(name).replace("@NAME@", answers.name) for path, name in named.items()}
    texts |= {
        "requirements.txt": requirements(answers.index),
        layout.ENVIRONMENTS: environments_text(answers),
        layout.TEAMS: teams_text(answers),
        codeowners.PATH: codeowners.text({}),
    }
    content = {path: text.encode() for path, text in texts.items()} | schemas()
    for cluster in answers.clusters:
        content |= cluster_files(cluster.name)
    return dict(sorted(content.items()))


def schemas() -> dict[str, bytes]:
    """The schemas that the first lines of typed files name, for editors."""
    names = [f"{kind}.schema.json" for kind in schema.KINDS]
    return {f"schemas/{name}": (schema.FOLDER / name).read_bytes() for name in names}


def cluster_files(environment: str) -> dict[str, bytes]:
    """What people write for Argo CD and what models need in a cluster, as it begins."""
    folder = f"{layout.PLATFORM}/{environment}"
    found = {f"{layout.SETTINGS}/{name}": content for name, content in _written("config")}
    for name, content in _written(f"platform/{_EXAMPLE}"):
        found[f"{folder}/{name}"] = content
    for name, content in _written(f"platform/{_EXAMPLE}/{layout.SITE}"):
        found[f"{folder}/{layout.SITE}/{name}"] = content
    return found


def _written(folder: str) -> Iterator[tuple[str, bytes]]:
    """The files in a folder of the worked example that people write."""
    for path in sorted((_ARGOCD / folder).glob("*.yaml")):
        place = layout.place(f"{layout.ARGOCD}/{folder}/{path.name}")
        if place.kind not in layout.GENERATED:
            yield path.name, path.read_bytes()


def _template(name: str) -> str:
    return (package_files(__package__) / "templates" / name).read_text("utf-8")
