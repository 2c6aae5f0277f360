"""Copies artifacts that a revision has in the repository itself to where model servers read them.

A folder is named by the bytes in it. So no file is ever replaced under a running server, and two
commits may have different bytes at the same path. Folders outlive the run: a way back to what ran
before writes nothing.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from modelctl.atomic import write_atomically
from modelctl.errors import TreeError
from modelctl.local.plan.values import ModelPlan, PodTemplate, Workload
from modelctl.repo import stored
from modelctl.repo.mirrors import repository_path
from modelctl.repo.tree import Tree

# Settings of a model server that pin a file: each has a URI and a SHA-256.
_PINNED = ("MODELSERVER_ARTIFACT", "MODELSERVER_GOLDEN")
# What nobody needs now is kept for a way back, up to so many folders and bytes.
_KEPT_FOLDERS = 64
_KEPT_BYTES = 1 << 30


class ArtifactExport:
    """Writes the files that relative `file:` URIs of a plan name, each set of bytes once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._verified: dict[tuple[tuple[str, str], ...], str] = {}

    def exported(self, tree: Tree, plan: ModelPlan) -> ModelPlan:
        """The plan with the folder of each workload's files, or what the tree does not have.

        Bytes are looked at once for each declared digest. Bytes that differ from it are exported
        all the same, and looked at again in the next revision: refusing them is the model
        server's part.

        Raises:
            OSError: A file cannot be written; `unwritable` says it in words.
        """
        return replace(plan, workloads=tuple(self._workload(tree, w) for w in plan.workloads))

    def prune(self, needed: Iterable[str]) -> None:
        """Drop what nobody needs, all but what was needed last; a fault costs room alone."""
        kept = {Path(folder).name for folder in needed}
        with contextlib.suppress(OSError):
            others = [f for f in self._folder.iterdir() if f.name not in kept]
            left_bytes = _KEPT_BYTES
            for number, folder in enumerate(sorted(others, key=_used, reverse=True)):
                left_bytes -= _size(folder)
                if number >= _KEPT_FOLDERS or left_bytes < 0:
                    self._drop(folder)

    def _drop(self, folder: Path) -> None:
        self._verified = {key: f for key, f in self._verified.items() if f != str(folder)}
        shutil.rmtree(folder, ignore_errors=True)

    def _workload(self, tree: Tree, workload: Workload) -> Workload:
        workload = replace(workload, template=_from_store(tree, workload.template))
        declared = _declared(workload.template)
        if not declared:
            return workload
        known = self._verified.get(declared)
        folder, missing = (known, ()) if known else self._export(tree, declared)
        with contextlib.suppress(OSError):
            os.utime(folder)
        template = replace(workload.template, files=folder, missing=missing)
        return replace(workload, template=template)

    def _export(
        self, tree: Tree, declared: tuple[tuple[str, str], ...]
    ) -> tuple[str, tuple[str, ...]]:
        contents = {path: _read(tree, path) for path, _ in declared}
        found = {path: content for path, content in contents.items() if content is not None}
        digests = {path: hashlib.sha256(content).hexdigest() for path, content in found.items()}
        name = hashlib.sha256(repr(sorted(digests.items())).encode()).hexdigest()[:16]
        folder = self._folder / name
        for path, content in found.items():
            if not _holds(folder / path, content):
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                write_atomically(folder / path, content)
        if tuple(digests.items()) == declared:
            self._verified[declared] = str(folder)
        return str(folder), tuple(path for path in contents if path not in found)


def _from_store(tree: Tree, template: PodTemplate) -> PodTemplate:
    """The template with the files of the laptop's store where it names the store itself."""
    if tree.git_folder is None:
        return template
    folder = stored.folder(tree.git_folder)
    named = {uri: stored.digest_in(uri) for _, uri in template.environment}
    files = {uri: folder / sha256 for uri, sha256 in named.items() if sha256}
    if not files:
        return template
    variables = tuple(
        (name, files[value].as_uri() if value in files else value)
        for name, value in template.environment
    )
    places = tuple((uri, str(file)) for uri, file in files.items())
    return replace(template, environment=variables, stored=places)


def unwritable(error: OSError) -> str:
    """Why a model cannot run whose artifacts cannot be exported, and what to do."""
    place = f" to {error.filename}" if error.filename else ""
    return (
        f"its artifacts cannot be written{place}: {error.strerror}; what ran before goes on, and "
        "this is tried again every few seconds: make room, or choose another place with --state DIR"
    )


def _holds(path: Path, content: bytes) -> bool:
    """Whether a file has these bytes; one that an interrupted machine left may have others."""
    try:
        return path.stat().st_size == len(content) and path.read_bytes() == content
    except OSError:
        return False


def _declared(template: PodTemplate) -> tuple[tuple[str, str], ...]:
    """Path in the repository and declared digest of each pinned file that lies there."""
    pinned = (
        (repository_path(template.variable(f"{name}_URI") or ""), f"{name}_SHA256")
        for name in _PINNED
    )
    return tuple((path, template.variable(digest) or "") for path, digest in pinned if path)


def _read(tree: Tree, path: str) -> bytes | None:
    try:
        return tree.read(path)
    except TreeError:
        return None


def _used(folder: Path) -> float:
    return folder.stat().st_mtime


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
