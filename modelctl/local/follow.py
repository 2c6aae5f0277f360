"""Follow the repository: look when something changed, offer the engine each new revision."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from modelctl.errors import ModelctlError
from modelctl.local.engine import Engine
from modelctl.local.good import GoodStates
from modelctl.local.journal import Journal
from modelctl.local.source.fallbacks import Fallbacks
from modelctl.local.source.protocol import Source
from modelctl.local.source.reading import Reader, Reading
from modelctl.local.source.watch import Watch

Given = TypeVar("Given")

_CERTAINTY_S = 5.0  # between two looks that no event asked for: one might have been missed
_RETRY_S = 1.0  # before the next try after a failure
_SLOW_S = 15.0  # after that long without an answer, what is known counts as old
_SETTLED_S = 1.0  # changes that never end are looked at all the same


class Follower:
    """Reads revisions for ever; reading and checking happen beside the loop, in a thread."""

    def __init__(
        self,
        source: Source,
        reader: Reader,
        engine: Engine,
        journal: Journal,
        good: GoodStates | None,
    ) -> None:
        """`good` are the commits that earlier runs served last; files on disk have none."""
        self._source = source
        self._reader = reader
        self._engine = engine
        self._journal = journal
        self._fallbacks = Fallbacks(source, reader.environment, reader.export)
        self._good = good
        self._reading: Reading | None = None
        self._revision = ""
        self._blind = ""
        self._late: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        try:
            with Watch() as watch:
                while True:
                    wait_s = await self._look(watch)
                    if await watch.changed(wait_s):
                        await self._settled(watch)
        finally:
            self._reader.close()

    async def _look(self, watch: Watch) -> float:
        """Look once; gives how long to wait for a change before the next look."""
        try:
            self._note_blind(await _beside(lambda: watch.cover(self._source.folders())))
            revision = await self._answered(self._source.revision, "for its revision")
            await self._take(revision)
            self._engine.note_source("")
        except (ModelctlError, OSError) as error:
            await self._failed(str(error))
            return _RETRY_S
        except Exception as error:  # noqa: BLE001 - whatever is wrong, what runs goes on
            await self._failed(f"internal fault: {error!r}")
            return _RETRY_S
        return self._source.every_s if self._blind or not self._source.folders() else _CERTAINTY_S

    async def _settled(self, watch: Watch) -> None:
        """Wait until nothing has changed for as long as the source says, within a bound."""
        if self._source.settle_s:
            end = asyncio.get_running_loop().time() + _SETTLED_S
            while await watch.changed(self._source.settle_s):
                if asyncio.get_running_loop().time() > end:
                    return

    async def _failed(self, fault: str) -> None:
        """Tell a fault; at a start, what is known of the repository here is all there is."""
        self._engine.note_source(fault)
        if self._reading is None:
            with suppress(Exception):  # the fault is told, and the next look comes
                await self._take(await _beside(self._source.known_revision))

    async def _take(self, revision: str) -> None:
        """Read a revision that is new, or that could not be read to the end; offer what is new."""
        before = self._reading
        if before is not None and revision == self._revision and not before.unexported:
            return
        reading = await self._answered(lambda: self._read(revision), f"for {revision[:12]}")
        self._revision, self._reading = revision, reading
        if before is None or reading != before:
            self._engine.offer(reading)
            needed = {
                w.template.files
                for r in self._engine.rollouts.values()
                for w in r.workloads().values()
            }
            await _beside(lambda: self._reader.export.prune(needed))
            self._find_late(reading)

    def _read(self, revision: str) -> Reading:
        reading = self._reader.read(revision)
        if self._reading is None and self._good is not None:
            return self._fallbacks.added(reading, self._good.models)
        return reading

    def _find_late(self, reading: Reading) -> None:
        """Find the commits that the reading did not wait for, beside everything else."""

        async def find() -> None:
            try:
                self._engine.note_commits(await _beside(lambda: self._reader.late_commits(reading)))
            except (ModelctlError, OSError) as error:
                self._journal.add("", "warning", f"the last commits of models: {error}")

        is_late = any(model.commit is None for model in reading.models.values())
        if is_late and (self._late is None or self._late.done()):
            self._late = asyncio.create_task(find())

    async def _answered(self, ask: Callable[[], Given], what: str) -> Given:
        """What the source gives; the engine is told where that takes long: it knows nothing new."""
        asked = asyncio.ensure_future(asyncio.to_thread(ask))
        done, _ = await asyncio.wait([asked], timeout=_SLOW_S)
        if not done:
            self._engine.note_source(
                f"{self._source.name} has given no answer {what} for {_SLOW_S:.0f} s: what runs "
                "goes on; look at the disk, and at the network to the repository"
            )
        return await asked

    def _note_blind(self, why: str) -> None:
        """Tell, whenever that changes, that the repository is looked at by time."""
        if why and why != self._blind:
            words = f"{why}: the repository is looked at every {self._source.every_s:g} s instead"
            self._journal.add("", "warning", words)
        self._blind = why


async def _beside(work: Callable[[], Given]) -> Given:
    return await asyncio.to_thread(work)
