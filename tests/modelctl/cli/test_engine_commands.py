"""The commands that ask a running engine about one model, with a stand-in for it."""

import http.server
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from modelctl.__main__ import main
from modelctl.cli import open as opening
from status_kit import ADDRESSES, engine, model, release
from told_status import telling
from waiting import PATIENCE_S

QUESTION = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [2.0]}]}


@dataclass
class Gateway:
    """Answers every request with `code` and `value`, and keeps what it was asked."""

    code: int = 200
    value: Any = field(default_factory=lambda: {"model_version": "r1", "outputs": []})
    port: int = 0
    asked: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """A gateway on a free port."""
    found = Gateway()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.asked.append((self.path, headers, json.loads(content)))
            body = json.dumps(found.value).encode()
            self.send_response(found.code)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        found.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture
def state(tmp_path: Path, gateway: Gateway) -> Iterator[Path]:
    """A state folder whose engine serves `linear` with r1 and r2, and `idle` with nothing."""
    addresses = replace(ADDRESSES, traffic=f"http://127.0.0.1:{gateway.port}")
    linear = model("linear", releases=(release("r1"), release("r2", weight=0.0)))
    idle = model("idle", contract=None, releases=())
    with telling(tmp_path / "state", engine(linear, idle, addresses=addresses).to_json()):
        yield tmp_path / "state"


@dataclass
class Said:
    """What a command has printed, and its exit code."""

    code: int
    out: str
    err: str


Say = Callable[..., Said]


@pytest.fixture
def say(state: Path, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command on the state folder."""

    def run(*words: str) -> Said:
        code = main([*words, "--state", str(state)])
        output = capsys.readouterr()
        return Said(code, output.out, output.err)

    return run


def test_predict_makes_a_request(say: Say, gateway: Gateway) -> None:
    """Without an example the request fits the contract; the answer goes to stdout alone."""
    said = say("predict", "linear")

    path, headers, body = gateway.asked[0]
    assert ("/v2/models/linear/infer", "application/json") == (path, headers["content-type"])
    assert "x-model-release" not in headers
    assert ("x", "FP32", [1, 1], 1) == (
        *(body["inputs"][0][key] for key in ("name", "datatype", "shape")),
        len(body["inputs"][0]["data"]),
    )
    assert (0, gateway.value) == (said.code, json.loads(said.out))
    assert re.match(r"linear r1 answered in [\d.]+ ms; its numbers are made up", said.err)


def test_predict_asks_a_release(say: Say, gateway: Gateway) -> None:
    """A release that is named gets the request, whatever its weight."""
    gateway.value["model_version"] = "r2"

    said = say("predict", "linear", "--release", "r2")

    assert "r2" == gateway.asked[0][1]["x-model-release"]
    assert said.err.startswith("linear r2 answered")


@pytest.mark.parametrize(
    "content", [QUESTION, {"tolerance": {}, "cases": [{**QUESTION, "outputs": []}, {}]}]
)
def test_predict_with_an_example(
    say: Say,
    gateway: Gateway,
    tmp_path: Path,
    content: object,
) -> None:
    """An example is a request, or a golden file of which the first case is asked."""
    file = tmp_path / "example.json"
    file.write_text(json.dumps(content))

    said = say("predict", "linear", "--example", str(file))

    assert QUESTION == gateway.asked[0][2]
    assert (0, False) == (said.code, "made up" in said.err)


@pytest.mark.parametrize(
    ("code", "error", "remedy"),
    [
        (400, "x: found 3 elements", "ask with --example FILE"),
        (404, "no such release", "ask with --example FILE"),
        (500, "inference failed", "`modelctl logs linear r1` tells more"),
        (503, "not ready", "`modelctl status` tells what is not ready; try again then"),
    ],
)
def test_predict_that_is_refused(
    say: Say,
    gateway: Gateway,
    code: int,
    error: str,
    remedy: str,
) -> None:
    """A refusal exits with 1: who refused, in its words, and what to do."""
    gateway.code, gateway.value = code, {"model_version": "r1", "error": error}

    said = say("predict", "linear")

    assert (1, "") == (said.code, said.out)
    assert said.err.startswith(f"modelctl: linear: r1 answered {code}: {error}: ")
    assert said.err.endswith(f"{remedy}\n")


def test_predict_that_only_the_gateway_answers(say: Say, gateway: Gateway) -> None:
    """An answer that names no release is the gateway's, in whatever form it is."""
    gateway.code, gateway.value = 503, "no healthy upstream"

    said = say("predict", "linear")

    assert said.err.startswith(
        "modelctl: linear: the gateway answered 503: no healthy upstream: `modelctl status`"
    )


@pytest.mark.parametrize(
    ("words", "begins", "ends"),
    [
        ("predict linaer", "linaer: found no such model in the environment local", "linear?"),
        ("predict linear --release r3", "--release r3: found no such release", "known: r1, r2"),
        (
            "predict linear --release best",
            "--release: found 'best'",
            "(see `modelctl predict --help`)",
        ),
        ("predict linear --env prod", "--env prod: found that the engine serves local", "--state"),
        (
            "predict linear --example nowhere.json",
            "--example nowhere.json: No such file",
            "with JSON",
        ),
        ("predict idle", "idle: found no contract", "--example FILE"),
        ("open linaer", "linaer: found no such model", "did you mean linear?"),
        ("logs linaer", "linaer: found no log of that model", "which write them"),
    ],
)
def test_errors_begin_with_what_was_typed(say: Say, words: str, begins: str, ends: str) -> None:
    """An error begins with what was typed and ends with the remedy, and exits with 2."""
    said = say(*words.split())

    assert (2, "") == (said.code, said.out)
    assert said.err.startswith(f"modelctl: {begins}")
    assert said.err.rstrip().endswith(ends)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"inputs": 1}', '{"cases": []}', '{"cases": [1]}']
)
def test_example_that_is_none(say: Say, tmp_path: Path, text: str) -> None:
    """A file without a request is refused with what one looks like; nothing is asked."""
    file = tmp_path / "example.json"
    file.write_text(text)

    said = say("predict", "linear", "--example", str(file))

    assert 2 == said.code
    assert said.err.startswith(f"modelctl: --example {file}: found ")
    assert '{"inputs": [{"name", ' in said.err


