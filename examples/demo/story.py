"""The story of the demo: one chapter a function, each with what it expects."""

import asyncio
import json
import time
from pathlib import Path

import numpy as np
import onnx

from examples.demo.engine import PROJECT, Scratch, Up
from examples.demo.load import Background, Tally, Target, predict, send
from examples.demo.timeline import Timeline

ARTIFACTS = PROJECT / "examples" / "artifacts"
MODELS = ("linear", "diabetes-mlp", "digits-mlp", "digits-cnn")
MODEL = "digits-cnn"
ON = (MODEL, "--env", "local")
WHOLE = 100
SHOWN = 4  # numbers of an answer
USERS = 500  # requests that show who answers, where one release should answer all
SPLIT_REQUESTS = 10_000
CANARY_PERCENT = 10
# Five standard deviations of 10,000 draws at 10 %: one run in a million strays further by chance.
SPLIT_TOLERANCE_PERCENT = 1.5
# With one of two servers killed, at most what was in flight there and before Envoy noticed.
KILL_FAILURES_AT_MOST = 20


def target(up: Up, model: str, *headers: str) -> Target:
    """A model's address with the inputs of its first golden case."""
    body = json.dumps({"inputs": _golden(model)["inputs"]}).encode()
    return Target(up.port, f"/v2/models/{model}/infer", body, headers)


def _golden(model: str) -> dict[str, list[dict[str, object]]]:
    file: Path = ARTIFACTS / model / "r1.golden.json"
    case: dict[str, list[dict[str, object]]] = json.loads(file.read_bytes())["cases"][0]
    return case


async def serve(timeline: Timeline, up: Up) -> None:
    """Everything that git names comes up, and every model predicts."""
    timeline.chapter("Serve every sample from git")
    began = time.monotonic()
    ready = await up.until(lambda: bool(up.status().get("well")), "all samples are healthy")
    timeline.tell(f"{len(MODELS)} models Synced and Healthy after {ready - began:.1f} s")
    for model in MODELS:
        golden = json.loads((ARTIFACTS / model / "r1.golden.json").read_bytes())
        answer = await predict(target(up, model, "x-model-release: r1"))
        found, expected = answer["outputs"][0]["data"], golden["cases"][0]["outputs"][0]["data"]
        tolerance = golden["tolerance"]
        timeline.expect(
            held=np.allclose(found, expected, tolerance["relative"], tolerance["absolute"]),
            what=f"{model} {answer['model_version']} predicts {_numbers(found)}, as recorded",
        )


