"""Chapters of every day: serve, introduce, shift, promote."""

import json
import time

import numpy as np

from examples.demo.engine import View
from examples.demo.load import Tally, predict, send
from examples.demo.stage import ARTIFACTS, MODEL, ON, Stage

MODELS = ("linear", "diabetes-mlp", "digits-mlp", "digits-cnn")
CANARY_PERCENT = 10
SPLIT_REQUESTS = 10_000
# Five standard deviations of 10,000 draws at 10 %: one run in a million strays further by chance.
SPLIT_TOLERANCE_PERCENT = 1.5
_SHOWN = 3  # numbers of an answer


async def serve(stage: Stage, began: float) -> None:
    """Everything that git names comes up, and every model predicts."""
    stage.timeline.chapter("Serve every sample from git")
    await stage.up.until(lambda view: view.well, "all samples are healthy")
    ready_s = time.monotonic() - began
    stage.timeline.tell(f"{len(MODELS)} models Synced and Healthy after {ready_s:.1f} s")
    for model in MODELS:
        golden = json.loads((ARTIFACTS / model / "r1.golden.json").read_bytes())
        answer = await predict(stage.target(model, "x-model-release: r1"))
        found, expected = answer["outputs"][0]["data"], golden["cases"][0]["outputs"][0]["data"]
        tolerance = golden["tolerance"]
        stage.timeline.expect(
            held=np.allclose(found, expected, tolerance["relative"], tolerance["absolute"]),
            what=f"{model} {answer['model_version']} predicts {_numbers(found)}, as recorded",
        )


async def introduce(stage: Stage) -> None:
    """A release enters at weight 0: ready, reachable by name, no user traffic."""
    stage.timeline.chapter("Introduce release r2 at weight 0")
    load = stage.load()
    began = await stage.scratch.modelctl("shift", *ON, "r2=0")
    await stage.until_synced()
    await stage.up.until(_is_ready, "r2 is ready")
    stage.timeline.tell(f"r2 ready {time.monotonic() - began:.1f} s after the commit")
    named = await send(stage.target(MODEL, "x-model-release: r2"), 20, 1)
    during = await load.stop()
    stage.timeline.expect(
        held=named.releases == {"r2": 20},
        what=f"a header reaches r2 while its weight is 0: {_told(named)}",
    )
    stage.timeline.expect(held=set(during.releases) == {"r1"}, what="no user request reaches r2")
    stage.expect_none_failed(during, "while r2 was introduced")


async def shift(stage: Stage) -> None:
    """Ten percent go to the canary, and the split is what git says."""
    stage.timeline.chapter(f"Shift {CANARY_PERCENT} % of the traffic to r2")
    load = stage.load()
    committed = await stage.scratch.modelctl("shift", *ON, f"r2={CANARY_PERCENT}")
    await stage.up.until(lambda _: "r2" in load.tally.first_seen, "r2 answers a user")
    during = await load.stop()
    seen_s = during.first_seen["r2"] - committed
    stage.timeline.tell(f"r2 answers users {seen_s:.2f} s after the commit")
    stage.expect_none_failed(during, "while the weights changed")
    await stage.until_synced()
    began = time.monotonic()
    tally = await stage.users(SPLIT_REQUESTS)
    share = 100 * tally.releases["r2"] / SPLIT_REQUESTS
    stage.timeline.tell(f"{SPLIT_REQUESTS} requests in {time.monotonic() - began:.1f} s")
    stage.timeline.expect(
        held=abs(share - CANARY_PERCENT) <= SPLIT_TOLERANCE_PERCENT,
        what=f"r2 answered {share:.2f} % (git says {CANARY_PERCENT} %)",
    )
    stage.expect_none_failed(tally, "in the split")


async def promote(stage: Stage) -> None:
    """The canary becomes stable and takes everything."""
    stage.timeline.chapter("Promote r2")
    load = stage.load()
    committed = await stage.scratch.modelctl("promote", *ON)
    await stage.expect_all(load, "r2", committed, "while r2 was promoted")


def _is_ready(view: View) -> bool:
    release = view.release(MODEL, "r2")
    return bool(release.get("ready", 0) >= max(1, release.get("replicas", 0)))


def _numbers(values: list[float]) -> str:
    shown = ", ".join(f"{value:.3g}" for value in values[:_SHOWN])
    return f"[{shown}, …]" if len(values) > _SHOWN else f"[{shown}]"


def _told(tally: Tally) -> str:
    return ", ".join(
        f"{count} from {who}" for who, count in (tally.releases + tally.failures).items()
    )
