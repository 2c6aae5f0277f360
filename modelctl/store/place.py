"""What every place that holds artifacts can be asked, whatever it is."""

from collections.abc import Iterator
from typing import Protocol

UNKNOWN_BYTES = -1  # of a place that tells a size only to whoever reads


class Place(Protocol):
    """One file of a store, by its URI; every method may ask the network.

    Each raises `StoreError` where the place does not answer as it should, or refuses.
    """

    @property
    def uri(self) -> str:
        """Where the file is, or would be."""

    def size_bytes(self) -> int | None:
        """How many bytes are there; None for no such file, 0 for one that cannot be it."""

    def read(self) -> Iterator[bytes]:
        """The bytes, in parts."""

    def write(self, chunks: Iterator[bytes], size_bytes: int) -> None:
        """Put the parts there as one file, whole or not at all; who writes verifies the parts."""
