"""Many models in one Envoy."""

import dataclasses
import sys
from pathlib import Path

import pytest

from modelctl.gateway.values import Route
from modelctl.local.envoy.snapshot import Snapshot, Wanted, snapshot
from modelctl.local.plan.endpoints import Endpoints
from modelctl.local.plan.values import Published
from tests.modelctl.local.envoy.dataplane.stage import Play, Stage, endpoints, rule, serving

MODELS = 200


def many(stage: Stage, count: int, service: Endpoints) -> Snapshot:
    """The resources of so many models with three rules each."""
    published = {
        f"m{number}": Published(
            (
                Route(
                    "models",
                    f"m{number}",
                    (),
                    tuple(
                        dataclasses.replace(
                            rule({"s": 1}, header=header),
                            matches=(
                                dataclasses.replace(
                                    rule({"s": 1}, header=header).matches[0],
                                    path=f"/v2/models/m{number}",
                                ),
                            ),
                        )
                        for header in ("r1", "r2", "")
                    ),
                ),
            )
        )
        for number in range(count)
    }
    return snapshot(stage.envoy.folder, Wanted(stage.port, published, (service,)))


def watches(pid: int) -> int:
    """How many inotify instances a process has."""
    links = (path.readlink() for path in Path(f"/proc/{pid}/fd").iterdir())
    return sum("inotify" in str(link) for link in links)


@pytest.mark.skipif(sys.platform != "linux", reason="counts inotify instances in /proc")
def test_no_model_costs_a_watch(play: Play) -> None:
    """With 200 models Envoy watches as few files as with one, and answers for each."""

    async def story(stage: Stage) -> None:
        with serving("s") as server:
            service = endpoints("s", server)
            await stage.bring(many(stage, 1, service))
            before = watches(stage.pid())
            await stage.bring(many(stage, MODELS, service))

            assert before == watches(stage.pid()) <= 4
            for number in (0, MODELS // 2, MODELS - 1):
                assert (200, "s") == await stage.ask(f"/v2/models/m{number}/infer")
            await stage.bring(many(stage, 1, service))
            assert 404 == (await stage.ask(f"/v2/models/m{MODELS - 1}"))[0]

    play(story)
