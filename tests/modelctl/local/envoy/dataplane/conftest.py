"""The stage as a fixture."""

import asyncio
from pathlib import Path

import pytest

from modelctl.local.servers import processes
from tests.modelctl.local.envoy.dataplane.stage import Play, Stage, Story


@pytest.fixture
def play(tmp_path: Path) -> Play:
    """Run an asynchronous story beside an Envoy, and end that after it."""

    async def whole(story: Story) -> None:
        stage = Stage(tmp_path / "state")
        await stage.envoy.start(stage.port)
        try:
            await story(stage)
        finally:
            await stage.envoy.stop()
        assert [] == processes.found(stage.folder.root)

    return lambda story: asyncio.run(whole(story))
