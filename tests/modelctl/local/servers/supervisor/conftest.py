"""The stage as a fixture."""

import asyncio
from pathlib import Path

import pytest

from modelctl.local.servers import processes
from tests.modelctl.local.servers.supervisor.stage import Play, Stage, Story


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run an asynchronous story on a stage, and end every process after it."""

    async def whole(story: Story) -> None:
        stage = Stage(tmp_path / "state")
        try:
            await story(stage)
        finally:
            stage.in_flight.set()
            await stage.supervisor.stop()
            assert [] == processes.found(stage.folder.root)

    return lambda story: asyncio.run(whole(story))
