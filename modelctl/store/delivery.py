"""Brings the files of releases to where an environment reads them, and back to this machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from modelctl.errors import StoreError
from modelctl.repo.kinds import Environment, Environments
from modelctl.store import folder
from modelctl.store.needs import Need, is_near, near
from modelctl.store.places import place_of, settings
from modelctl.store.transfer import Held, Progress, download, held, upload

Watch = Callable[[str, int | None], Progress]  # what passes, and how many bytes of it will


@dataclass(frozen=True, slots=True)
class Delivery:
    """What every transfer of a command needs to know."""

    root: Path
    environments: Environments
    watch: Watch

    def held(self, need: Need, environment: Environment) -> Held:
        """What an environment finds where it reads a file from.

        Raises:
            StoreError: The place does not answer, or refuses.
        """
        uri = need.place_in(environment)
        if is_near(uri):
            return self._held_here(need)
        with settings(environment.stores.variables):
            progress = self.watch(f"looking at {need.name}", need.size_bytes)
            return held(place_of(uri, need.sha256), need.sha256, need.size_bytes, progress)

    def push(self, need: Need, environment: Environment) -> str:
        """Bring a file to where an environment reads it, unless it is there; gives what was done.

        Raises:
            StoreError: It is not there, and it cannot be brought there.
        """
        uri = need.place_in(environment)
        found = self.held(need, environment)
        if found is Held.RIGHT:
            return "is there"
        if is_near(uri):
            raise StoreError(f"{need.name}: {self._nowhere(need, uri)}")
        if found is Held.OTHER and not need.is_addressed:
            raise StoreError(
                f"{need.name}: found other bytes at {uri} than SHA-256 {need.sha256}, and another "
                "release may need them: give this one a place of its own"
            )
        source = near(self.root, self.environments, need) or self._fetched(need, environment)
        with settings(environment.stores.variables):
            progress = self.watch(f"uploading {need.name}", source.stat().st_size)
            upload(place_of(uri, need.sha256), source, need.sha256, progress)
        return "replaced what was damaged" if found is Held.OTHER else "uploaded"

    def pull(self, need: Need, among: tuple[Environment, ...]) -> str:
        """Bring a file into the laptop's store, unless it is there; gives what was done.

        Raises:
            StoreError: None of the environments has it, or their stores do not answer.
        """
        if self._held_here(need) is Held.RIGHT and folder.path(self.root, need.sha256):
            return "is there"
        faults = []
        for environment in among:
            if is_near(need.place_in(environment)):
                continue
            try:
                if self._pulled(need, environment):
                    return f"brought from {environment.name}"
                faults.append(f"{need.place_in(environment)}: found no such file")
            except StoreError as error:
                faults.append(str(error))
        told = "; ".join(dict.fromkeys(faults)) or "no other place is known of it"
        raise StoreError(
            f"{need.name}: found it nowhere: not in {folder.of(self.root)}; {told}; "
            "`modelctl push` where it was made brings it to an environment's store"
        )

    def _pulled(self, need: Need, environment: Environment) -> bool:
        with settings(environment.stores.variables):
            place = place_of(need.place_in(environment), need.sha256)
            if not place.size_bytes():
                return False
            progress = self.watch(f"bringing {need.name}", need.size_bytes)
            download(self.root, place, need.sha256, progress)
        return True

    def _fetched(self, need: Need, target: Environment) -> Path:
        """The file, brought here from where another environment reads it."""
        others = tuple(e for e in self.environments.ordered if e.name != target.name)
        self.pull(need, others)
        return folder.of(self.root) / need.sha256

    def _held_here(self, need: Need) -> Held:
        found = near(self.root, self.environments, need)
        if found is None:
            return Held.MISSING
        return Held.RIGHT if folder.digest_of(found) == need.sha256 else Held.OTHER

    def _nowhere(self, need: Need, uri: str) -> str:
        if need.is_addressed:
            return f"found nothing right in {folder.of(self.root)}: `modelctl pull {need.model}`"
        return f"found no such file at {uri}: commit it, or correct the URI"
