"""Chapters in which people commit what cannot work: nothing of it reaches a user."""

from pathlib import Path

import onnx

from examples.demo.stage import ARTIFACTS, MODEL, ON, Stage

_SHOWN = 96  # characters of a reason


async def break_weights(stage: Stage) -> None:
    """A commit that cannot work is refused; what runs goes on."""
    stage.timeline.chapter("Break it: commit weights that add up to 105")
    load = stage.load()
    file = f"apps/{MODEL}/envs/local.yaml"
    await stage.scratch.edit(file, "r1: 0", "r1: 5", "apps: Break the weights")
    head = await stage.scratch.git("rev-parse", "HEAD")
    view = await stage.up.until(lambda view: view.has_seen(head), "the commit is seen")
    reason = view.model(MODEL)["sync_reason"] or view.status["sync_reason"]
    stage.timeline.tell(f"{view.model(MODEL)['sync']}: {_short(reason)}")
    findings = " ".join(view.status["findings"])
    stage.timeline.expect(held="weights-sum-100" in findings, what="the status names the rule")
    await stage.scratch.revert("HEAD")
    await stage.until_synced("r2")
    during = await load.stop()
    stage.timeline.expect(held=set(during.releases) == {"r2"}, what="r2 keeps all traffic")
    stage.expect_none_failed(during, "from the commit to its revert")


async def break_artifact(stage: Stage) -> None:
    """A release whose artifact was overwritten in the store never gets traffic."""
    stage.timeline.chapter("Break it: deploy a release whose artifact was overwritten")
    stored = stage.scratch.store / MODEL / "r3.onnx"
    stored.parent.mkdir()
    artifact = stage.scratch.folder / "retrained.onnx"
    _retrain(ARTIFACTS / MODEL / "r2.onnx", artifact)
    load = stage.load()
    store = ("--artifacts-at", stage.scratch.store.as_uri())
    await stage.scratch.modelctl("release", MODEL, "--artifact", str(artifact), *store)
    stored.write_bytes(artifact.read_bytes()[::-1])
    await stage.scratch.modelctl("shift", *ON, "r3=0")
    await stage.scratch.modelctl("shift", *ON, "r3=50")
    view = await stage.up.until(
        lambda view: view.model(MODEL).get("health") == "Degraded", "r3 is found Degraded"
    )
    release = view.release(MODEL, "r3")
    stage.timeline.tell(f"r3: {release['state']}, {_short(release['reason'])}")
    stage.timeline.expect(held=release["ready"] == 0, what="r3 is never ready")
    users = await stage.users()
    await stage.scratch.revert("HEAD~2..HEAD")
    await stage.until_synced("r2")
    await stage.up.until(lambda view: not view.release(MODEL, "r3"), "r3 is gone")
    during = await load.stop()
    stage.timeline.expect(
        held=set(users.releases) | set(during.releases) == {"r2"},
        what="r3, at 50 % in git, gets no traffic",
    )
    stage.expect_none_failed(during, "from the bad release to its revert")


def _short(reason: str) -> str:
    return reason if len(reason) <= _SHOWN else f"{reason[:_SHOWN]}…"


def _retrain(source: Path, target: Path) -> None:
    """Stand in for a training run: the same weights under another digest."""
    model = onnx.load(str(source))
    model.doc_string = "trained again"
    onnx.save(model, str(target))
