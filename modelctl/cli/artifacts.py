"""What `new` and `release` have in common: an artifact from disk, and where it goes."""

import argparse
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl.cli import values
from modelctl.cli.parser import Parser
from modelctl.edit.scaffold import Provenance
from modelctl.errors import UsageError
from modelctl.model.graph import artifact_facts
from modelctl.model.tensors import Graph
from modelctl.repo import mirrors
from modelctl.repo.kinds import Artifact, Environments, Golden


@dataclass(frozen=True, slots=True)
class LocalFile:
    """Bytes that a release will pin, and the URI that they will be read from."""

    uri: str
    content: bytes

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes, in lower-case hexadecimal."""
        return hashlib.sha256(self.content).hexdigest()

    def as_artifact(self, providers: Sequence[str]) -> tuple[Artifact, Graph]:
        """The artifact and its graph.

        Raises:
            UsageError: No server with these execution providers would load the file.
        """
        facts = artifact_facts(self.uri, self.content)
        problem = facts.problem_with(providers)
        if facts.graph is None or problem:
            raise UsageError(f"{self.uri}: the file {problem}")
        return Artifact(self.uri, facts.sha256, facts.size_bytes), facts.graph

    def as_golden(self) -> Golden:
        """The golden file of a release."""
        return Golden(self.uri, self.sha256)

    def copies(self, environments: Environments) -> dict[str, bytes | None]:
        """By path, the bytes, wherever some environment reads the URI from this repository."""
        tables = [mirrors.table(environment) for environment in environments.ordered]
        places = {mirrors.mirrored(self.uri, table) for table in (*tables, {})}
        return {path: self.content for path in map(mirrors.repository_path, places) if path}


def configure(parser: Parser) -> None:
    """Arguments about an artifact and where it comes from."""
    parser.add_argument("--golden", type=Path, metavar="FILE", help="recorded inputs and outputs")
    parser.add_argument(
        "--artifacts-at",
        type=values.text("release", "artifact", "uri"),
        metavar="URI",
        help="folder that artifacts are read from, such as s3://models/",
    )
    parser.add_argument(
        "--trained-from",
        type=values.text("release", "provenance", "trained_from"),
        metavar="TEXT",
        help="git commit or run id",
    )
    parser.add_argument(
        "--data-sha256",
        type=values.text("release", "provenance", "data_sha256"),
        metavar="HEX",
        help="SHA-256 of the training data",
    )
    parser.add_argument(
        "--metric",
        action="append",
        type=values.metric,
        default=[],
        metavar="NAME=VALUE",
        help="measured quality; may be given several times",
    )
    parser.goes_with("--golden", "--artifact", "it records what that file answers")
    for option in ("--data-sha256", "--metric"):
        parser.goes_with(option, "--trained-from", "a release keeps them as one provenance")


def read(path: Path, base_uri: str, model: str, name: str) -> LocalFile:
    """The bytes of a file, to be pinned as `<base>/<model>/<name>`.

    Raises:
        UsageError: The file cannot be read.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from error
    return LocalFile(f"{base_uri.rstrip('/')}/{model}/{name}", content)


def provenance(arguments: argparse.Namespace) -> Provenance | None:
    """The provenance that the arguments tell, if any."""
    if not arguments.trained_from:
        return None
    packaged = getattr(arguments, "packaged", None)  # what `modelctl package` knows besides
    return Provenance(
        arguments.trained_from, arguments.data_sha256, dict(arguments.metric), packaged
    )
