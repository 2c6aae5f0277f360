"""Links from Argo CD to what else is known of a model: its dashboard, its folder, its release."""

from collections.abc import Mapping

from modelctl.render.argocd.forge import addresses
from modelctl.render.argocd.project import PLATFORM, ROOT
from modelctl.render.emit import emit
from modelctl.repo import layout
from modelctl.repo.kinds import ArgoCd, Environment, GitSource

DASHBOARD = "modelctl-model"  # the uid of the dashboard of one model
_IS_A_MODEL = f'application.spec.project not in ["{ROOT}", "{PLATFORM}"]'
_IS_A_RELEASE = (
    'resource.kind == "Deployment" and '
    'resource.metadata.labels["app.kubernetes.io/managed-by"] == "modelctl"'
)
_MODEL = "{{ .application.metadata.name }}"
_LABEL = '{{{{ index .resource.metadata.labels "app.kubernetes.io/{}" }}}}'


def links(environment: Environment, source: GitSource) -> Mapping[str, str]:
    """The keys of `argocd-cm` with links, where there is anything to link to."""
    dashboards = (environment.argocd or ArgoCd()).dashboards_url
    forge = addresses(source)
    of_models, of_releases = [], []
    if dashboards:
        url = f"{dashboards.rstrip('/')}/d/{DASHBOARD}?var-model={_MODEL}"
        of_models.append({"title": "Dashboard", "url": url, "if": _IS_A_MODEL})
    if forge is not None:
        folder = f"{forge.folders}/{layout.model_folder(_MODEL)}"
        of_models.append({"title": "Folder", "url": folder, "if": _IS_A_MODEL})
        file = layout.release_file(_LABEL.format("name"), _LABEL.format("version"))
        url = f"{forge.files}/{file}"
        of_releases.append({"title": "Release", "url": url, "if": _IS_A_RELEASE})
    keys = {"application.links": of_models, "resource.links": of_releases}
    return {key: _listed(found) for key, found in keys.items() if found}


def _listed(found: list[dict[str, str]]) -> str:
    """A list of mappings as YAML, each of a line or more."""
    _, _, text = emit({"links": found}).partition("\n")
    return "".join(line.removeprefix("  ") for line in text.splitlines(keepends=True))
