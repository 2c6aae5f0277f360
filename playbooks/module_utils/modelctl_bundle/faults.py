"""The one error of a bundle: what was found, what was expected, where, what to do."""

from __future__ import annotations


class BundleError(Exception):
    """Something of a bundle is not as it must be; the text is for the person who runs it."""

    def __init__(self, where: str, *, found: str, expected: str, remedy: str) -> None:
        self.where = where
        self.found = found
        super().__init__(f"{where}. Found: {found}. Expected: {expected}. Remedy: {remedy}.")
