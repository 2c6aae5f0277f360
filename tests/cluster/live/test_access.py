"""Callers with keys and tokens through the real Envoy Gateway: who gets in, and how often."""

import json
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine_kit import INFER, QUESTION
from tests.cluster.api import Object
from tests.cluster.live import issuer
from tests.cluster.live.stage import Stage
from tests.cluster.world import MODEL
from waiting import until

_SECRET = "linear-keys"  # noqa: S105 - the name of a Secret
_MODEL_FILE = f"apps/{MODEL}/model.yaml"
_PER_SECOND = 5
_BURST = 60


@pytest.fixture
def shut(live: Stage) -> Iterator[Stage]:
    """The stage, with a model that asks for a key; open again afterwards."""
    _give_keys(live, shop="first")
    before = (live.world.ground.root / _MODEL_FILE).read_text()
    _write(live, f"{before}access: {{api_keys: {{secret: {_SECRET}}}}}\n", "Ask for a key")
    until(lambda: _status(live), lambda status: status == 401)
    yield live
    _write(live, before, "Ask for no key")
    until(lambda: _status(live), lambda status: status == 200)


def test_a_key_opens(shut: Stage) -> None:
    """The right key is let in to every release by name, and any other one is not."""
    assert 200 == _status(shut, "first")
    assert 200 == _status(shut, "first", **{"x-model-release": "r1"})
    assert 401 == _status(shut, "second")
    assert 401 == _status(shut, "first", **{"x-api-key": "second"})
    assert 401 == _status(shut, **{"x-client-key": "shop"})
    assert 401 == _status(shut, **{"x-model-release": "r1"})


def test_a_key_is_rotated_without_a_gap(shut: Stage) -> None:
    """A second entry lets its holder in beside the first; the first is then taken away."""
    _give_keys(shut, shop="first", shop_2="second")
    until(lambda: _status(shut, "second"), lambda status: status == 200)
    assert 200 == _status(shut, "first")

    _give_keys(shut, shop_2="second")
    until(lambda: _status(shut, "first"), lambda status: status == 401)
    assert 200 == _status(shut, "second")


def test_who_calls_too_often_is_told(shut: Stage) -> None:
    """Past the bound a caller gets 429, and no pod of the model restarts for the new bound."""
    pods = {pod.address for pod in shut.pods.pods}
    before = (shut.world.ground.root / _MODEL_FILE).read_text()
    bound = f"access: {{requests_per_second: {_PER_SECOND}, "
    _write(shut, before.replace("access: {", bound), "Bound callers")

    def burst() -> Counter[int]:
        return Counter(_status(shut, "first") for _ in range(_BURST))

    seen = until(burst, lambda codes: codes[429] > 0)

    assert {200, 429} == set(seen)
    assert pods == {pod.address for pod in shut.pods.pods}
    _write(shut, before, "Bound callers no more")


def test_a_token_opens(live: Stage, tmp_path: Path) -> None:
    """One of the issuer for the model's audience is let in, and every other one is refused."""
    before = (live.world.ground.root / _MODEL_FILE).read_text()
    with issuer.issuing(tmp_path) as tokens:
        jwt = {"issuer": issuer.NAME, "audiences": [MODEL], "jwks_uri": tokens.jwks_uri}
        _write(live, f"{before}access: {json.dumps({'jwt': jwt})}\n", "Ask for a token")
        until(lambda: _told(live, tokens.token()), lambda status: status == 200)
        codes = {
            name: _told(live, token)
            for name, token in {
                "none": "",
                "another issuer": tokens.token(iss="https://login.example.org"),
                "another audience": tokens.token(aud="digits"),
                "ended": tokens.token(exp=1),
                "another signature": f"{tokens.token()[:-8]}AAAAAAAA",
            }.items()
        }
        _write(live, before, "Ask for no token")
        until(lambda: _status(live), lambda status: status == 200)

    assert {
        "none": 401,
        "another issuer": 401,
        "another audience": 403,
        "ended": 401,
        "another signature": 401,
    } == codes


def _told(live: Stage, token: str) -> int:
    return _status(live, **({"authorization": f"Bearer {token}"} if token else {}))


def _write(live: Stage, text: str, subject: str) -> None:
    live.world.ground.write(_MODEL_FILE, text)
    live.world.ground.must("render")
    assert live.world.ground.commit(f"apps/{MODEL}: {subject}")
    live.follow()


def _give_keys(live: Stage, **keys: str) -> None:
    """Write the Secret as whatever keeps secrets in the cluster would."""
    (route,) = (
        each
        for each in live.api.list("gateway.networking.k8s.io/v1", "HTTPRoute")
        if each["metadata"]["name"] == MODEL
    )
    secret: Object = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _SECRET, "namespace": route["metadata"]["namespace"]},
        "data": {name: b64encode(value.encode()).decode() for name, value in keys.items()},
    }
    live.api.apply(secret, manager="secrets")


def _status(live: Stage, key: str = "", **headers: str) -> int:
    sent = ({"x-api-key": key} if key else {}) | headers
    return live.ask("POST", INFER, QUESTION, sent).status_code
