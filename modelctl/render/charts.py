"""The repositories of charts that the Applications of a platform name."""

from collections.abc import Iterator, Mapping

from modelctl.repo.documents import Document
from modelctl.repo.layout import Kind, place


def charts(documents: Mapping[str, Document]) -> dict[str, tuple[str, ...]]:
    """By environment, each such address once, sorted; written by hand, in any file there."""
    found: dict[str, set[str]] = {}
    for path, document in documents.items():
        where = place(path)
        if where.kind is Kind.PLATFORM and where.environment:
            found.setdefault(where.environment, set()).update(_charts(document.value))
    return {environment: tuple(sorted(urls)) for environment, urls in found.items()}


def _charts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        url = value.get("repoURL")
        if "chart" in value and isinstance(url, str):
            yield url
        for item in value.values():
            yield from _charts(item)
    if isinstance(value, list):
        for item in value:
            yield from _charts(item)
