"""Prometheus' own reader of rules and queries, as Debian ships it."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

PROMTOOL = shutil.which("promtool")

needed = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is missing (Debian: apt-get install prometheus)"
)


def check_rules(folder: Path, groups: Iterable[Mapping[str, Any]]) -> str:
    """What promtool objects to in some groups of rules; empty where it reads all of them."""
    file = folder / "rules.yaml"
    _write(file, {"groups": list(groups)})
    return _run("check", "rules", str(file))


def check_queries(folder: Path, queries: Iterable[str]) -> str:
    """What promtool objects to in some queries, each read as a recording rule."""
    rules = [{"record": f"query:{at}", "expr": query} for at, query in enumerate(queries)]
    return check_rules(folder, [{"name": "queries", "rules": rules}])


def test_rules(
    folder: Path, groups: Iterable[Mapping[str, Any]], tests: Iterable[Mapping[str, Any]]
) -> str:
    """What promtool finds otherwise than some unit tests of rules expect; empty for nothing."""
    told = list(groups)
    _write(folder / "rules.yaml", {"groups": told})
    file = folder / "tests.yaml"
    order = [group["name"] for group in told]
    content = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "group_eval_order": order,
        "tests": list(tests),
    }
    _write(file, content)
    return _run("test", "rules", str(file))


test_rules.__test__ = False  # type: ignore[attr-defined]


def _write(file: Path, content: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(content, sort_keys=False, width=1000), "utf-8")


def _run(*words: str) -> str:
    """Standard output and error of a failed run; empty for a clean one."""
    done = subprocess.run([str(PROMTOOL), *words], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""