async def introduce(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """A release enters at weight 0: ready, reachable by name, no user traffic."""
    timeline.chapter("Introduce release r2 at weight 0")
    began = scratch.modelctl("shift", *ON, "r2=0")
    ready = await up.until(
        lambda: up.release(MODEL, "r2").get("ready", 0) > 0 and _synced(up), "r2 is ready"
    )
    timeline.tell(f"r2 ready {ready - began:.1f} s after the commit")
    named = await send(target(up, MODEL, "x-model-release: r2"), 20, 1)
    users = await send(target(up, MODEL), USERS)
    timeline.expect(
        held=named.releases == {"r2": 20},
        what=f"a header reaches r2 while its weight is 0: {_told(named)}",
    )
    timeline.expect(held=users.releases == {"r1": USERS}, what="no user request reaches r2")


async def shift(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """Ten percent go to the canary, and the split is what git says."""
    timeline.chapter(f"Shift {CANARY_PERCENT} % of the traffic to r2")
    load = Background(target(up, MODEL))
    committed = scratch.modelctl("shift", *ON, f"r2={CANARY_PERCENT}")
    seen = await up.until(lambda: "r2" in load.tally.first_seen, "r2 answers a user")
    during = await load.stop()
    timeline.tell(f"r2 answers users {seen - committed:.2f} s after the commit")
    _expect_none_failed(timeline, during, "while the weights changed")
    began = time.monotonic()
    tally = await send(target(up, MODEL), SPLIT_REQUESTS)
    share = 100 * tally.releases["r2"] / SPLIT_REQUESTS
    timeline.tell(f"{SPLIT_REQUESTS} requests through Envoy in {time.monotonic() - began:.1f} s")
    timeline.expect(
        held=abs(share - CANARY_PERCENT) <= SPLIT_TOLERANCE_PERCENT,
        what=f"r2 answered {share:.2f} % (git says {CANARY_PERCENT} %)",
    )
    _expect_none_failed(timeline, tally, "in the split")


async def promote(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """The canary becomes stable and takes everything."""
    timeline.chapter("Promote r2")
    load = Background(target(up, MODEL))
    committed = scratch.modelctl("promote", *ON)
    synced = await up.until(lambda: _synced(up) and _live(up, "r2") == WHOLE, "r2 has all traffic")
    users = await send(target(up, MODEL), USERS)
    timeline.expect(
        held=users.releases == {"r2": USERS},
        what=f"all traffic on r2 {synced - committed:.2f} s after the commit",
    )
    _expect_none_failed(timeline, await load.stop(), "while r2 was promoted")


async def break_weights(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """A commit that cannot work is refused; what runs goes on."""
    timeline.chapter("Commit weights that add up to 105")
    load = Background(target(up, MODEL))
    scratch.edit(f"apps/{MODEL}/envs/local.yaml", "r1: 0", "r1: 5", "apps: Break the weights")
    await up.until(lambda: not _synced(up), "the commit is refused")
    reason = up.model(MODEL)["sync_reason"] or up.status()["sync_reason"]
    timeline.tell(f"OutOfSync: {reason[:110]}")
    findings = " ".join(up.status()["findings"])
    timeline.expect(held="weights-sum-100" in findings, what="the status names the rule")
    _expect_none_failed(timeline, await load.stop(), "while the commit was refused")
    scratch.git("revert", "--no-edit", "HEAD")
    await up.until(lambda: _synced(up), "the revert is synced")
    timeline.tell("git revert: Synced again")


async def break_artifact(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """A release whose artifact was overwritten in the store never gets traffic."""
    timeline.chapter("Deploy a release whose artifact was overwritten in the store")
    stored = scratch.store / MODEL / "r3.onnx"
    stored.parent.mkdir()
    artifact = scratch.folder / "retrained.onnx"
    _retrain(ARTIFACTS / MODEL / "r2.onnx", artifact)
    store = ("--artifacts-at", scratch.store.as_uri())
    scratch.modelctl("release", MODEL, "--artifact", str(artifact), *store)
    stored.write_bytes(artifact.read_bytes()[::-1])
    scratch.modelctl("shift", *ON, "r3=0")
    load = Background(target(up, MODEL))
    scratch.modelctl("shift", *ON, "r3=50")
    await up.until(lambda: up.model(MODEL).get("health") == "Degraded", "r3 is found Degraded")
    release = up.release(MODEL, "r3")
    timeline.tell(f"r3: {release['state']}, {release['reason'][:100]}")
    timeline.expect(held=release["ready"] == 0, what="r3 is never ready")
    users = await send(target(up, MODEL), USERS)
    timeline.expect(
        held=users.releases == {"r2": USERS}, what="r3, at 50 % in git, gets no traffic"
    )
    scratch.git("revert", "--no-edit", "HEAD~2..HEAD")
    await up.until(lambda: _synced(up) and not up.release(MODEL, "r3"), "r3 is gone")
    _expect_none_failed(timeline, await load.stop(), "from the bad release to its revert")


def _retrain(source: Path, target: Path) -> None:
    """Stand in for a training run: the same weights under another digest."""
    model = onnx.load(str(source))
    model.doc_string = "trained again"
    onnx.save(model, str(target))


async def roll_back(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """`git revert` of the promotion restores the traffic that was."""
    timeline.chapter("Roll back the promotion with git revert")
    promotion = scratch.git("log", "--format=%H", "-1", "--grep", f"^apps/{MODEL}: Promote")
    load = Background(target(up, MODEL))
    scratch.git("revert", "--no-edit", promotion)
    committed = time.monotonic()
    seen = await up.until(lambda: "r1" in load.tally.first_seen, "r1 answers a user again")
    timeline.tell(f"r1 answers users {seen - committed:.2f} s after the revert")
    await up.until(lambda: _synced(up), "the revert is synced")
    _expect_none_failed(timeline, await load.stop(), "while rolling back")


async def roll_back_in_mid_shift(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """In the middle of a shift the way back is the stable release, whatever history says."""
    timeline.chapter("Roll back in the middle of a shift")
    await _roll_back(timeline, scratch, up, to="r1")


async def roll_back_beside_a_fault(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """A fault in the model's own file does not hold back the way back."""
    timeline.chapter("Promote r2, break something unrelated, roll back")
    scratch.modelctl("promote", *ON, "--release", "r2")
    await up.until(lambda: _synced(up) and _live(up, "r2") == WHOLE, "r2 has all traffic")
    file = f"apps/{MODEL}/model.yaml"
    scratch.edit(file, f"name: {MODEL}", f"oops: 1\nname: {MODEL}", "apps: Break the model file")
    timeline.expect(held=not scratch.is_clean(), what="modelctl check refuses the fault")
    fault = scratch.git("rev-parse", "HEAD")
    await _roll_back(timeline, scratch, up, to="r1")
    scratch.git("revert", "--no-edit", fault)
    await up.until(lambda: _synced(up), "the mended file is synced")


async def roll_back_to_a_cold_release(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """A release that was retired starts first, and gets the traffic once it is ready."""
    timeline.chapter("Promote r2, retire r1, roll back")
    scratch.modelctl("promote", *ON, "--release", "r2")
    await up.until(lambda: _synced(up) and _live(up, "r2") == WHOLE, "r2 has all traffic")
    scratch.modelctl("retire", *ON, "--release", "r1")
    await up.until(lambda: _synced(up) and not up.release(MODEL, "r1"), "r1 is gone")
    await _roll_back(timeline, scratch, up, "--wait", "--state", str(up.state), to="r1")


async def _roll_back(timeline: Timeline, scratch: Scratch, up: Up, *words: str, to: str) -> None:
    load = Background(target(up, MODEL))
    began = time.monotonic()
    committed = await asyncio.to_thread(scratch.modelctl, "rollback", *ON, *words)
    timeline.tell(f"modelctl rollback {' '.join(words[:1])} took {committed - began:.1f} s")
    live = await up.until(lambda: _synced(up) and _live(up, to) == WHOLE, f"{to} has all traffic")
    users = await send(target(up, MODEL), USERS)
    timeline.expect(
        held=users.releases == {to: USERS},
        what=f"all traffic on {to} {live - committed:.2f} s after the commit",
    )
    _expect_none_failed(timeline, await load.stop(), "while rolling back")


async def kill(timeline: Timeline, up: Up) -> None:
    """A server that is killed under load costs few requests and comes back."""
    timeline.chapter("Kill a server under load")
    load = Background(target(up, MODEL), connections=4)
    await up.until(lambda: load.tally.answered > USERS, "the load runs")
    pid = up.kill_server(f"{MODEL}-r1")
    killed = time.monotonic()
    await up.until(lambda: up.release(MODEL, "r1")["restarts"] > 0, "the restart is counted")
    back = await up.until(lambda: bool(up.status().get("well")), "everything is healthy again")
    tally = await load.stop()
    timeline.tell(f"process {pid} killed; its replacement was ready after {back - killed:.1f} s")
    timeline.expect(
        held=tally.failed <= KILL_FAILURES_AT_MOST,
        what=f"{tally.failed} of {tally.answered + tally.failed} requests failed "
        f"(allowed {KILL_FAILURES_AT_MOST})",
    )


def _numbers(values: list[float]) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:SHOWN])
    return f"[{shown}, …]" if len(values) > SHOWN else f"[{shown}]"


def _told(tally: Tally) -> str:
    return ", ".join(
        f"{count} from {who}" for who, count in (tally.releases + tally.failures).items()
    )


def _synced(up: Up) -> bool:
    head = up.status().get("seen") or {}
    return up.model(MODEL).get("sync") == "Synced" and _is_head(up, head)


def _is_head(up: Up, seen: dict[str, str]) -> bool:
    return bool(seen) and seen == (up.status().get("synced") or {})


def _live(up: Up, release: str) -> float:
    weight: float | None = up.release(MODEL, release).get("live_weight")
    return weight or 0


def _expect_none_failed(timeline: Timeline, tally: Tally, when: str) -> None:
    why = f": {dict(tally.failures)}" if tally.failed else ""
    what = f"{tally.failed} of {tally.answered + tally.failed} requests failed {when}{why}"
    timeline.expect(held=tally.failed == 0, what=what)


async def tell(timeline: Timeline, scratch: Scratch, up: Up) -> None:
    """Every chapter in order."""
    await serve(timeline, up)
    await introduce(timeline, scratch, up)
    await shift(timeline, scratch, up)
    await promote(timeline, scratch, up)
    await break_weights(timeline, scratch, up)
    await break_artifact(timeline, scratch, up)
    await roll_back(timeline, scratch, up)
    await roll_back_in_mid_shift(timeline, scratch, up)
    await roll_back_beside_a_fault(timeline, scratch, up)
    await roll_back_to_a_cold_release(timeline, scratch, up)
    await kill(timeline, up)