@pytest.mark.parametrize("words", ["predict linear", "open"])
def test_nothing_runs(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an engine the command says how to start one."""
    code = main([*words.split(), "--state", str(tmp_path / "none")])

    said = capsys.readouterr()
    assert (2, "") == (code, said.out)
    typed = words.rsplit(maxsplit=1)[-1]
    assert said.err.startswith(f"modelctl: {typed}: modelctl up is not running on ")
    assert said.err.endswith("start it with: modelctl up\n")


@pytest.mark.parametrize(("has_screen", "opened"), [(True, 1), (False, 0)])
def test_open(
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
    has_screen: bool,  # noqa: FBT001 - a parameter
    opened: int,
) -> None:
    """The address of a page is printed, and opened where there is a screen."""
    seen: list[str] = []
    monkeypatch.setattr(opening.webbrowser, "open", seen.append)
    monkeypatch.setattr(opening, "has_screen", lambda: has_screen)

    said = [say("open"), say("open", "linear")]

    addresses = [ADDRESSES.page, f"{ADDRESSES.page}/models/linear"]
    assert [f"{address}\n" for address in addresses] == [each.out for each in said]
    assert addresses[: 2 * opened] == seen


def test_logs(say: Say, state: Path) -> None:
    """The last lines of a model's servers come in order of time, with the server they are of."""
    (state / "logs").mkdir()
    for second, server in enumerate(("r1-1", "r2-1", "r1-1")):
        line = json.dumps({"time": f"2026-01-01T10:00:0{second}Z", "event": f"e{second}\x1b"})
        with (state / "logs" / f"linear-{server}.log").open("a") as file:
            file.write(f"{line}\n")

    every, one = say("logs", "linear", "-n", "2"), say("logs", "linear", "r1")

    assert ["linear-r2-1", "linear-r1-1"] == [x.split(" | ")[0] for x in every.out.splitlines()]
    assert ["e0\x1b", "e2\x1b"] == [json.loads(x)["event"] for x in one.out.splitlines()]


def test_logs_of_a_release_that_never_ran(say: Say, state: Path) -> None:
    """A release without a log is refused with the nearest one that has one."""
    (state / "logs").mkdir()
    (state / "logs" / "linear-r2-1.log").touch()

    said = say("logs", "linear", "r22")

    assert (2, "") == (said.code, said.out)
    assert said.err.startswith("modelctl: linear r22: found no log of that release in ")
    assert said.err.endswith("did you mean r2?\n")


def test_logs_follow_until_interrupted(tmp_path: Path) -> None:
    """Logs go on with what is added, until Ctrl-C."""
    log = tmp_path / "logs" / "linear-r1-1.log"
    log.parent.mkdir()
    log.write_text("old\nlast\n")
    command = [sys.executable, "-m", "modelctl", "logs", "linear", "-f", "-n", "1"]
    # A shell ignores the signal in what it starts in the background, and that is inherited.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    following = subprocess.Popen(
        [*command, "--state", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, before)
    try:
        said = [following.stdout.readline()]  # type: ignore[union-attr]
        with log.open("a") as file:
            file.write("added\n")
        said.append(following.stdout.readline())  # type: ignore[union-attr]
        following.send_signal(signal.SIGINT)
        _, words = following.communicate(timeout=PATIENCE_S)
    finally:
        following.kill()

    assert (["last\n", "added\n"], 130) == (said, following.returncode)
    assert "modelctl: interrupted\n" == words


@pytest.mark.parametrize("word", ["--version", "-V"])
def test_version(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The program tells its version."""
    assert 0 == main([word])
    assert re.fullmatch(r"modelctl \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("log", "logs"), ("predcit", "predict"), ("opne", "open"), ("Status", "status")],
)
def test_did_you_mean(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command that is nearly one is told which."""
    assert 2 == main([typed])
    assert f"did you mean {meant}?" in capsys.readouterr().err
