"""Copies artifacts that a revision has in the repository itself to where model servers read them.

A folder is named by the bytes in it. So no file is ever replaced under a running server, and two
commits may have different bytes at the same path.
"""

import hashlib
from dataclasses import replace
from pathlib import Path

from modelctl.atomic import write_atomically
from modelctl.errors import TreeError
from modelctl.local.plan.values import ModelPlan, PodTemplate, Workload
from modelctl.repo.mirrors import repository_path
from modelctl.repo.tree import Tree

# Settings of a model server that pin a file: each has a URI and a SHA-256.
_PINNED = ("MODELSERVER_ARTIFACT", "MODELSERVER_GOLDEN")


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
            OSError: A file cannot be written.
        """
        return replace(plan, workloads=tuple(self._workload(tree, w) for w in plan.workloads))

    def _workload(self, tree: Tree, workload: Workload) -> Workload:
        declared = _declared(workload.template)
        if not declared:
            return workload
        known = self._verified.get(declared)
        folder, missing = (known, ()) if known else self._export(tree, declared)
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
            target = folder / path
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(target, content)
        if tuple(digests.items()) == declared:
            self._verified[declared] = str(folder)
        return str(folder), tuple(path for path in contents if path not in found)


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
