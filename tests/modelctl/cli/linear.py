"""The model `linear` of the scratch repository: its files, its edits, and who gets its traffic."""

from pathlib import Path

from modelctl.render.served import served
from scratch import PROJECT, git

MODEL = "apps/linear/model.yaml"
SERVING = "apps/linear/envs/local.yaml"
RENDERED = "apps/linear/rendered/local"
EDIT = ("linear", "--env", "local", "--commit")
R2 = PROJECT / "examples" / "artifacts" / "linear" / "r2.onnx"
# What an edit by hand may break: path, text before, text after.
FAULTS = {
    "model": (MODEL, "name: linear", "oops: 1\nname: linear"),
    "live-release": ("apps/linear/releases/r2.yaml", "artifact:", "oops: 1\nartifact:"),
    "target-release": ("apps/linear/releases/r1.yaml", "artifact:", "oops: 1\nartifact:"),
    "environments": ("argocd/environments.yaml", "environments:", "oops: 1\nenvironments:"),
    "serving": (SERVING, "stable:", "oops: 1\nstable:"),
    "serving-syntax": (SERVING, "stable:", "stable: [\nstable:"),
}


def weights(root: Path) -> dict[str, int]:
    """The weights that are applied, read from the rendered route of HEAD."""
    path = f"{RENDERED}/httproute-linear.yaml"
    found = served({path: git(root, "show", f"HEAD:{path}").encode()})
    assert found is not None
    return dict(found.weights)


def commit_edit(root: Path, path: str, old: str, new: str) -> None:
    """Change a file by hand and commit it, whatever `check` says of it."""
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))
    git(root, "commit", "--quiet", "--all", "--message", f"{path}: Edit by hand")
