"""Traffic of many models at once: the eleventh is one too many where Argo CD syncs them."""

import pytest

from modelctl.check.engine import check
from modelctl.repo.layout import place
from modelctl.repo.loading import load
from tests.fixture_trees import BASE, MemoryTree, case_tree, memory_change

STEP = (b"r1: 95\n  r2: 5\n", b"r1: 90\n  r2: 10\n")
STYLE = (b"r1: 95\n", b"r1: 95  # as before\n")
COLD_RELEASE = (b"r2: 5\n", b"r2: 5\n  r3: 0\n")


def many(base: MemoryTree, models: int, environment: str) -> MemoryTree:
    """The base with so many models like `linear` in one environment, and no other model."""
    own = {p: c for p, c in base.files.items() if place(p).model == "linear"}
    typed = {p: c for p, c in own.items() if place(p).pair is None}
    serving = own["apps/linear/envs/prod.yaml"]
    files = {p: c for p, c in base.files.items() if not place(p).model}
    for number in range(models):
        name = f"linear{number}"
        for path, content in typed.items():
            new = path.replace("apps/linear/", f"apps/{name}/")
            files[new] = content.replace(b"name: linear", f"name: {name}".encode())
        files[f"apps/{name}/envs/{environment}.yaml"] = serving
    return MemoryTree(files)


def edited(tree: MemoryTree, old: bytes, new: bytes) -> MemoryTree:
    """The tree with another text in each serving file."""
    servings = {p: c.replace(old, new) for p, c in tree.files.items() if "/envs/" in p}
    return MemoryTree({**tree.files, **servings})


@pytest.mark.parametrize(
    ("models", "environment", "edit", "expected"),
    [
        (10, "prod", STEP, 0),
        (11, "prod", STEP, 1),
        (11, "local", STEP, 0),
        (11, "prod", STYLE, 0),
        (11, "prod", COLD_RELEASE, 0),
    ],
)
def test_traffic_of_many_models(
    models: int, environment: str, edit: tuple[bytes, bytes], expected: int
) -> None:
    """More than ten models whose traffic moves at once are refused where Argo CD syncs them."""
    before = many(case_tree(BASE), models, environment)
    after = edited(before, *edit)
    findings = check(load(after), change=memory_change(before, after))

    found = [each for each in findings if each.rule == "mass-change-guard"]
    assert expected == len(found)
    assert all("found other traffic for 11 models in prod at once" in f.message for f in found)
