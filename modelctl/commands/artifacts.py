"""What `new` and `release` have in common: an artifact from disk, and where it goes."""

import argparse
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from modelctl import mirrors
from modelctl.errors import UsageError
from modelctl.graph import artifact_facts
from modelctl.kinds import Artifact, Environments, Golden, Graph
from modelctl.scaffold import Provenance


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
        """The artifact and its graph; UsageError where no server with those would load the file."""
        facts = artifact_facts(self.uri, self.content)
        problem = facts.problem_with(providers)
        if facts.graph is None or problem:
            raise UsageError(f"{self.uri}: the file {problem}")
        return Artifact(self.uri, facts.sha256, facts.size_bytes), facts.graph

    def as_golden(self) -> Golden:
        """The golden file of a release."""
        return Golden(self.uri, self.sha256)

    def copies(self, environments: Environments) -> dict[str, bytes | None]:
        """Where the bytes belong in this repository: every place a mirror reads them from."""
        tables = [environment.artifact_mirrors for environment in environments.ordered]
        places = {mirrors.mirrored(self.uri, table) for table in (*tables, {})}
        return {path: self.content for path in map(mirrors.repository_path, places) if path}


def configure(parser: argparse.ArgumentParser) -> None:
    """Arguments about an artifact and where it comes from."""
    parser.add_argument("--golden", type=Path, metavar="FILE", help="recorded inputs and outputs")
    parser.add_argument(
        "--artifacts-at",
        metavar="URI",
        help="folder that artifacts are read from, such as s3://models/",
    )
    parser.add_argument("--trained-from", metavar="TEXT", help="git commit or run id")
    parser.add_argument("--data-sha256", metavar="HEX", help="SHA-256 of the training data")
    parser.add_argument(
        "--metric",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="measured quality; may be given several times",
    )


def read(path: Path, base_uri: str, model: str, name: str) -> LocalFile:
    """The bytes of a file as the artifact `<base>/<model>/<name>`; UsageError if unreadable."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {os.strerror(error.errno or 0)}") from error
    return LocalFile(f"{base_uri.rstrip('/')}/{model}/{name}", content)


def provenance(arguments: argparse.Namespace) -> Provenance | None:
    """The provenance that the arguments tell, if any."""
    if not arguments.trained_from:
        return None
    return Provenance(
        arguments.trained_from, arguments.data_sha256, dict(map(_metric, arguments.metric))
    )


def _metric(word: str) -> tuple[str, float]:
    name, _, value = word.partition("=")
    try:
        return name, float(value)
    except ValueError as error:
        raise UsageError(f"found the metric {word!r}, expected NAME=NUMBER") from error
