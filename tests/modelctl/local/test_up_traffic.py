"""`modelctl up` end to end: commits in, answers out, with the real Envoy and model server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_kit import JSON, MODEL, Load, Repo, Up, running


@pytest.fixture
def own_up(own_repo: Repo, tmp_path: Path) -> Iterator[Up]:
    """A `modelctl up` of one test alone, whose counters begin at 0."""
    with running(own_repo.root, tmp_path / "state") as found:
        found.until_well()
        yield found


def releases(status: dict, name: str) -> dict:  # type: ignore[type-arg]
    """One release of the model in a status."""
    return next(r for r in status["models"][0]["releases"] if r["release"] == name)


def test_life_of_a_release(repo: Repo, up: Up) -> None:
    """Introduce, shift, promote, retire and revert under load, and not one request fails."""
    with Load(up.port) as load:
        up.until_well(repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
        assert "r2" == up.release({"x-model-release": "r2"})
        assert {"r1"} == set(load.releases)

        up.until_well(repo.serve({"r1": 90, "r2": 10}).commit("apps/linear: Shift"))
        up.until_well(repo.serve({"r1": 0, "r2": 100}, stable="r2").commit("apps/linear: Promote"))
        assert "r1" == up.release({"x-model-release": "r1"})

        retired = repo.serve({"r2": 100}, stable="r2").commit("apps/linear: Retire r1")
        up.until_well(retired)
        up.until(lambda s: ["r2"] == [r["release"] for r in s["models"][0]["releases"]])
        up.until_well(repo.serve({"r1": 100}).commit("apps/linear: Go back to r1"))
        before = load.releases["r1"]
        up.until(lambda _: load.releases["r1"] > before + 50)

    assert [] == load.failures
    assert load.releases["r2"] > 0


def test_a_release_that_comes_is_never_unavailable(repo: Repo, up: Up) -> None:
    """Who names a release while it is introduced is refused until it answers: never a 503."""
    seen: list[int] = []

    def asked(status: JSON) -> bool:
        seen.append(up.ask({"x-model-release": "r2"})[0])
        return status["well"] and status["synced"]["id"] == introduced

    seen.append(up.ask({"x-model-release": "r2"})[0])
    introduced = repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    up.until(asked)
    seen.append(up.ask({"x-model-release": "r2"})[0])

    assert [404, 200] == list(dict.fromkeys(seen))
    assert seen == sorted(seen, reverse=True)


def test_a_request_that_names_a_release_reaches_it(repo: Repo, up: Up) -> None:
    """By path and by header, at any weight and as a shadow; one that is not there is refused."""
    ways = [
        lambda release: up.ask({"x-model-release": release}),
        lambda release: up.ask(path=f"/v2/models/{MODEL}/versions/{release}/infer"),
    ]
    changes = (({"r1": 90, "r2": 10}, None), ({"r1": 100}, ("r2", 50)))
    for weights, shadow in changes:
        up.until_well(repo.serve(weights, shadow=shadow).commit("apps/linear: Change"))
        for way in ways:
            up.until(lambda _, way=way: way("r2")[0] == 200)
            assert {"r2"} == {way("r2")[1]["model_version"] for _ in range(20)}
            assert {404} == {way("r9")[0] for _ in range(5)}


def test_split_follows_git(own_repo: Repo, own_up: Up) -> None:
    """Of 4,000 requests 10 % reach the canary, and the measured share says so without others."""
    own_up.until_well(own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
    own_up.until_well(own_repo.serve({"r1": 90, "r2": 10}).commit("apps/linear: Shift"))

    split = own_up.split(4000)
    for _ in range(50):
        own_up.release({"x-model-release": "r2"})
    # Envoy counts at once, and sums latencies up every few seconds.
    status = own_up.until(
        lambda s: (
            (found := releases(s, "r2")["measured"])["direct"] == 50
            and found["latency_p50_ms"] is not None
        )
    )

    assert 4000 == split.total()
    assert 320 <= split["r2"] <= 480
    measured = releases(status, "r2")["measured"]
    assert split["r2"] / 4000 == pytest.approx(measured["share"], abs=0.001)
    assert split["r2"] == measured["weighted"]
    assert 0 == measured["error_rate"]
    assert 0 < measured["latency_p50_ms"] <= measured["latency_p99_ms"]


def test_shadow(own_repo: Repo, own_up: Up) -> None:
    """A shadow gets copies of a share of the requests; nobody sees its answers."""
    shadowed = own_repo.serve({"r1": 100}, shadow=("r2", 50)).commit("apps/linear: Shadow r2")
    own_up.until_well(shadowed)

    split = own_up.split(400)
    status = own_up.until(lambda s: releases(s, "r2")["measured"]["shadow"] > 150)

    assert {"r1": 400} == dict(split)
    assert releases(status, "r2")["measured"]["shadow"] < 250
    assert releases(status, "r2")["measured"]["share"] in (None, 0)
    assert {"release": "r2", "percent": 50.0} == status["models"][0]["shadow"]


def test_change_of_weights_restarts_nothing(repo: Repo, up: Up) -> None:
    """New weights are served by the same processes."""
    up.until_well(repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
    before = up.pids()
    repo.serve({"r1": 0, "r2": 100}, stable="r2")

    repo.commit("apps/linear: Promote r2")
    up.until(lambda _: up.release() == "r2")

    assert before == up.pids()


def test_killed_server(repo: Repo, up: Up) -> None:
    """When one of two servers is killed under load, only what it was answering fails.

    A caller may meet it twice: once in flight, once on a connection that is just closing.
    """
    up.until_well(repo.serve({"r1": 100}, replicas=2).commit("apps/linear: Scale"))
    with Load(up.port, connections=2) as load:
        status = up.until(lambda _: load.answered > 100)
        before = releases(status, "r1")["restarts"]
        up.kill("linear-r1-1")
        up.until(lambda s: releases(s, "r1")["restarts"] == before + 1)
        up.until_well()
        served = load.answered
        up.until(lambda _: load.answered > served + 100)

    assert len(load.failures) <= 4, load.failures


def test_killed_envoy(up: Up) -> None:
    """When Envoy itself is killed, it comes back on the same port and serves the same."""
    up.kill("envoy")

    up.until(lambda s: "killed by SIGKILL" in s["events"][0]["message"])
    up.until(lambda _: up.answers())
    assert "r1" == up.release()


def test_removed_model(repo: Repo, up: Up) -> None:
    """A model that git no longer serves here is taken off its path, then stopped."""
    (repo.root / f"apps/{MODEL}/envs/local.yaml").unlink()
    repo.render().commit("apps/linear: Stop serving it here")

    up.until(lambda s: s["models"] == [])
    status, answer = up.ask()

    assert 404 == status
    assert "no model is served at this path" in answer["error"]


def test_pause(repo: Repo, up: Up) -> None:
    """A paused model keeps what it serves, OutOfSync, until it is resumed."""
    repo.serve({"r1": 0, "r2": 100}, stable="r2", paused=True).commit("apps/linear: Pause")
    status = up.until(lambda s: s["models"][0]["paused"])
    assert ("OutOfSync", "Healthy") == (status["models"][0]["sync"], status["models"][0]["health"])
    assert "r1" == up.release()

    up.until_well(repo.serve({"r1": 0, "r2": 100}, stable="r2").commit("apps/linear: Resume"))
    assert "r2" == up.release()


def test_orderly_end(own_repo: Repo, tmp_path: Path) -> None:
    """SIGTERM lets requests in flight end, ends every process, and gives exit code 0."""
    up = Up(own_repo.root, tmp_path / "state")
    up.until_well()
    with Load(up.port) as load:
        up.until(lambda _: load.answered > 100)
        pids = up.pids()
        assert 0 == up.stop()

    # A caller whose connection was not yet accepted is refused by a reset.
    lost = [fault for fault in load.failures if "refused" not in fault.lower()]
    assert len(lost) <= 4
    assert all("reset by peer" in fault for fault in lost)
    assert [] == [pid for pid in pids.values() if Path(f"/proc/{pid}").exists()]
