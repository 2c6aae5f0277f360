"""The story of the demo: its chapters in order."""

import time

from examples.demo import changes, faults, mistakes, way_back
from examples.demo.stage import Stage


async def tell(stage: Stage, disk_fault: str) -> None:
    """Every chapter in order; `disk_fault` says why there is no small disk to fill, or "".

    Raises:
        DemoError: It cannot go on.
    """
    began = time.monotonic()
    stage.up.start()
    await changes.serve(stage, began)
    await changes.introduce(stage)
    await changes.shift(stage)
    await changes.promote(stage)
    await mistakes.break_weights(stage)
    await mistakes.break_artifact(stage)
    await way_back.revert(stage)
    await way_back.in_mid_shift(stage)
    await way_back.beside_a_fault(stage)
    await way_back.to_a_cold_release(stage)
    await faults.kill_server(stage)
    await faults.kill_engine(stage)
    await faults.fill_disk(stage, disk_fault)
    await faults.hang_envoy(stage)
