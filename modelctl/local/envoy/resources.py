"""The files that Envoy watches, and what Envoy says of each: taken, refused, or not known yet.

Nothing is remembered that Envoy could be asked: a version counts as taken only while Envoy repeats
it. A refusal is one more in Envoy's own count of them, and only if it comes a second time for the
same file: the first may have been for an older one.

Source: Envoy, statistics of xDS subscriptions.
"""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from pathlib import Path

from modelctl.atomic import write_atomically
from modelctl.local.envoy.policies import Json

_AGAIN_S = 3.0  # after which a file that Envoy neither took nor refused is shown to it once more


class Standing(Enum):
    """What Envoy says of the newest version of a resource."""

    TAKEN = auto()
    UNKNOWN = auto()
    REFUSED = auto()


class Resource:
    """One watched file; `statistics` is where Envoy's own about it begin."""

    def __init__(self, path: Path, statistics: str) -> None:
        self._path = path
        self._version_name = f"{statistics}.version_text"
        self._refusals_name = f"{statistics}.update_rejected"
        self._refusals = 0
        self._doubted = False
        self._written_s = 0.0
        self.resources: tuple[Json, ...] = ()
        self.version = ""
        self._recall()

    @property
    def names(self) -> tuple[str, str]:
        """The statistics that `standing` looks at."""
        return self._version_name, self._refusals_name

    def write(self, resources: Sequence[Json]) -> None:
        """Replace the file if it holds something else.

        Raises:
            OSError: It cannot be written.
        """
        if self.holds(resources):
            return
        version = _version(resources)
        if version != self.version:
            self._replace(version, resources)
            self._doubted = False
        self.version, self.resources = version, tuple(resources)

    def holds(self, resources: Sequence[Json]) -> bool:
        """Whether that is what the file holds."""
        return self.resources == tuple(resources) and self.version != ""

    def is_taken(self, said: Mapping[str, str]) -> bool:
        """Whether Envoy has the file as it is now."""
        return said.get(self._version_name) == f'"{self.version}"'

    def standing(self, said: Mapping[str, str]) -> Standing:
        """What Envoy's statistics, newer than the last time, say of the file as it is now.

        Raises:
            OSError: It cannot be written again.
        """
        refusals = int(said.get(self._refusals_name, 0))
        more, self._refusals = refusals > self._refusals, refusals
        if self.is_taken(said):
            self._doubted = False
            return Standing.TAKEN
        if more and self._doubted:
            return Standing.REFUSED
        if more or time.monotonic() > self._written_s + _AGAIN_S:
            self._doubted = self._doubted or more
            self._replace(self.version, self.resources)
        return Standing.UNKNOWN

    def forget_refusals(self) -> None:
        """Begin anew with an Envoy that begins anew."""
        self._refusals, self._doubted = 0, False

    def _replace(self, version: str, resources: Sequence[Json]) -> None:
        content = {"version_info": version, "resources": list(resources)}
        write_atomically(self._path, json.dumps(content).encode())
        self._written_s = time.monotonic()

    def _recall(self) -> None:
        """Take what an earlier engine wrote for what it is."""
        try:
            content = json.loads(self._path.read_bytes())
            version, resources = str(content["version_info"]), tuple(content["resources"])
        except (OSError, ValueError, KeyError, TypeError):
            return
        self.version, self.resources = version, resources


def _version(resources: Sequence[Json]) -> str:
    return hashlib.sha256(json.dumps(resources, sort_keys=True).encode()).hexdigest()[:16]
