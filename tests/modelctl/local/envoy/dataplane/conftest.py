"""The stage as a fixture."""

import asyncio
from pathlib import Path

import pytest

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
        assert not stage.envoy.folder.exists()

    return lambda story: asyncio.run(whole(story))
