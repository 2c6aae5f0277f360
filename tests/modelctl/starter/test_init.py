"""`modelctl init`: a repository that is whole, clean and ready, or none at all."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from yamllint import linter
from yamllint.config import YamlLintConfig

from modelctl.__main__ import main
from modelctl.check.rules.platform import own_values
from modelctl.repo.schema import KINDS
from scratch import PROJECT, git
from tests.modelctl.starter.conftest import CLUSTERS, modelctl

NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "",
    "GIT_AUTHOR_EMAIL": "",
    "GIT_COMMITTER_NAME": "",
    "GIT_COMMITTER_EMAIL": "",
    "EMAIL": "",
}


@pytest.mark.parametrize("made", ["laptop", "clusters"])
def test_what_is_made_is_clean(made: str, request: pytest.FixtureRequest) -> None:
    """Everything is committed; check and render have nothing to say of it."""
    folder = request.getfixturevalue(made)

    assert "" == git(folder, "status", "--porcelain", "--ignored")
    assert "no findings" in modelctl(folder, "check")
    assert "" == modelctl(folder, "render", "--check")


def test_the_environments_are_those_that_were_asked_for(clusters: Path) -> None:
    """The laptop's comes first, then the clusters' in their order, each with its platform."""
    told = yaml.safe_load((clusters / "argocd/environments.yaml").read_text())

    assert ["local", "staging", "prod"] == [each["name"] for each in told["environments"]]
    assert "github" == told["repository"]["forge"]
    written = {path.name for path in (clusters / "argocd/platform/prod").glob("*.yaml")}
    assert {"cert-manager.yaml", "envoy-gateway.yaml", "keda.yaml"} <= written
    assert (clusters / "argocd/platform/staging/site/clusterissuer-models.yaml").is_file()
    assert (clusters / "argocd/config/configmap-argocd-rbac-cm.yaml").is_file()


def test_editors_find_the_schemas(laptop: Path) -> None:
    """The first line of each typed file names a schema that is there."""
    named = [path.read_text().splitlines()[0] for path in (laptop / "argocd").glob("*.yaml")]

    paths = [laptop / "argocd" / line.partition("$schema=")[2] for line in named]
    assert [True, True] == [path.is_file() for path in paths]
    assert {f"{kind}.schema.json" for kind in KINDS} == {
        path.name for path in (laptop / "schemas").iterdir()
    }


@pytest.mark.parametrize("made", ["laptop", "clusters"])
def test_every_yaml_file_is_in_style(made: str, request: pytest.FixtureRequest) -> None:
    """What people go on editing has nothing that yamllint complains about."""
    folder = request.getfixturevalue(made)
    config = YamlLintConfig(file=str(PROJECT / ".yamllint"))
    generated = ("rendered", "applications", "bootstrap", "projects", "gateway", "namespaces",
                 "dashboards", "policies")  # fmt: skip
    found = [
        f"{path}: {problem}"
        for path in git(folder, "ls-files", "*.yaml", "*.yml").splitlines()
        if not set(generated) & set(Path(path).parts) and "argocd/config/" not in path
        for problem in linter.run((folder / path).read_text(), config)
    ]

    assert [] == found


@pytest.mark.parametrize(
    ("ci", "files"),
    [
        ("github", {".github/workflows/models.yaml", ".github/actions/modelctl/action.yaml"}),
        ("gitlab", {".gitlab-ci.yml"}),
        ("none", set()),
    ],
)
def test_ci_is_whose_it_was_asked_for(ci: str, files: set[str], tmp_path: Path) -> None:
    """No file of another forge's is written."""
    modelctl(tmp_path, "init", "shop", "--ci", ci)
    listed = set(git(tmp_path / "shop", "ls-files", ".git*").splitlines())

    assert files | {".gitattributes", ".gitignore"} == listed


def test_generated_files_are_folded_in_reviews(clusters: Path) -> None:
    """Every generated file is marked, and none that people edit."""
    from modelctl.repo.layout import GENERATED, place  # noqa: PLC0415

    paths = git(clusters, "ls-files", "argocd").splitlines()
    marks = git(clusters, "check-attr", "linguist-generated", "--", *paths).splitlines()
    marked = {line.partition(": ")[0] for line in marks if line.endswith(": set")}

    assert {path for path in paths if place(path).kind in GENERATED} == marked


def test_a_new_team_of_code_owners(laptop: Path, tmp_path: Path) -> None:
    """A model's line follows its owner, and only `modelctl` writes the file."""
    shop = tmp_path / "shop"
    shutil.copytree(laptop, shop)
    model = PROJECT / "apps" / "linear"
    shutil.copytree(model, shop / "apps" / "linear", ignore=shutil.ignore_patterns("rendered"))
    modelctl(shop, "render", exit_code=0)

    assert "/apps/linear/ @forecasting\n" in (shop / "CODEOWNERS").read_text()
    assert "" == modelctl(shop, "render", "--check")


