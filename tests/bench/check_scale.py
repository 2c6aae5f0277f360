"""How long a check takes: a generated repository of many models, rendered, in memory.

`python tests/bench/check_scale.py [MODELS]`: each model has two releases in three environments.
Prints seconds for each step and the slowest rules; fails if there is any finding.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from modelctl.check.engine import check
from modelctl.check.rules import RULES
from modelctl.finding import Scope
from modelctl.render import generated
from modelctl.repo.loading import load
from modelctl.repo.repository import Files, ModelFiles
from modelctl.repo.tree import Entries, Entry, EntryKind, names_below, slice_below

_Value = TypeVar("_Value")
_TEAMS = 20
_ENVIRONMENTS = {"dev": "local", "staging": "argocd", "prod": "argocd"}

_MODEL = """\
name: {model}
owner: team-{team}
description: Predicts one number from ten.
contract:
  inputs: [{{name: features, datatype: FP32, shape: [-1, 10]}}]
  outputs: [{{name: price, datatype: FP32, shape: [-1, 1]}}]
service_level: {{latency_p99_ms: 50, error_rate: 0.001, peak_rps: 200}}
"""
_RELEASE = """\
artifact:
  uri: s3://models/{model}/{release}.onnx
  sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  bytes: 148322
graph:
  ir_version: 10
  opsets: {{ai.onnx: 17}}
  inputs: [{{name: features, datatype: FP32, shape: [-1, 10]}}]
  outputs: [{{name: price, datatype: FP32, shape: [-1, 1]}}]
image: modelserver@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
runtime: {{providers: [cpu], threads: 2, max_inflight: 64}}
resources: {{cpu: "2", memory: 1Gi}}
golden:
  uri: s3://models/{model}/{release}.golden.json
  sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
"""
_SERVING = """\
stable: r1
weights: {r1: 95, r2: 5}
scale: {min: 2, max: 8, metric: cpu, target: 70}
"""
_ENVIRONMENT = """\
  - name: {name}
    engine: {engine}
    template: v1
    gateway: {{name: models, namespace: gateway, listener: https, hostname: {name}.example.com}}
"""
_PROJECT = "kind: AppProject\nmetadata: {{name: team-{team}}}\n"


@dataclass(frozen=True)
class _Tree:
    """A tree of files that exist only here."""

    files: dict[str, bytes]

    @cached_property
    def entries(self) -> dict[str, Entry]:
        return {path: Entry(EntryKind.FILE, len(self.files[path])) for path in sorted(self.files)}

    @cached_property
    def ordered(self) -> list[str]:
        return list(self.entries)

    def below(self, folder: str) -> Entries:
        return slice_below(self.entries, self.ordered, folder)

    def names(self, folder: str) -> tuple[str, ...]:
        return names_below(self.entries, folder)

    def entry(self, path: str) -> Entry | None:
        return self.entries.get(path)

    def read(self, path: str) -> bytes:
        return self.files[path]


def typed_files(models: int) -> dict[str, bytes]:
    """What people would have written for so many models."""
    texts = {"argocd/environments.yaml": _environments()}
    for team in range(_TEAMS):
        for name in _ENVIRONMENTS:
            texts[f"argocd/projects/{name}/team-{team}.yaml"] = _PROJECT.format(team=team)
    for number in range(models):
        model = f"model-{number}"
        folder = f"apps/{model}"
        texts[f"{folder}/model.yaml"] = _MODEL.format(model=model, team=number % _TEAMS)
        for release in ("r1", "r2"):
            text = _RELEASE.format(model=model, release=release)
            texts[f"{folder}/releases/{release}.yaml"] = text
        for name in _ENVIRONMENTS:
            texts[f"{folder}/envs/{name}.yaml"] = _SERVING
    return {path: text.encode() for path, text in texts.items()}


def _environments() -> str:
    source = 'repository: {url: "https://git.example.com/a.git", revision: refs/heads/main}\n'
    entries = (_ENVIRONMENT.format(name=n, engine=engine) for n, engine in _ENVIRONMENTS.items())
    return f"{source}environments:\n{''.join(entries)}"


def _timed(what: str, do: Callable[[], _Value]) -> _Value:
    start = time.perf_counter()
    value = do()
    print(f"{what:<28}{time.perf_counter() - start:8.2f} s")
    return value


def _models(files: dict[str, bytes]) -> list[ModelFiles]:
    """Every model of a repository, loaded."""
    repository = load(_Tree(files))
    return [repository.model(folder) for folder in repository.folders]


def _seconds_by_rule(models: list[ModelFiles]) -> dict[str, float]:
    """How long each rule takes in all, one model after the other; nothing changes here."""
    seconds = {rule.ID: 0.0 for rule in RULES}
    shared: Files = models[0].repository
    for files in (shared, *models):
        scopes = {Scope.FILES} if files is shared else {Scope.FILES, Scope.MODEL}
        for rule in RULES:
            if rule.SCOPE in scopes:
                start = time.perf_counter()
                list(rule.check(files))
                seconds[rule.ID] += time.perf_counter() - start
    return seconds


def main() -> int:
    """Generate, load, check, and say how long each took."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    typed = typed_files(count)
    first = _models(typed)
    texts = _timed("render", lambda: {p: t for m in first for p, t in generated(m).items()})
    files = typed | {path: text.encode() for path, text in texts.items()}
    print(f"{count} models, {len(typed)} typed files, {len(texts)} generated files")
    models = _timed("load", lambda: _models(files))
    findings = _timed("load and check", lambda: check(load(_Tree(files))))
    for rule, seconds in _seconds_by_rule(models).items():
        if seconds > 0.05:
            print(f"  {rule:<26}{seconds:8.2f} s")
    assert not findings, findings[0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
