"""Chapters in which the machine lets us down: kills, a full disk, an Envoy that hangs."""

import signal
import time

from examples.demo.engine import ENVOY
from examples.demo.stage import MODEL, ON, USERS, Stage
from examples.demo.way_back import roll_back

# With one of two servers killed, at most what was in flight there and before Envoy noticed.
KILL_FAILURES_AT_MOST = 20
GAP_AT_MOST_S = 1.0  # without an answer while nothing stands in the way: a pause of the machine
# Three questions of 3 s without an answer, 3 s until the first and 1 s between them, and a start.
HUNG_AT_MOST_S = 20.0


async def kill_server(stage: Stage) -> None:
    """A server that is killed under load costs few requests and comes back."""
    stage.timeline.chapter("Kill a model server under load")
    load = stage.load(connections=4)
    await load.more(USERS)
    stage.up.signal(f"{MODEL}-r1", signal.SIGKILL)
    killed = time.monotonic()
    await stage.up.until(
        lambda view: view.release(MODEL, "r1")["restarts"] > 0 and view.well, "it is back"
    )
    stage.timeline.tell(f"its replacement was ready after {time.monotonic() - killed:.1f} s")
    tally = await load.stop()
    stage.timeline.expect(
        held=tally.failed <= KILL_FAILURES_AT_MOST,
        what=f"{tally.failed} of {tally.asked} requests failed (allowed {KILL_FAILURES_AT_MOST})",
    )


async def kill_engine(stage: Stage) -> None:
    """Envoy and the servers outlive the engine; the next one takes them over."""
    stage.timeline.chapter("Kill the engine under load, and start it again")
    load = stage.load()
    await load.more(USERS)
    before = stage.up.pids()
    stage.up.kill()
    answers = await load.more(USERS)
    stage.timeline.expect(held=answers, what=f"{USERS} answers while there is no engine")
    began = time.monotonic()
    stage.up.start()
    await stage.up.until(lambda view: view.well, "the next engine is well")
    stage.timeline.tell(
        f"the next engine is Synced and Healthy after {time.monotonic() - began:.1f} s"
    )
    tally = await load.stop()
    stage.timeline.expect(
        held=stage.up.pids() == before, what=f"Envoy and {len(before) - 1} servers run on"
    )
    stage.timeline.expect(
        held=tally.longest_gap_s <= GAP_AT_MOST_S,
        what=f"longest time between two answers {tally.longest_gap_s:.2f} s",
    )
    stage.expect_none_failed(tally, "while the engine was replaced")


async def fill_disk(stage: Stage, fault: str) -> None:
    """A full disk holds back no way back."""
    stage.timeline.chapter("Fill the disk of the state folder, and roll back")
    if fault:
        stage.timeline.tell(f"left out: a small disk cannot be mounted here ({fault})")
        return
    await stage.scratch.modelctl("promote", *ON, "--release", "r2")
    await stage.until_synced("r2")
    stage.scratch.fill()
    free_bytes = stage.scratch.free_bytes()
    stage.timeline.expect(held=free_bytes == 0, what=f"{free_bytes} bytes are free")
    await roll_back(stage)
    stage.scratch.empty()


async def hang_envoy(stage: Stage) -> None:
    """An Envoy that hangs is found, killed and started again, beside servers that run on."""
    stage.timeline.chapter("Stop Envoy as if it hung")
    before = stage.up.pids()
    load = stage.load()
    await load.more(USERS)
    stage.up.signal(ENVOY, signal.SIGSTOP)
    are_back = await load.more(USERS)
    tally = await load.stop()
    stage.timeline.expect(
        held=are_back and tally.longest_gap_s <= HUNG_AT_MOST_S,
        what=f"answers are back after {tally.longest_gap_s:.1f} s (allowed {HUNG_AT_MOST_S:.0f})",
    )
    await stage.up.until(lambda view: view.well, "everything is healthy again")
    after = stage.up.pids()
    changed = {name for name in before | after if before.get(name) != after.get(name)}
    stage.timeline.expect(
        held=changed == {ENVOY}, what=f"started again: {', '.join(sorted(changed)) or 'nothing'}"
    )
    users = await stage.users()
    stage.expect_none_failed(users, "after that")
