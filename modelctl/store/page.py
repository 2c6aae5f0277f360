"""A file that a web server gives; `modelctl` cannot write there."""

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from modelctl.errors import StoreError
from modelctl.store import web
from modelctl.store.place import UNKNOWN_BYTES


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file under `https:`."""

    uri: str

    def size_bytes(self) -> int | None:
        """How many bytes are there; None for no such file."""
        with web.sent("HEAD", self.uri, {}) as answer:
            if answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}:
                return None
            if answer.status != HTTPStatus.OK:
                raise web.refused(answer, self.uri)
            return int(answer.headers.get("Content-Length") or UNKNOWN_BYTES)

    def read(self) -> Iterator[bytes]:
        """The bytes, in parts."""
        with web.sent("GET", self.uri, {}) as answer:
            if answer.status != HTTPStatus.OK:
                raise web.refused(answer, self.uri)
            yield from web.chunks(answer, self.uri)

    def write(self, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Refuse: nothing is known of how this server takes files."""
        del chunks, size_bytes
        raise StoreError(
            f"{self.uri} cannot be written: a web server takes no uploads; publish the file there, "
            "or give the environment a `store` such as s3://models/"
        )
