"""A stand-in for a running engine: it holds a state folder and tells a status."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelctl.local.state import Lock, StateFolder


@contextmanager
def telling(root: Path, status: Mapping[str, Any]) -> Iterator[None]:
    """An engine on a state folder that tells a status."""
    root.mkdir(exist_ok=True)
    folder = StateFolder(root)
    with Lock(folder):
        folder.status.write_text(json.dumps(status), encoding="utf-8")
        yield
