"""The pages of the status server, without a browser."""

import asyncio
import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace

import httpx
import pytest
from markupsafe import escape

from modelctl.local.observe.history import Series
from modelctl.local.observe.logtail import Line
from modelctl.local.observe.pages import Pages, Sources, curl
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


def sources(shown: Callable[[], EngineStatus]) -> Sources:
    """Pages of a status, with a log line and an hour that are hostile too."""
    line = Line("2026-01-01T10:00:00Z", HOSTILE, json.dumps({"level": HOSTILE, "event": HOSTILE}))
    hour = {HOSTILE: Series((1.0,), (0.0,), (None,), (1.0,), (2.0,))}
    return Sources(shown, history, lambda _: hour, lambda _, __: [line])


SOURCES = sources(status)


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
        transport = httpx.ASGITransport(application(SOURCES))
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
    assert "2.00 %" in page
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

    assert [] == re.findall(r"""\s(?:src|href|action|data-live)=["']?(?:\w+:)?//""", page)
    assert "<script>" not in page
    assert [] == re.findall(r"\son\w+=", page.replace(escape(HOSTILE), ""))
    assert "style=" not in page
    assert "<style" not in page


@pytest.mark.parametrize("path", ["/static/style.css", "/static/live.js"])
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


def test_broken_first() -> None:
    """The overview begins with what is broken, then what is late; the rest is in order."""
    shown = engine(model("a"), degraded("z"), model("b", sync=Sync.OUT_OF_SYNC), model("c"))
    pages = Pages(sources(lambda: shown))

    page = asyncio.run(pages.overview())

    assert ["z", "b", "a", "c"] == re.findall(r'data-model="(\w)"', page)


@pytest.mark.parametrize(
    ("asked", "left"),
    [("", ["a", "zz"]), ("zz", ["zz"]), ("DEGRADED", ["zz"]), ("stable", ["a", "zz"]), ("x", [])],
)
def test_search_without_script(asked: str, left: list[str]) -> None:
    """The server finds models by name, state and release where there is no JavaScript."""
    shown = engine(model("a"), degraded("zz"))

    page = asyncio.run(Pages(sources(lambda: shown)).overview(asked=asked))

    assert left == sorted(re.findall(r'data-model="(\w+)" data-search="[^"]*">', page))


def test_links_to_commits() -> None:
    """A commit is a link where the host's pages are known, and its id where they are not."""
    known = replace(ADDRESSES, commits="https://github.com/t/m/commit/")
    with_links = Pages(sources(lambda: engine(model("a"), addresses=known)))
    without = Pages(sources(lambda: engine(model("a"))))

    assert f'href="https://github.com/t/m/commit/{"a" * 40}"' in asyncio.run(with_links.overview())
    assert "/commit/" not in asyncio.run(without.overview())


def test_commits_are_read_once_a_revision() -> None:
    """Git is asked for a model's commits when there is a new revision, not at every look."""
    asked: list[str] = []
    seen = [COMMIT]

    async def commits(name: str) -> tuple[Commit, ...]:
        asked.append(name)
        return await history(name)

    shown = replace(sources(lambda: engine(model("a"), seen=seen[-1])), commits=commits)
    pages = Pages(shown)
    asyncio.run(pages.model("a"))
    asyncio.run(pages.model("a"))
    seen.append(replace(COMMIT, id="b" * 40))
    asyncio.run(pages.model("a"))

    assert ["a", "a"] == asked


def test_curl_of_a_small_request() -> None:
    """A small request stands in the line itself, quoted for a shell."""
    contract = Contract((TensorSpec("it's", "FP32", (-1, 2)),), ())
    found = model("a", contract=contract)

    words = shlex.split(curl(engine(found), found))

    assert "http://127.0.0.1:8080/v2/models/a/infer" in words
    sent = json.loads(words[words.index("-d") + 1])
    assert ("it's", [1, 2]) == (sent["inputs"][0]["name"], sent["inputs"][0]["shape"])


def test_curl_of_a_large_request() -> None:
    """A large request is fetched from the status page, which has it."""
    found = model("a", contract=Contract((TensorSpec("x", "FP32", (3, 64, 64)),), ()))
    pages = Pages(sources(lambda: engine(found)))

    line = curl(engine(found), found)

    assert line.startswith("curl -s http://127.0.0.1:8081/models/a/example.json | curl -s ")
    made = pages.example("a")
    assert made is not None
    assert 3 * 64 * 64 == len(made["inputs"][0]["data"])  # type: ignore[index]


@pytest.mark.parametrize(("name", "status_code"), [("m", 200), ("idle", 404), ("other", 404)])
def test_example(client: Client, name: str, status_code: int) -> None:
    """A request is there for every model whose contract is known."""
    assert status_code == client.get(f"/models/{name}/example.json").status_code
