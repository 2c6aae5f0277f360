"""Asks the engine that runs on a state folder: what it serves it alone knows, and tells.

Whether one runs, the lock on its state folder says, and where it answers. Nothing that an engine
has left on a disk counts: it may have been written long ago.
"""

import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from modelctl.local.state import StateFolder, holder

Json = Mapping[str, Any]

_PATIENCE_S = 3.0  # an engine at work answers within milliseconds; more is not worth waiting for


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine says; `fault` tells why it says nothing, and then `status` is empty."""

    is_running: bool
    status: Json = field(default_factory=dict)
    fault: str = ""


def ask(folder: StateFolder, *, patience_s: float = _PATIENCE_S) -> Answer:
    """The status of the engine that runs on a state folder, from itself, within a bound."""
    held = holder(folder)
    if held is None:
        told = f"modelctl up is not running on {folder.root}; start it with: modelctl up"
        return Answer(is_running=False, fault=told)
    who = f"modelctl up (process {held.pid or 'unknown'}) on {folder.root}"
    address = urlsplit(held.page)
    if not address.hostname:
        return Answer(is_running=True, fault=f"{who} is starting: it does not tell its status yet")
    try:
        status = _fetched(address.netloc, patience_s)
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = (
            f"{who} does not answer on {held.page} ({_words(error)}): what it serves is not known. "
            f"It may be stopped, or hang: look at the process, and at what it logged last"
        )
        return Answer(is_running=True, fault=told)
    return Answer(is_running=True, status=status)


def followed_branch(root: Path) -> str:
    """The full name of the branch of `root` that the engine there follows; empty for none."""
    found = ask(StateFolder(root / ".modelctl")).status
    source = str(found["addresses"]["source"]) if "addresses" in found else ""
    ref, _, folder = source.partition(" of ")
    return ref if ref.startswith("refs/heads/") and Path(folder) == root else ""


def is_ready(state: Path, model: str, release: str, environment: str) -> bool | None:
    """Whether a release serves on this machine; None where no engine runs that environment.

    An engine that does not answer now may do so later: until then nothing is ready.
    """
    answer = ask(StateFolder(state))
    if not answer.status:
        return False if answer.is_running else None
    if answer.status.get("addresses", {}).get("environment") != environment:
        return None
    models = answer.status["models"]
    releases = [r for m in models if m["model"] == model for r in m["releases"]]
    return any(r["release"] == release and r["ready"] >= max(1, r["replicas"]) for r in releases)


def _fetched(place: str, patience_s: float) -> Json:
    """The status from an engine's page.

    Raises:
        OSError: It does not answer in time.
        ValueError: It answers with something else.
    """
    with closing(http.client.HTTPConnection(place, timeout=patience_s)) as connection:
        connection.request("GET", "/status.json")
        answer = connection.getresponse()
        status = json.loads(answer.read())
        if answer.status != http.client.OK or not isinstance(status, dict):
            raise ValueError(f"found status {answer.status}, expected 200 with a JSON object")
        return status


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
