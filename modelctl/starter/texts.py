"""The typed files that a repository begins with, as text that people go on editing."""

import json

from modelctl.edit.additions import (
    NewEnvironment,
    NewTeam,
    environment_lines,
    item,
    team_lines,
)
from modelctl.starter.answers import SAMPLE_URL, Answers

_LOCAL = NewEnvironment("local", "models.localhost", engine="local")


def environments_text(answers: Answers) -> str:
    """The text of `argocd/environments.yaml`."""
    sample = ["  # A sample: change it before Argo CD is to read this repository."]
    lines = [
        "# yaml-language-server: $schema=../schemas/environments.schema.json",
        "---",
        "# Each fact of an installation stands here once; `modelctl render` repeats it where it is",
        "# needed.",
        "repository:",
        *(sample if answers.url == SAMPLE_URL else []),
        f"  url: {json.dumps(answers.url)}",
        "  revision: refs/heads/main",
        *([f"  forge: {answers.forge}"] if answers.forge else []),
        "",
        "# In promotion order: a release moves from the first to the last.",
        "environments:",
        *item(environment_lines(_LOCAL)),
    ]
    for cluster in answers.clusters:
        lines += ["", *item(environment_lines(cluster))]
    return "\n".join([*lines, ""])


def teams_text(answers: Answers) -> str:
    """The text of `argocd/teams.yaml`."""
    lines = [
        "# yaml-language-server: $schema=../schemas/teams.schema.json",
        "---",
        "# Who owns models. `modelctl render` makes of it what Argo CD lets a team do, and the",
        "# team's namespace with its bounds, in each environment of engine argocd.",
        "teams:",
        *item(team_lines(NewTeam(answers.team, answers.groups))),
    ]
    return "\n".join([*lines, ""])
