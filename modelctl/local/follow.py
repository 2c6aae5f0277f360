"""Follow the repository: ask for its revision again and again, offer the engine each new one."""

import asyncio

from modelctl.errors import ModelctlError
from modelctl.local.engine import Engine
from modelctl.local.reading import Reader
from modelctl.local.source import Source

_RETRY_S = 1.0


async def follow(source: Source, reader: Reader, engine: Engine) -> None:
    """Read revisions for ever; reading and checking happen beside the loop, in a thread."""
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
