"""What another process can learn of a running engine from its status file.

Whether one runs, the lock on its state folder says.
"""

from pathlib import Path
from typing import Any

from modelctl.local.state import StateFolder, is_held, read_json


def status(folder: StateFolder) -> dict[str, Any] | None:
    """The status of the engine that runs on a state folder; None where none does."""
    if not folder.root.is_dir() or not is_held(folder):
        return None
    saved = read_json(folder.status)
    return saved if isinstance(saved, dict) else {}


def followed_branch(root: Path) -> str:
    """The full name of the branch of `root` that the engine there follows; empty for none."""
    found = status(StateFolder(root / ".modelctl"))
    source = str(found["addresses"]["source"]) if found and "addresses" in found else ""
    ref, _, folder = source.partition(" of ")
    return ref if ref.startswith("refs/heads/") and Path(folder) == root else ""


def is_ready(state: Path, model: str, release: str, environment: str) -> bool | None:
    """Whether a release serves on this machine; None where no engine runs that environment."""
    found = status(StateFolder(state))
    if not found or found.get("addresses", {}).get("environment") != environment:
        return None
    releases = [r for m in found["models"] if m["model"] == model for r in m["releases"]]
    return any(r["release"] == release and r["ready"] >= max(1, r["replicas"]) for r in releases)
