"""`modelctl up` end to end for callers of gRPC: the same shares, copies and headers as for REST."""

from collections import Counter
from pathlib import Path

from engine_kit import HOST, MODEL, Repo, running
from grpc_calls import calling


def test_calls_follow_git(own_repo: Repo, tmp_path: Path) -> None:
    """Weights, a release by its header, and copies to a shadow; by metadata and by host."""
    with running(own_repo.root, tmp_path / "state") as up:
        up.until_well(own_repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2"))
        with calling(up.port) as ask:
            assert "r2" == ask(x_model_name=MODEL, x_model_release="r2")
            assert {"r1"} == {ask(x_model_name=MODEL) for _ in range(50)}

            up.until_well(own_repo.serve({"r1": 80, "r2": 20}).commit("apps/linear: Shift"))
            split = Counter(ask(x_model_name=MODEL) for _ in range(1000))
        with calling(up.port, host=f"{MODEL}.{HOST}") as ask:
            by_host = Counter(ask() for _ in range(1000))
            assert "r2" == ask(x_model_release="r2")

            shadowed = own_repo.serve({"r1": 100}, shadow=("r2", 50)).commit("apps/linear: Shadow")
            up.until_well(shadowed)
            assert {"r1"} == {ask() for _ in range(400)}
            status = up.until(
                lambda s: any(
                    release["measured"]["shadow"] > 150
                    for release in s["models"][0]["releases"]
                    if release["release"] == "r2"
                )
            )

    for found in (split, by_host):
        assert 130 <= found["r2"] <= 270
    assert {"release": "r2", "percent": 50.0} == status["models"][0]["shadow"]
