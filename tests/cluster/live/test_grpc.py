"""Callers of gRPC through the real Envoy Gateway: the rendered patch bridges their calls."""

from collections import Counter

import grpc
import pytest

from engine_kit import HOST, MODEL
from grpc_calls import Ask, calling
from tests.cluster.live.stage import Stage
from waiting import until

_CALLS = 400
_HALF = range(_CALLS // 2 - 60, _CALLS // 2 + 61)  # six times the deviation of a fair coin


def test_calls_are_shared_out_as_requests_are(live: Stage) -> None:
    """By metadata and by a host of the model alone; a release is reached by name at weight 0."""
    live.do("shift", "r2=0")
    live.until_warm("r2")
    with (
        calling(live.envoy.port) as by_metadata,
        calling(live.envoy.port, host=f"{MODEL}.{HOST}") as by_host,
    ):
        assert "r2" == by_metadata(x_model_name=MODEL, x_model_release="r2")
        assert "r2" == by_host(x_model_release="r2")
        assert {"r1"} == {by_metadata(x_model_name=MODEL) for _ in range(50)}

        live.do("shift", "r2=50")
        until(lambda: {by_host() for _ in range(20)}, lambda seen: len(seen) == 2)
        for share in (
            Counter(by_metadata(x_model_name=MODEL) for _ in range(_CALLS)),
            Counter(by_host() for _ in range(_CALLS)),
        ):
            assert {"r1", "r2"} == set(share)
            assert share["r2"] in _HALF


@pytest.mark.parametrize(
    ("metadata", "code", "told"),
    [
        ({}, "NOT_FOUND", "name one in the metadata x-model-name"),
        ({"x_model_name": "nobody"}, "NOT_FOUND", "no model is served under this name"),
        # The route answers callers of both protocols by 404, which gRPC's own table turns to this.
        (
            {"x_model_name": MODEL, "x_model_release": "r9"},
            "UNIMPLEMENTED",
            "this release of linear is not deployed; deployed: r1",
        ),
    ],
)
def test_what_is_not_there_is_refused(
    live: Stage, metadata: dict[str, str], code: str, told: str
) -> None:
    """The gateway's own answers have a status of gRPC, and words."""
    with calling(live.envoy.port) as ask:
        error = _error(ask, metadata)

    assert code == error.code().name
    assert told in (error.details() or "")


def _error(ask: Ask, metadata: dict[str, str]) -> grpc.Call:
    with pytest.raises(grpc.RpcError) as caught:
        ask(**metadata)
    found: grpc.Call = caught.value
    return found
