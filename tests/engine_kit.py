"""A scratch repository of one sample model, a `modelctl up` that follows it, and its callers."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Self

from modelctl.local.servers import processes
from modelctl.render import drift, generated
from modelctl.repo.loading import load
from modelctl.repo.tree import WorkTree
from scratch import PROJECT, git, init, use_own_hosts
from waiting import PATIENCE_S, until

MODEL = "linear"
INFER = f"/v2/models/{MODEL}/infer"
HOST = "models.localhost"  # as the environment says
HEADERS = {"host": HOST, "content-type": "application/json"}
QUESTION = json.dumps(
    {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": [2.0]}]}
)
JSON = dict[str, Any]
PROGRAM = (sys.executable, "-m", "modelctl")


class Repo:
    """A repository with the model `linear` in the environment `local`, and nothing else."""

    def __init__(self, root: Path) -> None:
        """Make it, with r1 taking all traffic on one replica, as one commit."""
        self.root = root
        for folder in (f"apps/{MODEL}/releases", f"examples/artifacts/{MODEL}"):
            shutil.copytree(PROJECT / folder, root / folder)
        (root / "argocd").mkdir()
        for file in (f"apps/{MODEL}/model.yaml", "argocd/environments.yaml", "argocd/teams.yaml"):
            shutil.copyfile(PROJECT / file, root / file)
        use_own_hosts(root)
        self.serve({"r1": 100})
        init(root)

    def serve(
        self,
        weights: dict[str, int],
        *,
        stable: str = "r1",
        shadow: tuple[str, int] | None = None,
        replicas: int = 1,
        paused: bool = False,
    ) -> Self:
        """Write what the environment serves, and render it."""
        copies = f"shadow: {{release: {shadow[0]}, percent: {shadow[1]}}}\n" if shadow else ""
        listed = ", ".join(f"{release}: {weight}" for release, weight in weights.items())
        scale = f"{{min: {replicas}, max: 4, metric: cpu, target: 70}}"
        self.write(
            f"apps/{MODEL}/envs/local.yaml",
            f"stable: {stable}\nweights: {{{listed}}}\n{copies}scale: {scale}\n"
            + ("paused: true\n" if paused else ""),
        )
        return self.render()

    def add_release(self, name: str, *, uri: str, sha256: str) -> Self:
        """Add a release like r2 with other bytes, which lie outside the repository."""
        text = (self.root / f"apps/{MODEL}/releases/r2.yaml").read_text(encoding="utf-8")
        text = re.sub(r"(artifact:\n  uri: ).*\n(  sha256: ).*", rf'\1"{uri}"\n\2"{sha256}"', text)
        self.write(f"apps/{MODEL}/releases/{name}.yaml", text)
        return self

    def write(self, path: str, text: str) -> None:
        """Write one file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def render(self) -> Self:
        """Write every generated file anew."""
        for folder in (f"apps/{MODEL}/rendered", "argocd/platform"):
            shutil.rmtree(self.root / folder, ignore_errors=True)
        repository = load(WorkTree(self.root))
        shared = drift.expected_shared(repository)
        for path, content in shared.items():
            self.write(path, content.decode())
        for path, text in generated(repository.model(MODEL)).items():
            self.write(path, text)
        return self

    def use_template(self, version: str) -> Self:
        """Have every environment pin a version of the template, and render it."""
        file = "argocd/environments.yaml"
        text = (self.root / file).read_text(encoding="utf-8")
        self.write(file, re.sub(r"template: v\d+", f"template: {version}", text))
        return self.render()

    def commit(self, subject: str, *, author: str = "Ann <ann@example.com>") -> str:
        """Commit everything, or nothing new; the hash."""
        git(self.root, "add", "--all")
        git(
            self.root,
            "commit",
            "--quiet",
            "--allow-empty",
            "--message",
            subject,
            "--author",
            author,
        )
        return git(self.root, "rev-parse", "HEAD").strip()


