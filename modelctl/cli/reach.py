"""The bytes of a release's artifact, where they are within reach of this machine."""

import hashlib

from modelctl.repo import mirrors, stored
from modelctl.repo.kinds import Release
from modelctl.repo.repository import ModelFiles
from modelctl.repo.tree import EntryKind


def content_of(files: ModelFiles, release: Release) -> bytes | None:
    """The verified bytes, from this repository or the laptop's store; None where they are not."""
    uri, tree = release.artifact.uri, files.repository.tree
    tables = [environment.artifact_mirrors for environment in files.environments.ordered]
    for path in mirrors.read_paths([uri], [*tables, {}]):
        entry = tree.entry(path)
        if entry is not None and entry.kind is EntryKind.FILE:
            content = tree.read(path)
            if hashlib.sha256(content).hexdigest() == release.artifact.sha256:
                return content
    file = stored.within(tree.git_folder, uri)
    content = file.read_bytes() if file is not None else b""
    return content if hashlib.sha256(content).hexdigest() == release.artifact.sha256 else None
