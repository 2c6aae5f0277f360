"""Follow the repository: ask for its revision again and again, offer the engine each new one."""

import asyncio
from contextlib import suppress

from modelctl.errors import ModelctlError
from modelctl.local.engine import Engine
from modelctl.local.source.reading import Reader
from modelctl.local.source.repositories import Source

_RETRY_S = 1.0  # before the next try after a failure
_FIRST_LIMIT_S = 60.0  # for the last good revision to be served; then the newest one counts
_LOOK_S = 0.05  # between two looks at whether it is


async def follow(source: Source, reader: Reader, engine: Engine, good: str | None) -> None:
    """Read revisions for ever; reading and checking happen beside the loop, in a thread.

    `good` is the revision that an earlier run served last. It is served first, so that a newest
    revision that is refused, or has a release that cannot start, does not leave nothing.
    """
    if good is not None:
        await _begin_with(good, source, reader, engine)
    read: str | None = None
    while True:
        wait_s = source.every_s
        try:
            revision = await asyncio.to_thread(source.revision)
            if revision != read:
                engine.offer(await asyncio.to_thread(reader.read, revision))
                read = revision
            engine.note_source("")
        except (ModelctlError, OSError) as error:
            engine.note_source(str(error))
            wait_s = max(wait_s, _RETRY_S)
        except Exception as error:  # noqa: BLE001 - whatever is wrong, what runs goes on
            engine.note_source(f"internal fault: {error!r}")
            wait_s = max(wait_s, _RETRY_S)
        await asyncio.sleep(wait_s)


async def _begin_with(good: str, source: Source, reader: Reader, engine: Engine) -> None:
    """Offer the last good revision, and wait for a bounded time until it is served."""
    try:
        if await asyncio.to_thread(source.revision) == good:
            return
        engine.offer(await asyncio.to_thread(reader.read, good))
    except (ModelctlError, OSError):
        return  # it is not there any more; the newest revision is all there is
    with suppress(TimeoutError):
        async with asyncio.timeout(_FIRST_LIMIT_S):
            while not engine.converged:  # noqa: ASYNC110 - it becomes so by many small steps
                await asyncio.sleep(_LOOK_S)