class Up:
    """A running `modelctl up`, its answers and its status."""

    def __init__(
        self,
        repository: str | Path,
        state: Path,
        *words: str,
        port: int = 0,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        """Start it, on free ports unless one is given, and wait until it has told them."""
        self.state = state
        command = ("up", "--repo", str(repository), "--state", str(state), *words)
        with (state.parent / f"{state.name}.err").open("ab") as errors:
            self.process = subprocess.Popen(
                [*program, *command, "--port", str(port), "--status-port", "0"],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        told = "".join(self.process.stdout.readline() for _ in range(3))  # type: ignore[union-attr]
        found = re.findall(r"http://127\.0\.0\.1:(\d+)", told)
        if len(found) != 2:
            raise AssertionError(f"modelctl up did not start: {self.errors()}")
        self.port, self.page_port = map(int, found)

    def errors(self) -> str:
        """What it has said on stderr."""
        return (self.state.parent / f"{self.state.name}.err").read_text(encoding="utf-8")

    def status(self) -> JSON:
        """The whole status, over HTTP."""
        return json.loads(self.page("/status.json"))  # type: ignore[no-any-return]

    def page(self, path: str) -> str:
        """A page of the status server."""
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.page_port, timeout=PATIENCE_S)
        ) as asked:
            asked.request("GET", path)
            return asked.getresponse().read().decode()

    def until(self, holds: Callable[[JSON], Any]) -> JSON:
        """Wait until something holds of the status, and give that status."""
        return until(
            self.status,
            holds,
            shown=lambda status: json.dumps(status, indent=1)[:6000] + self.errors()[-3000:],
        )

    def until_well(self, commit: str | None = None) -> JSON:
        """Wait until everything is Synced and Healthy, at a commit if one is given."""
        return self.until(
            lambda s: s["well"] and s["models"] and (not commit or s["synced"]["id"] == commit)
        )

    def ask(self, headers: dict[str, str] | None = None, *, path: str = INFER) -> tuple[int, JSON]:
        """One prediction through Envoy: status and answer."""
        sent = {**HEADERS, **(headers or {})}
        with closing(
            http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        ) as asked:
            asked.request("POST", path, QUESTION, sent)
            answer = asked.getresponse()
            return answer.status, json.loads(answer.read())

    def release(self, headers: dict[str, str] | None = None) -> str:
        """The release that answers one prediction."""
        status, answer = self.ask(headers)
        assert status == 200, answer
        return str(answer["model_version"])

    def split(self, requests: int) -> Counter[str]:
        """How many of so many predictions each release answers, over two connections."""
        with Load(self.port, connections=2, limit=requests // 2) as load:
            load.join()
        assert load.failures == [], load.failures[:3]
        return load.releases

    def answers(self) -> bool:
        """Whether Envoy accepts connections and a model answers."""
        try:
            return self.ask()[0] == 200
        except OSError:
            return False

    def pids(self) -> dict[str, int]:
        """The processes that run, by name."""
        return {found.name: found.pid for found in processes.found(self.state) if found.leads}

    def kill(self, name: str) -> None:
        """Kill one of the processes, as the kernel would when memory runs out."""
        os.kill(self.pids()[name], signal.SIGKILL)

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        with self.process:
            return self.process.wait(PATIENCE_S)


class Load:
    """Callers that ask without a pause, each on a connection of its own, until the block ends."""

    def __init__(self, port: int, *, connections: int = 4, limit: int | None = None) -> None:
        self.releases: Counter[str] = Counter()
        self.failures: list[str] = []
        self._port = port
        self._limit = limit
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._call, daemon=True) for _ in range(connections)
        ]

    @property
    def answered(self) -> int:
        """Answers so far, failed ones left out."""
        return self.releases.total()

    def join(self) -> None:
        """Wait until every caller has reached its limit."""
        for thread in self._threads:
            thread.join()

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self.join()

    def _call(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        asked = 0
        while not self._stop.is_set() and asked != self._limit:
            asked += 1
            release, fault = self._ask(connection)
            with self._lock:
                if fault:
                    self.failures.append(fault)
                else:
                    self.releases[release] += 1
        connection.close()

    def _ask(self, connection: http.client.HTTPConnection) -> tuple[str, str]:
        try:
            connection.request("POST", INFER, QUESTION, HEADERS)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            return "", f"{error!r}"
        if answer.status != 200:
            return "", f"{answer.status} {body!r}"
        return str(json.loads(body)["model_version"]), ""


@contextmanager
def running(
    repository: str | Path, state: Path, *words: str, program: Sequence[str] = PROGRAM
) -> Iterator[Up]:
    """A `modelctl up` for one test; it must end with 0 unless the test has ended it."""
    up = Up(repository, state, *words, program=program)
    try:
        yield up
    finally:
        code = up.stop() if up.process.poll() is None else 0
    assert code == 0, up.errors()
