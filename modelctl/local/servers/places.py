"""A server's environment: the pod's, with the places of this machine. Pure.

Places say where a server is, not what it is: two servers whose environments differ in nothing else
are the same.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from modelctl.local.plan.values import PodTemplate
from modelctl.local.state import StateFolder

PREFIX = "MODELSERVER_"
PORT = "MODELSERVER_PORT"
MIRROR_PORT = "MODELSERVER_MIRROR_PORT"
_FILES = "MODELSERVER_ARTIFACT_ROOT"
_PLACES = {PORT, MIRROR_PORT, "MODELSERVER_HOST", "MODELSERVER_CACHE_DIR"}
# Seconds, as text. In a cluster a server waits after SIGTERM until proxies have dropped it; here
# Envoy has dropped it before.
_DRAIN_DELAY_S = "0.2"


def environment(
    template: PodTemplate, folder: StateFolder, port: int, mirror_port: int
) -> dict[str, str]:
    """What a server of a template is started with here, on top of this process's own variables."""
    own = {key: value for key, value in os.environ.items() if PREFIX not in key}
    mirror = {MIRROR_PORT: str(mirror_port)} if template.variable(MIRROR_PORT) else {}
    return {
        **own,
        **dict(template.environment),
        "MODELSERVER_HOST": "127.0.0.1",
        PORT: str(port),
        **mirror,
        "MODELSERVER_CACHE_DIR": str(folder.cache),
        _FILES: template.files or str(folder.files),
        "MODELSERVER_DRAIN_DELAY_S": _DRAIN_DELAY_S,
    }


def same(template: PodTemplate, wanted: Mapping[str, str], found: Mapping[str, str]) -> bool:
    """Whether a process that was started with `found` is one that `wanted` would start.

    Of the folder with its files the name counts, which tells their bytes.
    """
    named = {name for name, _ in template.environment}
    return _settings(wanted, named) == _settings(found, named)


def _settings(variables: Mapping[str, str], named: set[str]) -> dict[str, str]:
    settings = {
        key: value
        for key, value in variables.items()
        if (key.startswith(PREFIX) or key in named) and key not in _PLACES
    }
    # A mirror port is a place, but whether there is one is not.
    mirrored = {MIRROR_PORT: ""} if MIRROR_PORT in variables else {}
    return settings | mirrored | {_FILES: Path(variables.get(_FILES, "")).name}
