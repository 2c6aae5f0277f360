"""A second model in a scratch repository, of the same releases as the first."""

import shutil

from engine_kit import INFER, MODEL, Repo, Up
from modelctl.render import generated
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree

OTHER = "other"


def add_other(repo: Repo) -> None:
    """A second model, of the same releases."""
    for folder in (f"apps/{MODEL}", f"examples/artifacts/{MODEL}"):
        shutil.copytree(repo.root / folder, repo.root / folder.replace(MODEL, OTHER))
    for path in (repo.root / f"apps/{OTHER}").rglob("*.yaml"):
        path.write_text(path.read_text().replace(MODEL, OTHER))
    shift_other(repo, {"r1": 100, "r2": 0})


def shift_other(repo: Repo, weights: dict[str, int], stable: str = "r1") -> None:
    """Write what the second model serves."""
    listed = ", ".join(f"{release}: {weight}" for release, weight in weights.items())
    repo.write(
        f"apps/{OTHER}/envs/local.yaml",
        f"stable: {stable}\nweights: {{{listed}}}\n"
        "scale: {min: 1, max: 4, metric: cpu, target: 70}\n",
    )
    shutil.rmtree(repo.root / f"apps/{OTHER}/rendered", ignore_errors=True)
    for path, text in generated(load(WorkTree(repo.root)).model(OTHER)).items():
        repo.write(path, text)


def release_of_other(up: Up) -> tuple[int, str]:
    """Who answers for the second model: status and release."""
    status, answer = up.ask(path=INFER.replace(MODEL, OTHER))
    return status, str(answer.get("model_version", ""))
