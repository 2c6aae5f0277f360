"""Which files a release needs, and where each of them can be had."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelctl.repo import mirrors
from modelctl.repo.kinds import Environment, Environments, Release
from modelctl.repo.repository import ModelFiles
from modelctl.store import folder


@dataclass(frozen=True, slots=True)
class Need:
    """A file that a release names: what it is, and its URI; of a golden file no size is known."""

    model: str
    release: str
    part: str
    uri: str
    sha256: str
    size_bytes: int | None

    @property
    def name(self) -> str:
        """The file, for a person."""
        what = "model" if self.part == "artifact" else "golden file"
        return f"{self.model} {self.release} {what}"

    @property
    def is_addressed(self) -> bool:
        """Whether its URI says what it is, so that other bytes there are wrong for everybody."""
        return self.uri.startswith(mirrors.STORE)

    def place_in(self, environment: Environment) -> str:
        """The URI that an environment reads it from."""
        return mirrors.mirrored(self.uri, mirrors.table(environment))


def needs(files: ModelFiles, releases: Iterable[str]) -> list[Need]:
    """The files of some releases of a model, each once, in the order of the releases."""
    found = (need for key in releases for need in _of(files.releases[key]))
    return list({(need.uri, need.sha256): need for need in found}.values())


def near(root: Path, environments: Environments, need: Need) -> Path | None:
    """The file on this machine: in the laptop's store, or in the repository itself."""
    found = folder.path(root, need.sha256)
    if found is not None:
        return found
    tables = [mirrors.table(environment) for environment in environments.ordered]
    places = (root / path for path in mirrors.read_paths([need.uri], [*tables, {}]))
    return next((path for path in places if _is_it(path, need)), None)


def is_near(uri: str) -> bool:
    """Whether a place is this machine's own: the laptop's store, or the repository."""
    return uri.startswith(mirrors.STORE) or mirrors.repository_path(uri) is not None


def _of(release: Release) -> Iterator[Need]:
    artifact, golden = release.artifact, release.golden
    named = release.folder, release.id
    yield Need(*named, "artifact", artifact.uri, artifact.sha256, artifact.size_bytes)
    if golden:
        yield Need(*named, "golden", golden.uri, golden.sha256, None)


def _is_it(path: Path, need: Need) -> bool:
    """Whether a file of the repository can be the one; who reads it verifies its bytes."""
    try:
        found_bytes = path.stat().st_size
    except OSError:
        return False
    return path.is_file() and need.size_bytes in {None, found_bytes}
