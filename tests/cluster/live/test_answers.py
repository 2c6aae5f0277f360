"""The same requests to the cluster's Envoy and to that of `modelctl up`: the same answers.

The table in `docs/explanation/laptop-and-cluster.md` is what this saw. After a wanted change:
`UPDATE_GOLDEN=1 make test-cluster`.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from engine_kit import HOST, INFER, QUESTION, running
from scratch import PROJECT
from tests.cluster import world
from tests.cluster.live.stage import Stage, ask
from tests.cluster.world import MODEL
from waiting import until

_PAGE = PROJECT / "docs/explanation/laptop-and-cluster.md"
_BEGIN, _END = "<!-- asked of both: begin -->\n", "<!-- asked of both: end -->\n"
_TELLING = ("content-type", "retry-after", "allow", "location", "server")
_MODEL = f"/v2/models/{MODEL}"
_WEIGHTS = {"r1": 100, "r2": 0}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, in words and as it is sent."""

    words: str
    method: str
    path: str
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)


REQUESTS = (
    Asked("a prediction", "POST", INFER, QUESTION),
    Asked("a prediction that claims a role", "POST", INFER, QUESTION, {"x-model-role": "shadow"}),
    Asked("a release by its path", "POST", f"{_MODEL}/versions/r1/infer", QUESTION),
    Asked("a release without traffic, by path", "POST", f"{_MODEL}/versions/r2/infer", QUESTION),
    Asked("the same by header", "POST", INFER, QUESTION, {"x-model-release": "r2"}),
    Asked("a release that is not deployed", "POST", f"{_MODEL}/versions/r9/infer", QUESTION),
    Asked("the same by header", "POST", INFER, QUESTION, {"x-model-release": "r9"}),
    Asked("a model that is not there", "POST", "/v2/models/nobody/infer", QUESTION),
    Asked("a body that is none", "POST", INFER, "{"),
    Asked("metadata of the model", "GET", _MODEL),
    Asked("whether the model is ready", "GET", f"{_MODEL}/ready"),
    Asked("metadata of the server", "GET", "/v2"),
    Asked("whether the server is live", "GET", "/v2/health/live"),
    Asked("whether the server is ready", "GET", "/v2/health/ready"),
    Asked("what may be asked", "OPTIONS", _MODEL),
    Asked("no path of a model", "GET", "/"),
    Asked("metrics of a server", "GET", "/metrics"),
    Asked("another host", "GET", "/v2", headers={"host": "other.example.com"}),
    Asked("the host with a port", "GET", "/v2", headers={"host": f"{HOST}:8080"}),
    Asked("an underscore in a header", "GET", "/v2", headers={"a_b": "c"}),
    Asked("an escaped slash", "GET", "/v2%2Fmodels"),
    Asked("two slashes", "GET", "//v2"),
)


@pytest.fixture
def answers(live: Stage, tmp_path: Path) -> Iterator[list[tuple[Asked, Any, Any]]]:
    """Each request with the answer of the cluster and that of the laptop."""
    ground = live.world.ground
    for environment in ("staging", "local"):
        world.serve(ground, _WEIGHTS, environment=environment)
    ground.commit(f"apps/{MODEL}: Serve r2 without traffic")
    live.follow()
    live.until_warm("r2")
    with running(ground.root, tmp_path / "state") as up:
        until(lambda: ask(up.port, "GET", f"{_MODEL}/versions/r2/ready").status_code == 200)
        yield [(each, told(live.envoy.port, each), told(up.port, each)) for each in REQUESTS]


def told(port: int, asked: Asked) -> dict[str, Any]:
    """What a caller is told: status, what the headers say, and the body."""
    answer = ask(port, asked.method, asked.path, asked.body, asked.headers)
    headers = {k: v for k, v in answer.headers.items() if k in _TELLING or k.startswith("x-envoy")}
    if "location" in headers:  # names the port that was asked
        headers["location"] = re.sub(r":\d+", "", headers["location"])
    return {"status": answer.status_code, **headers, "body": _body(answer)}


def _body(answer: httpx.Response) -> Any:  # noqa: ANN401
    """What is in it, without what a server took from the memory that it found."""
    try:
        content = json.loads(answer.content)
    except ValueError:
        return answer.text
    is_model = isinstance(content, dict) and "platform" in content
    return {k: v for k, v in content.items() if k != "parameters"} if is_model else content


def test_cluster_and_laptop_answer_alike(answers: list[tuple[Asked, Any, Any]]) -> None:
    """Status, headers that say something, and body; the table of the docs is what was seen."""
    different = [(each.words, one, other) for each, one, other in answers if one != other]
    table = "".join(_rows(answers))
    before, _, rest = _PAGE.read_text(encoding="utf-8").partition(_BEGIN)
    recorded, _, after = rest.partition(_END)
    if os.environ.get("UPDATE_GOLDEN"):
        _PAGE.write_text(before + _BEGIN + table + _END + after, encoding="utf-8")
        recorded = table

    assert [] == different
    assert recorded == table


def _rows(answers: list[tuple[Asked, Any, Any]]) -> Iterator[str]:
    yield "| asked | cluster | laptop |\n|---|---|---|\n"
    for each, one, other in answers:
        headers = "".join(f", `{k}: {v}`" for k, v in each.headers.items())
        shown = f"{each.words}: `{each.method} {each.path}`{headers}"
        yield f"| {shown} | {_shown(one)} | {_shown(other)} |\n"


def _shown(answer: dict[str, Any]) -> str:
    more = "".join(f", {key}: {answer[key]}" for key in ("retry-after", "allow") if key in answer)
    body = answer["body"]
    if isinstance(body, dict) and "error" in body:
        return f"{answer['status']}{more}: `{body['error']}`"
    by = (
        f" by {body['model_version']}" if isinstance(body, dict) and "model_version" in body else ""
    )
    return f"{answer['status']}{more}{by}"
