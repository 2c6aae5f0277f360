"""A store that is a folder of this machine, or of a share that is mounted here."""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from modelctl.errors import StoreError
from modelctl.store.folder import chunks_of

_READABLE = 0o444  # by the model servers of others; never written to again


@dataclass(frozen=True, slots=True)
class ShareFile:
    """A file under `file:///`."""

    uri: str

    @property
    def _path(self) -> Path:
        return Path(unquote(urlsplit(self.uri).path))

    def size_bytes(self) -> int | None:
        """How many bytes are there; None for no such file."""
        try:
            return self._path.stat().st_size
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _refused(self.uri, "looked at", error) from error

    def read(self) -> Iterator[bytes]:
        """The bytes, in parts."""
        return chunks_of(self._path)

    def write(self, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Put the parts there as one file; others see none of it before all of it is there."""
        del size_bytes
        temporary = ""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(prefix=".part.", dir=self._path.parent)
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(chunks)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(_READABLE)
            Path(temporary).replace(self._path)
        except OSError as error:
            raise _refused(self.uri, "written", error) from error
        finally:
            if temporary:
                Path(temporary).unlink(missing_ok=True)


def _refused(uri: str, done: str, error: OSError) -> StoreError:
    return StoreError(
        f"{uri} cannot be {done}: {error.strerror}; look whether the share is mounted here, and "
        "who may write to it"
    )
