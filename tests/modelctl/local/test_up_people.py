"""What people do with a running `modelctl up`: ask it, look at it, read what its servers say."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from http.client import HTTPConnection
from pathlib import Path

import pytest

from engine_kit import MODEL, Repo, Up, running
from waiting import PATIENCE_S


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """An engine that serves r1, and r2 without weight."""
    folder = tmp_path_factory.mktemp("people")
    (folder / "repo").mkdir()
    repo = Repo(folder / "repo")
    repo.serve({"r1": 100, "r2": 0}).commit("apps/linear: Introduce r2")
    with running(repo.root, folder / "state") as found:
        found.until_well()
        yield found


def modelctl(up: Up, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command on the engine's state folder."""
    command = [sys.executable, "-m", "modelctl", *words, "--state", str(up.state)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_line_for_a_shell_works(up: Up) -> None:
    """The line that a model's page shows is answered with a prediction, as it stands."""
    page = up.page(f"/models/{MODEL}")
    line = unescape(re.search(r'<pre id="curl"[^>]*>(.*?)</pre>', page, re.DOTALL)[1])  # type: ignore[index]

    done = subprocess.run(line, shell=True, capture_output=True, check=False)  # noqa: S602 - a shell's line

    assert ["y"] == [output["name"] for output in json.loads(done.stdout)["outputs"]]


def test_example_of_the_page_is_answered(up: Up) -> None:
    """The request that a long line fetches is one that the model answers."""
    request = up.page(f"/models/{MODEL}/example.json")

    with closing(HTTPConnection("127.0.0.1", up.port, timeout=PATIENCE_S)) as asked:
        headers = {"content-type": "application/json"}
        asked.request("POST", f"/v2/models/{MODEL}/infer", request, headers)
        assert 200 == asked.getresponse().status


@pytest.mark.parametrize("release", ["r1", "r2"])
def test_predict(up: Up, release: str) -> None:
    """A prediction is asked of the release that is named, whatever its weight."""
    done = modelctl(up, "predict", MODEL, "--release", release)

    assert (0, release) == (done.returncode, json.loads(done.stdout)["model_version"])
    assert done.stderr.startswith(f"{MODEL} {release} answered in ")


def test_status_has_what_a_release_is(up: Up) -> None:
    """Image, digest, memory, age and contract of what runs are in the status."""
    status = up.status()["models"][0]
    release = status["releases"][0]

    assert [{"name": "x", "datatype": "FP32", "shape": [-1, 1]}] == status["contract"]["inputs"]
    assert release["memory_bytes"] > 10_000_000
    assert (64, True) == (len(release["artifact_sha256"]), "@sha256:" in release["image"])
    assert release["started"] > "2026"
    assert status["share_since"] >= release["started"][:10]


def test_client_errors_are_seen(up: Up) -> None:
    """Requests that are the caller's fault are told as such, beside no errors of the server."""
    with closing(HTTPConnection("127.0.0.1", up.port, timeout=PATIENCE_S)) as asked:
        for _ in range(20):
            asked.request("POST", f"/v2/models/{MODEL}/infer", b"{}")
            assert (400 == asked.getresponse().read() and 0) or 400
    found = up.until(lambda s: s["models"][0]["releases"][0]["measured"]["client_error_rate"])

    assert 0 == found["models"][0]["releases"][0]["measured"]["error_rate"]


def test_stream_follows(up: Up) -> None:
    """The stream of a model's page begins with the page as it is."""
    with closing(HTTPConnection("127.0.0.1", up.page_port, timeout=PATIENCE_S)) as asked:
        asked.request("GET", f"/live?model={MODEL}")
        answer = asked.getresponse()
        first = answer.readline().decode()

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert f'data-model="{MODEL}"' in json.loads(first.removeprefix("data: "))


def test_logs_after_the_end(tmp_path: Path) -> None:
    """What servers said can be read after `modelctl up` has ended."""
    (tmp_path / "repo").mkdir()
    repo = Repo(tmp_path / "repo")
    with running(repo.root, tmp_path / "state") as ended:
        ended.until_well()

    done = modelctl(ended, "logs", MODEL, "-n", "200")

    assert 0 == done.returncode
    assert '"event": "ready"' in done.stdout or '"event":"ready"' in done.stdout
