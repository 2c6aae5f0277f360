"""Which typed line a generated line comes from, as far as its value tells."""

import re
from collections.abc import Iterator

from modelctl.finding import Pointer
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.repository import ModelFiles

_ENTRY = re.compile(r"\s*(?:- )*(?:([A-Za-z]+): )?(.+)")


def typed_source(files: ModelFiles, path: str, line: str) -> str:
    """`path:line` of the typed value that a generated line has, else the path of its file."""
    documents = list(_documents(files, path))
    match = _ENTRY.fullmatch(line.rstrip())
    if match is not None:
        for document in documents:
            places = _places(document, match[1] or "", match[2].strip("\"'"))
            if len(places) == 1:
                return f"{document.path}:{document.at(*places[0]).line}"
    return documents[0].path if documents else "its typed file"


def _documents(files: ModelFiles, path: str) -> Iterator[Document]:
    """The typed files behind a generated one, the most likely first."""
    place = layout.place(path)
    pair = place.pair
    if pair is None:
        return
    paths = [layout.serving_file(*pair), layout.model_file(pair[0]), layout.ENVIRONMENTS]
    if place.release:
        paths.insert(1, layout.release_file(pair[0], place.release))
    documents = {**files.repository.documents, **files.documents}
    yield from (documents[each] for each in paths if each in documents)


def _places(document: Document, key: str, text: str) -> list[Pointer]:
    """Where the document has the value; only under a key of a like name if there are several."""
    found = [at for at in document.values if str(_value(document, at)) == text]
    alike = [at for at in found if any(_is_alike(part, key) for part in at)]
    return alike if len(found) > 1 else found


def _is_alike(part: str | int, key: str) -> bool:
    name = str(part).lower()
    return bool(key) and (name.startswith(key.lower()) or key.lower().startswith(name))


def _value(document: Document, pointer: Pointer) -> object:
    value: object = document.value
    for part in pointer:
        if isinstance(value, dict) or (isinstance(value, list) and isinstance(part, int)):
            value = value[part]  # type: ignore[index]  # by the document's own pointers
    return value
