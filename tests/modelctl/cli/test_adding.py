"""`team add` and `environment add`: one item more in the text, and what is rendered of it."""

from collections.abc import Callable
from difflib import ndiff
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from modelctl.edit import additions
from modelctl.errors import EditRefusedError
from modelctl.repo.documents import parse
from scratch import git

Modelctl = Callable[..., str]
NAMES = st.from_regex(r"m[a-z0-9]{3,8}", fullmatch=True)


def test_a_team(scratch: Path, modelctl: Modelctl) -> None:
    """Every other line stays, and each environment has its project and namespace."""
    before = (scratch / "argocd/teams.yaml").read_text()
    told = modelctl("team", "add", "pricing", "--group", "prices", "--group", "on call", "--commit")

    after = (scratch / "argocd/teams.yaml").read_text()
    assert after.startswith(before)
    added = yaml.safe_load(after)["teams"][-1]
    assert ("pricing", ["prices", "on call"]) == (added["name"], added["groups"])
    assert "argocd: Add the team pricing" in told
    assert (scratch / "argocd/projects/prod/pricing.yaml").is_file()
    assert (scratch / "argocd/platform/prod/namespaces/namespace-models-pricing.yaml").is_file()
    assert "" == git(scratch, "status", "--porcelain")
    assert "" == modelctl("render", "--check")


def test_a_team_of_one_environment(scratch: Path, modelctl: Modelctl) -> None:
    """It has nothing elsewhere."""
    modelctl("team", "add", "pricing", "--env", "staging")

    assert (scratch / "argocd/projects/staging/pricing.yaml").is_file()
    assert not (scratch / "argocd/projects/prod/pricing.yaml").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("team", "add", "vision"), "found vision already"),
        (("team", "add", "Vision"), "lower-case letters"),
        (("team", "add", "root"), "Argo CD has uses for"),
        (("team", "add", "new", "--group", "a,b"), "without commas"),
        (("environment", "add", "prod", "--hostname", "m.acme.test"), "found prod already"),
        (("environment", "add", "qa"), "found no --hostname for qa"),
        (("environment", "add", "qa", "--hostname", "m_acme"), "a lower-case host name"),
    ],
)
def test_refused(words: tuple[str, ...], told: str, scratch: Path, modelctl: Modelctl) -> None:
    """What cannot be added is told, and nothing is written."""
    assert told in modelctl(*words, exit_code=2)
    assert "" == git(scratch, "status", "--porcelain")


def test_an_environment(scratch: Path, modelctl: Modelctl) -> None:
    """It comes last, with its root, its projects, and what people write for its cluster."""
    modelctl("environment", "add", "edge", "--hostname", "models.edge.test", "--commit")
    told = yaml.safe_load((scratch / "argocd/environments.yaml").read_text())

    assert "edge" == told["environments"][-1]["name"]
    for path in ("bootstrap/edge.yaml", "projects/edge/vision.yaml", "platform/edge/keda.yaml"):
        assert (scratch / "argocd" / path).is_file()
    assert "" == modelctl("render", "--check")
    assert "no findings" in modelctl("check")


def test_an_environment_for_another_laptop(scratch: Path, modelctl: Modelctl) -> None:
    """It needs no host name and no platform but its gateway's."""
    modelctl("environment", "add", "second", "--engine", "local")

    below = {path.name for path in (scratch / "argocd/platform/second").iterdir()}
    assert {"gateway"} == below


def test_a_file_with_a_fault(scratch: Path, modelctl: Modelctl) -> None:
    """What cannot be read is not edited."""
    (scratch / "argocd/teams.yaml").write_text("teams:\n  - name: 1\n")
    told = modelctl("team", "add", "pricing", exit_code=2)

    assert "argocd/teams.yaml:2:11" in told


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True), st.data())
def test_comments_and_order_stay(names: list[str], data: st.DataObject) -> None:
    """However a list is laid out, its lines stay as they are and the item comes last."""
    indent, gap = (
        " " * data.draw(st.integers(0, 4)),
        data.draw(st.sampled_from(["", "\n", "# c\n"])),
    )
    after = data.draw(st.sampled_from(["", "\n# the end\n", "other: 1\n"]))
    text = "teams:\n" + gap.join(f"{indent}- name: {name}  # {name}\n" for name in names) + after
    document, faults = parse("argocd/teams.yaml", text.encode())
    assert document is not None
    assert not faults
    lines = additions.team_lines(additions.NewTeam("zzzzzzzzzz", ("zz",)))
    edited = additions.with_item(document, text, "teams", lines)

    lost = [line for line in ndiff(text.splitlines(), edited.splitlines()) if line[:1] == "-"]
    assert [] == lost
    listed = [each["name"] for each in yaml.safe_load(edited)["teams"]]
    assert [*names, "zzzzzzzzzz"] == listed


@pytest.mark.parametrize("text", ["teams: [{name: a}]\n", "teams: []\n", "other: 1\n"])
def test_a_layout_that_cannot_be_added_to(text: str) -> None:
    """It is refused, not mangled."""
    document, _ = parse("argocd/teams.yaml", text.encode())
    assert document is not None
    with pytest.raises(EditRefusedError, match="found no list teams"):
        additions.with_item(document, text, "teams", ["name: b"])
