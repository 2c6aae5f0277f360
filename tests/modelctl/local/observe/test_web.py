"""The pages of the status server, without a browser."""

import asyncio
import json
from dataclasses import replace

import httpx
import pytest

from modelctl.local.observe.web import application
from modelctl.model.tensors import Contract, TensorSpec
from modelctl.repo.git import Commit
from modelctl.status.event import Event
from modelctl.status.values import EngineStatus, ShadowStatus, Sync
from status_kit import ADDRESSES, MEASURED, NOTHING, broken, degraded, engine, model, release

HOSTILE = "<script>alert('x')</script>\"&"
COMMIT = Commit("a" * 40, HOSTILE, "2026-01-01T10:00:00+00:00", HOSTILE)


def status() -> EngineStatus:
    """A status in which everything that can be text is hostile."""
    releases = (
        release("r1", weight=90.0, measured=replace(MEASURED, latency_p99_ms=148.0)),
        broken("r2", HOSTILE, image=HOSTILE, artifact_uri=HOSTILE, artifact_sha256=HOSTILE),
        release("r3", role="shadow", weight=None, live_weight=None, measured=NOTHING),
    )
    event = Event("2026-01-01T10:00:00.000+00:00", "error", HOSTILE, 2)
    bad = degraded(
        "m",
        HOSTILE,
        sync=Sync.OUT_OF_SYNC,
        sync_reason=HOSTILE,
        paused=True,
        commit=COMMIT,
        wanted=None,
        contract=Contract((TensorSpec(HOSTILE, HOSTILE, (-1,)),), ()),
        releases=releases,
        shadow=ShadowStatus("r3", 10.0),
        events=(event,),
    )
    idle = model("idle", commit=None, contract=None, releases=(), share_since=None)
    return engine(
        bad,
        idle,
        addresses=replace(ADDRESSES, source=HOSTILE, state=HOSTILE),
        sync=Sync.OUT_OF_SYNC,
        sync_reason=HOSTILE,
        seen=None,
        synced=COMMIT,
        findings=(HOSTILE,),
        fault=HOSTILE,
        events=(event,),
    )


async def history(_: str) -> tuple[Commit, ...]:
    """The commits of a model."""
    await asyncio.sleep(0)
    return (COMMIT,)


class Client:
    """Asks the pages as a browser on this machine would."""

    def request(
        self, method: str, path: str, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """The answer to one request."""
        return asyncio.run(self._request(method, path, headers))

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """The answer to a GET."""
        return self.request("GET", path, headers)

    async def _request(
        self, method: str, path: str, headers: dict[str, str] | None
    ) -> httpx.Response:
        transport = httpx.ASGITransport(application(status, history))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://127.0.0.1:8081"
        ) as client:
            return await client.request(method, path, headers=headers)


@pytest.fixture
def client() -> Client:
    """A client of the pages."""
    return Client()


@pytest.mark.parametrize("path", ["/", "/models/m", "/models/idle", "/models/<b>"])
def test_hostile_text_is_escaped(client: Client, path: str) -> None:
    """No text of a commit, an author or an event becomes markup."""
    page = client.get(path).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page
    assert "<b>" not in page


def test_weights_beside_shares(client: Client) -> None:
    """A release shows its weight in git beside the share that was measured."""
    page = client.get("/").text

    assert 'aria-label="r1 weight in git"' in page
    assert "90 %" in page
    assert "live: 100 %" in page
    assert "91.2 %" in page
    assert "0.15 %" in page
    assert "148 ms" in page
    assert "copies only" in page


def test_missing_model(client: Client) -> None:
    """A model that is not served is a 404 with a way back."""
    answer = client.get("/models/other")

    assert 404 == answer.status_code
    assert "No such model" in answer.text


def test_json(client: Client) -> None:
    """The same is there as JSON."""
    answer = client.get("/status.json")

    assert "application/json" == answer.headers["content-type"]
    assert ("m", HOSTILE) == (
        answer.json()["models"][0]["model"],
        answer.json()["synced"]["subject"],
    )
    assert json.loads(answer.content)["well"] is False


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "192.168.1.2"])
def test_foreign_host(client: Client, host: str) -> None:
    """A request that calls this machine by another name is refused (DNS rebinding)."""
    assert 400 == client.get("/status.json", headers={"host": host}).status_code


@pytest.mark.parametrize("host", ["127.0.0.1:8081", "localhost:9", "localhost"])
def test_own_host(client: Client, host: str) -> None:
    """This machine's own names are answered on any port."""
    assert 200 == client.get("/status.json", headers={"host": host}).status_code


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/nowhere"])
def test_headers(client: Client, path: str) -> None:
    """Every answer forbids what a status page never needs."""
    headers = client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-store" == headers["cache-control"]


@pytest.mark.parametrize("path", ["/", "/models/m"])
def test_nothing_from_elsewhere(client: Client, path: str) -> None:
    """A page refers to nothing outside this server, and has no inline script or style."""
    page = client.get(path).text

    assert "//" not in page.replace("http://127.0.0.1:8080", "").replace("http://www.w3.org", "")
    assert "style=" not in page
    assert "<style" not in page


@pytest.mark.parametrize("path", ["/static/style.css", "/static/refresh.js"])
def test_static_files(client: Client, path: str) -> None:
    """Style and script are served."""
    assert 200 == client.get(path).status_code


@pytest.mark.parametrize("path", ["/static/../web.py", "/static/%2e%2e/web.py"])
def test_no_other_files(client: Client, path: str) -> None:
    """Nothing but the static files can be read."""
    assert 404 == client.get(path).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_read_only(client: Client, method: str) -> None:
    """The status server changes nothing."""
    assert 405 == client.request(method, "/").status_code
