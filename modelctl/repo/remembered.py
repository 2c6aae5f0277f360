"""Remembers the facts of artifacts, so that a large one is read once and not by every command.

Records lie in git's own folder, where nothing comes from a clone. The name of a record is made of
the identity of the file and of everything that read it: packages, and our own code. A record that
cannot be written, or is damaged, counts as none.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import modelctl.model
from modelctl.atomic import SHARED, write_atomically
from modelctl.model.graph import MAX_GRAPH_BYTES, ArtifactFacts, artifact_facts
from modelctl.repo import stored, typed
from modelctl.repo.tree import Entry, Tree, entry_of, is_at_rest

_FOLDER = Path("modelctl", "artifacts")
_MAX_RECORDS = 10_000  # of half a kilobyte; a file that is touched leaves one behind
_PACKAGES = ("modelctl", "onnx")


def facts(tree: Tree, path: str, entry: Entry) -> ArtifactFacts:
    """The facts of an artifact, read only where nothing is remembered of its bytes."""
    return _facts(tree.git_folder, path, entry, lambda: tree.read(path))


def stored_facts(git_folder: Path, uri: str) -> ArtifactFacts | None:
    """The facts of what a `store:` URI names, where it lies in the laptop's store.

    What is damaged, or too large to be read, counts as not within reach: the store is no part of
    what is checked, and whoever uses a file of it verifies the bytes.
    """
    file = stored.within(git_folder, uri)
    try:
        if file is None or file.stat().st_size > MAX_GRAPH_BYTES:
            return None
        found = _facts(git_folder, uri, entry_of(file.stat()), file.read_bytes)
    except OSError:
        return None
    return found if found.sha256 == file.name else None


def _facts(
    git_folder: Path | None, path: str, entry: Entry, read: Callable[[], bytes]
) -> ArtifactFacts:
    record = _record(git_folder, entry)
    known = _recalled(record) if record is not None else None
    if known is not None:
        return replace(known, path=path)
    at_rest = is_at_rest(entry)  # before the bytes are read: whatever changes after it shows
    found = artifact_facts(path, read())
    if record is not None and at_rest and found.is_certain:
        _keep(record, found)
    return found


def _record(folder: Path | None, entry: Entry) -> Path | None:
    if folder is None or not entry.identity:
        return None
    name = hashlib.sha256(f"{entry.identity}\n{_readers()}".encode()).hexdigest()
    return folder / _FOLDER / name


@cache
def _readers() -> str:
    """Everything beside the bytes that the facts depend on: packages and our own code."""
    package = Path(modelctl.model.__path__[0])
    read = (path for path in sorted(package.rglob("*")) if path.suffix in {".py", ".json"})
    sources = (path.read_bytes() for path in read)
    code = hashlib.sha256(b"\0".join(sources)).hexdigest()
    return "\n".join([code, *map(_version, _PACKAGES)])


def _version(package: str) -> str:
    from importlib import metadata  # noqa: PLC0415 - only where there is an artifact

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _recalled(record: Path) -> ArtifactFacts | None:
    try:
        digest, _, content = record.read_bytes().partition(b"\n")
    except OSError:
        return None
    return _decoded(content) if digest == _digest(content) else None


def _keep(record: Path, found: ArtifactFacts) -> None:
    content = json.dumps(asdict(found)).encode()
    try:
        _make_room(record.parent)
        write_atomically(record, _digest(content) + b"\n" + content, SHARED)
    except OSError:
        return


@cache  # to look once is enough
def _make_room(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    records = list(folder.iterdir())
    for record in records if len(records) >= _MAX_RECORDS else ():
        record.unlink(missing_ok=True)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()


def _decoded(content: bytes) -> ArtifactFacts:
    fields = json.loads(content)
    graph = fields["graph"]
    return ArtifactFacts(**fields | {"graph": typed.graph(graph) if graph else None})
