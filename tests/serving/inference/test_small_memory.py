"""A server in 512 MiB: whatever is sent, it lives, and answers those who ask for little."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import httpx
import onnx
import pytest

from tests.serving import control_group, hostile, onnx_models
from tests.serving.conftest import Server, start_server, write_release
from tests.serving.control_group import Group
from tests.serving.hostile import Hostile
from tests.serving.memory import MIB, forget_peak, peak_bytes

LIMIT_BYTES = 512 * MIB
USED_SHARE = 0.8
ARTIFACT = Path(__file__).parents[3] / "examples" / "artifacts" / "digits-cnn" / "r2.onnx"

Small = tuple[Server, Group]


@pytest.fixture(scope="module")
def group() -> Iterator[Group]:
    """The pod, one server after the other."""
    with control_group.of(LIMIT_BYTES) as made:
        yield made


def served(folder: Path, group: Group, model: onnx.ModelProto, **settings: object) -> Server:
    """A server of a model in the pod."""
    program = f"{group.joining}\nfrom modelserver.__main__ import main\nmain()"
    environment = write_release(folder, model, **settings)
    server = start_server(environment, folder / "server.log", ("-c", program))
    server.until("ready")
    return server


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, group: Group) -> Iterator[Small]:
    """A server of a convolution of 64 numbers a row."""
    folder = tmp_path_factory.mktemp("small")
    server = served(folder, group, onnx.load(ARTIFACT), BATCHING_MAX_SIZE=32)
    yield server, group
    server.close()


class Good:
    """Somebody who asks for one row after the other while a block runs; each must be answered."""

    def __init__(self, server: Server) -> None:
        self._url = f"{server.url}/v2/models/sample/infer"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.statuses: list[int] = []

    def _ask(self) -> None:
        body = hostile.text(1)
        with httpx.Client(timeout=60) as client:
            while not (self._over.is_set() and self.statuses):
                answer = client.post(self._url, content=body, headers=dict(hostile.JSON))
                self.statuses.append(answer.status_code)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()


def sent(server: Server, each: Hostile) -> set[int]:
    """The statuses that a hostile body gets, sent as often as it wants at once."""
    body, headers = each.make()
    url = f"{server.url}/v2/models/sample/infer"

    def post(_: int) -> int:
        try:
            return httpx.post(url, content=body, headers=dict(headers), timeout=60).status_code
        except httpx.WriteError:
            return 413  # refused by its announcement, and cut off in the middle

    with ThreadPoolExecutor(each.times) as pool:
        return set(pool.map(post, range(each.times)))


@pytest.mark.parametrize("each", hostile.table(), ids=lambda each: each.name)
def test_server_outlives_every_body(small: Small, each: Hostile) -> None:
    """The answer is right, the peak stays in the plan, and nobody else is turned away."""
    server, group = small
    forget_peak(server)
    group.forget_peak()

    with Good(server) as good:
        statuses = sent(server, each)

    assert statuses <= each.statuses
    assert {200} == set(good.statuses)
    assert max(peak_bytes(server), group.peak_bytes()) <= USED_SHARE * LIMIT_BYTES
    assert (0, None) == (group.killed(), server.process.poll())


def test_run_that_is_too_large(tmp_path: Path, group: Group) -> None:
    """Attention over 16,384 places takes a gibibyte, of 4,096 places 64 MiB."""
    server = served(tmp_path, group, onnx_models.attention(8))
    answers = []
    for length in (16_384, 4096, 16_384, 4):
        data = [0.5] * (8 * length)
        tensor = {"name": "x", "datatype": "FP32", "shape": [1, length, 8], "data": data}
        answers.append(server.infer({"inputs": [tensor]}))
    peak = peak_bytes(server)
    server.close()

    assert [413, 200, 413, 200] == [each.status_code for each in answers]
    assert "needs more memory than there is for one" in answers[0].json()["error"]
    assert peak <= USED_SHARE * LIMIT_BYTES


def test_answer_that_is_too_large(tmp_path: Path, group: Group) -> None:
    """Thirty million numbers, which the input tells and no size of it, are refused as an answer."""
    model = onnx_models.as_many_as_told()
    server = served(tmp_path, group, model)
    tensor = {"name": "x", "datatype": "INT64", "shape": [1]}

    large = [server.infer({"inputs": [tensor | {"data": [n]}]}) for n in (30_000_000, 100_000_000)]
    small = server.infer({"inputs": [tensor | {"data": [3]}]})
    peak = peak_bytes(server)
    server.close()

    assert [413, 413, 200] == [each.status_code for each in (*large, small)]
    assert "outputs: the answer may take 750000000 bytes" in large[0].json()["error"]
    assert "needs more memory than there is for one" in large[1].json()["error"]
    assert peak <= USED_SHARE * LIMIT_BYTES
