"""What every chapter of the story uses: who plays, how users ask, what is expected of all."""

import json
from dataclasses import dataclass
from functools import cache

from examples.demo.engine import Up, View
from examples.demo.load import Background, Tally, Target, send
from examples.demo.scratch import PROJECT, Scratch
from examples.demo.timeline import Timeline

ARTIFACTS = PROJECT / "examples" / "artifacts"
MODEL = "digits-cnn"
ON = (MODEL, "--env", "local")
WHOLE = 100
USERS = 500  # requests that show who answers, where one release should answer all
# From a commit to the last answer by its old weights: 0.1 s on an idle machine, and a busy one
# stays far below this.
LIVE_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Stage:
    """The timeline, the scratch repository and the engine that follows it."""

    timeline: Timeline
    scratch: Scratch
    up: Up

    def target(self, model: str = MODEL, *headers: str) -> Target:
        """A model's address with the inputs of its first golden case."""
        return Target(self.up.port, f"/v2/models/{model}/infer", _body(model), headers)

    def load(self, connections: int = 2) -> Background:
        """Users who ask the model all the while."""
        return Background(self.target(), connections)

    async def users(self, requests: int = USERS) -> Tally:
        """What so many users get."""
        return await send(self.target(), requests)

    async def until_synced(self, release: str | None = None) -> View:
        """Wait until the newest commit is live, and gives all traffic to `release` if named."""
        head = await self.scratch.git("rev-parse", "HEAD")

        def holds(view: View) -> bool:
            weight = view.release(MODEL, release).get("live_weight") if release else WHOLE
            return view.is_synced(MODEL, head) and weight == WHOLE

        to = f" and {release} has all traffic" if release else ""
        return await self.up.until(holds, f"the commit {head[:12]} is synced{to}")

    async def expect_all(self, load: Background, release: str, since: float, when: str) -> None:
        """Expect that all traffic is on a release, soon after `since`, and that nothing failed."""
        await self.until_synced(release)
        users = await self.users()
        during = await load.stop()
        others = [seen for name, seen in during.last_seen.items() if name != release]
        took_s = max(0.0, *others, since) - since
        self.timeline.expect(
            held=users.releases == {release: USERS} and took_s <= LIVE_WITHIN_S,
            what=f"all traffic on {release} {took_s:.2f} s after the commit",
        )
        self.expect_none_failed(during, when)

    def expect_none_failed(self, tally: Tally, when: str) -> None:
        """Expect that no request failed."""
        why = f": {dict(tally.failures)}" if tally.failed else ""
        what = f"{tally.failed} of {tally.asked} requests failed {when}{why}"
        self.timeline.expect(held=tally.failed == 0 and tally.asked > 0, what=what)


@cache
def _body(model: str) -> bytes:
    golden = json.loads((ARTIFACTS / model / "r1.golden.json").read_bytes())
    return json.dumps({"inputs": golden["cases"][0]["inputs"]}).encode()
