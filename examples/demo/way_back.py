"""Chapters of the way back: by git alone, in mid-shift, beside a fault, to a retired release."""

import time

from examples.demo.stage import MODEL, ON, Stage


async def revert(stage: Stage) -> None:
    """`git revert` of the promotion restores the traffic that was."""
    stage.timeline.chapter("Roll back the promotion with git revert")
    promotion = await stage.scratch.git(
        "log", "--format=%H", "-1", f"--grep=^apps/{MODEL}: Promote"
    )
    load = stage.load()
    committed = await stage.scratch.revert(promotion)
    await stage.up.until(lambda _: "r1" in load.tally.first_seen, "r1 answers a user again")
    await stage.until_synced()
    during = await load.stop()
    seen_s = during.first_seen["r1"] - committed
    stage.timeline.tell(f"r1 answers users {seen_s:.2f} s after the commit, as before with 90 %")
    stage.expect_none_failed(during, "while rolling back")


async def in_mid_shift(stage: Stage) -> None:
    """In the middle of a shift the way back is the stable release, whatever history says."""
    stage.timeline.chapter("Roll back in the middle of a shift with modelctl rollback")
    await roll_back(stage)


async def beside_a_fault(stage: Stage) -> None:
    """A fault in the model's own file does not hold back the way back."""
    stage.timeline.chapter("Promote r2, break the model's file, roll back")
    await stage.scratch.modelctl("promote", *ON, "--release", "r2")
    await stage.until_synced("r2")
    file = f"apps/{MODEL}/model.yaml"
    await stage.scratch.edit(
        file, f"name: {MODEL}", f"oops: 1\nname: {MODEL}", "apps: Break the model file"
    )
    is_clean = await stage.scratch.is_clean()
    stage.timeline.expect(held=not is_clean, what="modelctl check refuses the fault")
    fault = await stage.scratch.git("rev-parse", "HEAD")
    await roll_back(stage)
    await stage.scratch.revert(fault)
    await stage.until_synced("r1")


async def to_a_cold_release(stage: Stage) -> None:
    """A release that was retired starts first, and gets the traffic once it is ready."""
    stage.timeline.chapter("Promote r2, retire r1, roll back")
    await stage.scratch.modelctl("promote", *ON, "--release", "r2")
    await stage.until_synced("r2")
    await stage.scratch.modelctl("retire", *ON, "--release", "r1")
    await stage.up.until(lambda view: not view.release(MODEL, "r1"), "r1 is gone")
    await roll_back(stage, "--wait", "--state", str(stage.scratch.state))


async def roll_back(stage: Stage, *words: str) -> None:
    """Roll back to r1 under load, and expect all traffic on it at once."""
    load = stage.load()
    began = time.monotonic()
    committed = await stage.scratch.modelctl("rollback", *ON, *words)
    named = " ".join(("modelctl rollback", *words[:1]))
    stage.timeline.tell(f"{named} took {time.monotonic() - began:.1f} s")
    await stage.expect_all(load, "r1", committed, "while rolling back")
