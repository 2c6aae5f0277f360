"""The bytes of an artifact on their way, whatever store they come from."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult

from modelserver.errors import ArtifactTruncated, ArtifactUnreachable
from modelserver.observe.logs import without_credentials

TIMEOUT_S = 30.0
"""How long a store may send nothing before the transfer counts as failed."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a store: the bytes of an artifact from `offset` on.

    Relative paths begin at `root`; `sha256` is the digest that the artifact must have.
    """

    parts: SplitResult
    root: Path
    offset: int
    sha256: str

    @property
    def label(self) -> str:
        """The URI as it may stand in a message."""
        return without_credentials(self.parts.geturl())


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Stream:
    """The bytes of an artifact from `offset` on.

    `total_bytes` is the size of the whole artifact, None where the source does not say it; `label`
    names the source in errors.
    """

    reader: _Readable
    offset: int
    total_bytes: int | None
    label: str

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, none at the end.

        Raises:
            ArtifactTruncated: The source announced more than it sent.
            ArtifactUnreachable: The source failed in the middle.
        """
        try:
            return self.reader.read(size)
        except _http().IncompleteRead as error:
            raise ArtifactTruncated(f"{self.label}: the transfer ended early: {error}") from error
        except (OSError, _http().HTTPException) as error:
            raise ArtifactUnreachable(f"{self.label}: {error}; check the source") from error


def _http() -> Any:  # noqa: ANN401 - a module
    """Python's HTTP client, for its errors: looked at once there is one, for files are no HTTP."""
    return import_module("http.client")


Opener = Callable[[Order], AbstractContextManager[Stream]]