def test_an_upgrade_is_a_render(clusters: Path, tmp_path: Path) -> None:
    """What another version wrote, schemas among it, is this one's after `modelctl render`."""
    fleet = tmp_path / "fleet"
    shutil.copytree(clusters, fleet)
    older = ("schemas/model.schema.json", "argocd/bootstrap/prod.yaml", "CODEOWNERS")
    for path in older:
        (fleet / path).write_text((fleet / path).read_text().replace("  ", " ") + "\n")
    stale = modelctl(fleet, "render", "--check", exit_code=1)
    modelctl(fleet, "render")

    assert {f"stale {path}" for path in older} == set(stale.splitlines())
    assert "" == git(fleet, "status", "--porcelain")


def test_a_folder_that_is_not_empty(tmp_path: Path) -> None:
    """It is refused, and left as it was."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "notes.txt").write_text("mine")
    told = modelctl(tmp_path, "init", "shop", exit_code=2)

    assert "is not empty, found notes.txt" in told
    assert ["shop"] == [path.name for path in tmp_path.iterdir()]


def test_an_empty_folder_that_one_stands_in(tmp_path: Path) -> None:
    """The folder stays the same one, so that a shell in it sees what was made."""
    (tmp_path / "shop").mkdir()
    before = (tmp_path / "shop").stat().st_ino
    modelctl(tmp_path / "shop", "init", ".")

    assert before == (tmp_path / "shop").stat().st_ino
    assert "" == git(tmp_path / "shop", "status", "--porcelain")
    assert ["shop"] == [path.name for path in tmp_path.iterdir()]


def test_a_folder_in_a_repository(laptop: Path) -> None:
    """A repository in another would be invisible to it."""
    assert "lies in the repository" in modelctl(laptop, "init", "inner", exit_code=2)
    assert not (laptop / "inner").exists()


def test_no_identity(tmp_path: Path) -> None:
    """The way to one is told, nothing is made, and the same command then succeeds."""
    told = modelctl(tmp_path, "init", "shop", exit_code=2, **NOBODY)

    assert "git config --global user.name" in told
    assert [] == list(tmp_path.iterdir())


def test_facts_that_nobody_can_guess(tmp_path: Path) -> None:
    """Without a person to ask, the option that is missing is named."""
    told = modelctl(tmp_path, "init", "shop", "--cluster-env", "prod", exit_code=2)

    assert "found no --repository URL" in told
    assert [] == list(tmp_path.iterdir())


def test_facts_that_cannot_work(tmp_path: Path) -> None:
    """What `check` would refuse is not made."""
    words = ("--cluster-env", "staging,staging", *CLUSTERS[2:])
    told = modelctl(tmp_path, "init", "shop", *words, exit_code=2)

    assert "staging" in told
    assert not (tmp_path / "shop").exists()


def test_sample_hosts_are_told(tmp_path: Path) -> None:
    """A host name that is a sample is made, and `check` warns of it."""
    words = [word.replace(".acme.test", ".example.com") for word in CLUSTERS]
    modelctl(tmp_path, "init", "shop", *words)
    found = json.loads(modelctl(tmp_path / "shop", "check", "--format", "json"))

    assert {own_values.ID} == {each["rule"] for each in found["findings"]}


@pytest.mark.parametrize(
    ("steps", "there"),
    [(3, False), (40, False), (64, False), (66, False), (65, True), (70, True), (74, True)],
)
def test_killed_in_the_middle(steps: int, there: bool, tmp_path: Path) -> None:  # noqa: FBT001
    """Wherever it is killed, the folder is whole or the same command makes it so."""
    shop = tmp_path / "shop"
    if there:
        shop.mkdir()
    subprocess.run([sys.executable, "-c", KILLED, str(steps), str(shop)], check=False)
    if not (shop / ".git").exists():
        modelctl(tmp_path, "init", "shop")

    assert "" == git(shop, "status", "--porcelain")
    assert "no findings" in modelctl(shop, "check")


# Ends itself like `kill -9` at the given step that it takes on the disk.
KILLED = f"""
import os, pathlib, signal, sys
left = int(sys.argv[1])
def counted(method):
    def call(*words, **named):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), {signal.SIGKILL.value})
        return method(*words, **named)
    return call
for name in ("write_bytes", "rename", "touch", "unlink", "mkdir"):
    setattr(pathlib.Path, name, counted(getattr(pathlib.Path, name)))
from modelctl.__main__ import main
main(["init", sys.argv[2]])
"""


class Person(io.StringIO):
    """Somebody at a terminal, and what they type."""

    def isatty(self) -> bool:
        """Whether questions are answered."""
        return True


def test_a_person_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal each fact that is missing is asked for, on standard error."""
    answers = "https://github.com/acme/models.git\nmodels.acme.test\n"
    monkeypatch.setattr(sys, "stdin", Person(answers))
    done = main(["init", str(tmp_path / "shop"), "--cluster-env", "prod"])

    asked = capsys.readouterr().err
    assert 0 == done
    assert "address of the repository: host name in prod: " in asked
    told = yaml.safe_load((tmp_path / "shop/argocd/environments.yaml").read_text())
    assert "models.acme.test" == told["environments"][1]["gateway"]["hostname"]


def test_an_answer_that_cannot_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer is held to what the option would be held to."""
    monkeypatch.setattr(sys, "stdin", Person("not an address\n"))
    done = main(["init", str(tmp_path / "shop"), "--cluster-env", "prod"])

    assert 2 == done
    assert "not an address" in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())
