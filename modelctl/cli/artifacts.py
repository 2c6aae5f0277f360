"""What `new` and `release` have in common: where a release's bytes go, and who made them."""

import argparse
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from modelctl.cli import values
from modelctl.cli.parser import Parser
from modelctl.edit.scaffold import Provenance
from modelctl.repo import mirrors
from modelctl.repo.kinds import Artifact, Environments, Golden
from modelctl.repo.mirrors import STORE
from modelctl.store import folder

MOST_BYTES_IN_GIT = 1 << 20
"""A larger file is kept outside git: every clone has every version of it for ever."""


@dataclass(slots=True)
class Places:
    """Where the files of one release go: below a base, or to the store by their digest.

    `base` is the beginning of their URIs, None for the store. A file that is too large for git is
    stored as well, where an environment would read it from this repository.
    """

    base: str | None
    environments: Environments
    is_chosen: bool = False  # the owner named the base, and knows how the files come there
    copies: dict[str, bytes | None] = field(default_factory=dict)
    stored: list[bytes] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def place(self, content: bytes, name: str, ending: str) -> str:
        """The URI of a file; its bytes are remembered for where they have to be written."""
        if self.base is None or (not self.is_chosen and self._is_too_large(content, name + ending)):
            self.stored.append(content)
            return f"{STORE}{hashlib.sha256(content).hexdigest()}{ending}"
        uri = f"{self.base.rstrip('/')}/{name}{ending}"
        paths = self._paths(uri)
        self.copies |= dict.fromkeys(paths, content)
        if not paths:
            self.stored.append(content)
            self.left.append(uri)
        return uri

    def put(self, root: Path) -> Iterable[str]:
        """Write what goes to the store, and say what is left to be done."""
        for content in self.stored:
            folder.put(root, content)
        kept = {hashlib.sha256(content).hexdigest(): content for content in self.stored}
        for uri, sha256 in zip(self.left, kept, strict=False):
            yield f"nothing was uploaded: copy {folder.path(root, sha256)} to {uri}"

    def _is_too_large(self, content: bytes, name: str) -> bool:
        is_kept = bool(self.base and self._paths(f"{self.base.rstrip('/')}/{name}"))
        return is_kept and len(content) > MOST_BYTES_IN_GIT

    def _paths(self, uri: str) -> list[str]:
        """The paths of this repository that some environment reads the URI from."""
        tables = [environment.artifact_mirrors for environment in self.environments.ordered]
        return mirrors.read_paths([uri], [*tables, {}])


def first_base(environments: Environments) -> str | None:
    """The prefix that the first environment reads from a folder of this repository, if any."""
    table = environments.ordered[0].artifact_mirrors if environments.ordered else {}
    return next((uri for uri, place in table.items() if mirrors.repository_path(place)), None)


def artifact(places: Places, content: bytes, name: str) -> Artifact:
    """The artifact of a release."""
    uri = places.place(content, name, ".onnx")
    return Artifact(uri, hashlib.sha256(content).hexdigest(), len(content))


def golden(places: Places, content: bytes | None, name: str) -> Golden | None:
    """The golden file of a release, if there is one."""
    if content is None:
        return None
    uri = places.place(content, name, ".golden.json")
    return Golden(uri, hashlib.sha256(content).hexdigest())


def configure(parser: Parser) -> None:
    """Arguments about an artifact and where it comes from."""
    parser.add_argument(
        "--example",
        type=Path,
        metavar="FILE",
        help="input that the model takes (.json, .npz, .csv): it is run, and recorded as golden",
    )
    parser.add_argument(
        "--golden", type=Path, metavar="FILE", help="recorded inputs and outputs, to be replayed"
    )
    parser.add_argument(
        "--artifacts-at",
        type=values.text("release", "artifact", "uri"),
        metavar="URI",
        help="folder that artifacts are read from, such as s3://models/; default: the store",
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
    for option in ("--data-sha256", "--metric"):
        parser.goes_with(option, "--trained-from", "a release keeps them as one provenance")


def provenance(arguments: argparse.Namespace) -> Provenance | None:
    """The provenance that the arguments tell, if any."""
    if not arguments.trained_from:
        return None
    packaged = getattr(arguments, "packaged", None)  # what `modelctl package` knows besides
    return Provenance(
        arguments.trained_from, arguments.data_sha256, dict(arguments.metric), packaged
    )
