"""Bytes that releases pin, where they are within reach of this machine."""

import hashlib

from modelctl.repo import mirrors, stored
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import EntryKind


def content_of(files: ModelFiles, uri: str, sha256: str) -> bytes | None:
    """The bytes with that digest, from this repository or the laptop's store; None for neither."""
    tree = files.repository.tree
    tables = [mirrors.table(environment) for environment in files.environments.ordered]
    for path in mirrors.read_paths([uri], [*tables, {}]):
        entry = tree.entry(path)
        if entry is not None and entry.kind is EntryKind.FILE:
            content = tree.read(path)
            if hashlib.sha256(content).hexdigest() == sha256:
                return content
    file = stored.within(tree.git_folder, uri)
    content = file.read_bytes() if file is not None else b""
    return content if hashlib.sha256(content).hexdigest() == sha256 else None
