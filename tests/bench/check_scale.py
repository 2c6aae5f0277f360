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
from modelctl.render import generated
from modelctl.repo.loading import load
from modelctl.repo.tree import Entry, EntryKind

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


def main() -> int:
    """Generate, load, check, and say how long each took."""
    models = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    typed = typed_files(models)
    first = load(_Tree(typed))
    texts = _timed("render", lambda: generated(first))
    files = typed | {path: text.encode() for path, text in texts.items()}
    print(f"{models} models, {len(typed)} typed files, {len(texts)} generated files")
    repository = _timed("load", lambda: load(_Tree(files)))
    findings = _timed("check", lambda: check(repository))
    for rule in RULES:
        start = time.perf_counter()
        list(rule.check(repository))
        seconds = time.perf_counter() - start
        if seconds > 0.05:
            print(f"  {rule.ID:<26}{seconds:8.2f} s")
    assert not findings, findings[0]
    return 0


if __name__ == "__main__":
    sys.exit(main())
