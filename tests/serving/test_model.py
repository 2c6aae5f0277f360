"""Loading, contract, warm-up, golden replay and batches on real ONNX Runtime sessions."""

import asyncio
import json
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from modelserver import batch, errors, golden, model, warmup
from modelserver.batch import Outcome
from modelserver.bfloat16 import to_bits
from modelserver.codec import Call, Codec
from modelserver.contract import Contract, TensorSpec, shared_sizes
from modelserver.datatypes import DATATYPES
from modelserver.metrics import Metrics
from modelserver.model import Model
from modelserver.scheduler import Scheduler
from tests.serving import onnx_models
from tests.serving.test_codec import request

Load = Callable[..., Model]


def specs(**tensors: tuple[str, tuple[int, ...]]) -> tuple[TensorSpec, ...]:
    """Tensors by name."""
    return tuple(
        TensorSpec(name, DATATYPES[datatype], shape) for name, (datatype, shape) in tensors.items()
    )


XY = Contract(specs(x=("FP32", (-1, 2))), specs(y=("FP32", (-1, 2))))


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a model under a contract, by default x to y in rows of two FP32."""

    def one(content: onnx.ModelProto | bytes, contract: Contract = XY, **options: Any) -> Model:  # noqa: ANN401
        path = tmp_path / "model.onnx"
        path.write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
        return model.load(path, contract, **({"providers": ["cpu"], "threads": 1} | options))

    return one


@pytest.mark.parametrize("datatype", DATATYPES)
def test_each_datatype_runs(load: Load, datatype: str) -> None:
    """ONNX Runtime takes and gives every datatype of the protocol, BF16 by its bits."""
    contract = Contract(specs(x=(datatype, (-1, 2))), specs(y=(datatype, (-1, 2))))
    loaded = load(onnx_models.identity(datatype), contract)
    feeds = warmup.synthetic(contract, rows=2)

    (found,) = loaded.run(["y"], feeds)

    assert found.dtype == feeds["x"].dtype
    assert np.array_equal(found, feeds["x"])


def test_bfloat16_computes(load: Load) -> None:
    """A BF16 model gives BF16 results, not reinterpreted bits."""
    contract = Contract(specs(x=("BF16", (-1, 2))), specs(y=("FP32", (-1, 2))))
    cast = onnx.helper.make_node("Cast", ["x"], ["y"], to=onnx.TensorProto.FLOAT)
    graph = onnx_models.build([cast], {"x": ("BF16", ("N", 2))}, {"y": ("FP32", ("N", 2))})

    (found,) = load(graph, contract).run(["y"], {"x": to_bits(np.array([[1.5, -2]], np.float32))})

    assert found.tolist() == [[1.5, -2.0]]


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        (
            Contract(specs(z=("FP32", (-1, 2))), XY.outputs),
            "inputs: z is not in the graph, which has x; inputs: the graph also takes x",
        ),
        (Contract(XY.inputs, specs(z=("FP32", (-1, 2)))), "outputs: z is not in the graph, which"),
        (Contract(specs(x=("INT64", (-1, 2))), XY.outputs), "inputs.x: found FP32, expected INT64"),
        (
            Contract(specs(x=("FP32", (-1, 3))), XY.outputs),
            "inputs.x: found ['N', 2], expected [-1, 3]",
        ),
        (Contract(specs(x=("FP32", (-1, -1))), XY.outputs), "found ['N', 2], expected [-1, -1]"),
        (Contract(specs(x=("FP32", (-1,))), XY.outputs), "found ['N', 2], expected [-1]"),
        (Contract((), XY.outputs), "inputs: the graph also takes x"),
    ],
)
def test_contract_that_the_graph_does_not_keep(
    load: Load, contract: Contract, problem: str
) -> None:
    """Every difference between contract and graph is named before anything is served."""
    with pytest.raises(errors.ContractMismatch) as caught:
        load(onnx_models.identity("FP32"), contract)

    assert problem in str(caught.value)


def test_contract_may_be_narrower_than_the_graph(load: Load) -> None:
    """A fixed size where the graph takes any, or an output left out, is a promise kept."""
    fixed = Contract(specs(a=("FP32", (3, 2)), b=("FP32", (3, 2))), specs(sum=("FP32", (3, 2))))

    assert load(onnx_models.total(), fixed).contract is fixed


def broken_operator() -> onnx.ModelProto:
    """A model with an operator that nobody has registered."""
    node = onnx.helper.make_node("Unheard", ["x"], ["y"], domain="com.example")
    shape = ("FP32", ("N", 2))
    built = onnx_models.build([node], {"x": shape}, {"y": shape})
    built.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    return built


def future_opset() -> onnx.ModelProto:
    """A model of an opset that does not exist yet."""
    built = onnx_models.identity("FP32")
    built.opset_import[0].version = 999
    return built


@pytest.mark.parametrize(
    ("build", "error", "text"),
    [
        (broken_operator, errors.ModelUnsupported, "Unheard"),
        (future_opset, errors.ModelUnsupported, "opset"),
        (onnx_models.sequence, errors.ModelUnsupported, r"found seq\(tensor\(float\)\)"),
        (lambda: b"\x08\x09:\x03xyz", errors.ModelMalformed, "export the model again"),
    ],
)
def test_model_that_cannot_be_loaded(
    load: Load, build: Callable[[], Any], error: type[Exception], text: str
) -> None:
    """What is wrong with the model decides the error, and ONNX Runtime's own words are kept."""
    with pytest.raises(error, match=text):
        load(build())


def test_provider_that_is_not_there(load: Load) -> None:
    """Asking for a GPU and not getting it is an error, never a silent fall-back."""
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA: there is no missing provider to ask for")

    with pytest.raises(errors.ProviderMissing, match="CUDAExecutionProvider as well"):
        load(onnx_models.identity("FP32"), providers=["cuda", "cpu"])


def test_index_out_of_range_is_the_client_s_fault(load: Load) -> None:
    """Values that the model refuses are told to the client, not counted as our failure."""
    loaded = load(onnx_models.pick(), Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,)))))

    with pytest.raises(errors.InvalidRequest, match="inputs: the model refuses them"):
        loaded.run(["y"], {"x": np.array([3])})


def test_warm_up_measures_and_allows_batches(load: Load) -> None:
    """A model whose rows are independent may be batched, and is quick enough for the event loop."""
    profile = warmup.measure(load(onnx_models.identity("FP32")), None)

    assert (profile.unbatched_because, profile.takes_no_rows, profile.inline) == (None, True, True)


@pytest.mark.parametrize("build", [onnx_models.centred, onnx_models.requantised])
def test_rows_that_depend_on_each_other_are_never_batched(
    load: Load, build: Callable[[], onnx.ModelProto]
) -> None:
    """A model that mixes the rows of a batch would let one client's numbers change another's."""
    profile = warmup.measure(load(build()), None)

    assert profile.unbatched_because == "a row of y depends on the other rows of its batch"


def test_fixed_batch_is_never_batched(load: Load) -> None:
    """A model that takes one row says why it is served unbatched."""
    fixed = Contract(specs(x=("FP32", (1, 2))), specs(y=("FP32", (1, 2))))
    profile = warmup.measure(load(onnx_models.identity("FP32", (1, 2)), fixed), None)

    assert profile.unbatched_because == "the first dimension of x is fixed"


def test_slow_model_gets_a_thread(load: Load) -> None:
    """A run longer than a millisecond does not belong in the event loop."""
    contract = Contract(specs(x=("FP32", (1, 1))), specs(y=("FP32", (512, 1))))

    assert not warmup.measure(load(onnx_models.slow(2), contract), None).inline


def test_model_that_cannot_run(load: Load) -> None:
    """A model that fails on made-up input is not ready, and the remedy is named."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    node = onnx.helper.make_node("Gather", ["table", "x"], ["y"])
    empty = onnx.numpy_helper.from_array(np.zeros(0, np.float32), "table")
    graph = onnx_models.build([node], {"x": ("INT64", ("N",))}, {"y": ("FP32", ("N",))}, [empty])

    with pytest.raises(errors.WarmUpFailed, match="give the release a golden file"):
        warmup.measure(load(graph, contract), None)


def golden_file(**changes: Any) -> bytes:  # noqa: ANN401
    """A golden file of one case for x to y."""
    tensor = {"shape": [1, 2], "datatype": "FP32", "data": [1, 2]}
    case = {"inputs": [tensor | {"name": "x"}], "outputs": [tensor | {"name": "y"}]}
    return json.dumps({"tolerance": {}, "cases": [case | changes]}).encode()


def test_golden_answers_are_recognised(load: Load) -> None:
    """A model that answers as recorded passes."""
    golden.replay(load(onnx_models.identity("FP32")), golden.parse(golden_file(), XY))


def test_other_answers_are_named(load: Load) -> None:
    """The first element that differs is named with both values and the tolerance."""
    wrong = [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.1]}]
    recorded = golden.parse(golden_file(outputs=wrong), XY)

    with pytest.raises(errors.GoldenMismatch) as caught:
        golden.replay(load(onnx_models.identity("FP32")), recorded)

    assert str(caught.value).startswith("cases[0].outputs.y.data[1]: found 2.0, expected 2.09")
    assert "1 of 2 elements differ" in str(caught.value)


def test_tolerance_counts(load: Load) -> None:
    """A difference within absolute + relative x |expected| passes."""
    near = [{"name": "y", "shape": [1, 2], "datatype": "FP32", "data": [1, 2.1]}]
    text = golden_file(outputs=near).replace(b'"tolerance": {}', b'"tolerance": {"relative": 0.1}')

    golden.replay(load(onnx_models.identity("FP32")), golden.parse(text, XY))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "golden file: "),
        (b"[" * 100_000, "golden file: "),
        (b"{}", "cases: is missing"),
        (b'{"cases": []}', "found no cases"),
        (b'{"cases": [], "tolerance": {"percent": 1}}', "tolerance: object contains unknown"),
        (golden_file(inputs=[]), "cases[0].inputs: x is missing"),
        (golden_file(outputs=[]), "cases[0].outputs: y is missing"),
        (golden_file(inputs=[{"name": "z", "shape": [], "datatype": "FP32"}]), "found 'z', exp"),
        (
            golden_file(inputs=[{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1]}]),
            "cases[0].inputs[0].data: found 1 elements, expected 2",
        ),
    ],
)
def test_bad_golden_file(text: bytes, problem: str) -> None:
    """A golden file that is not of its format is refused with the place."""
    with pytest.raises(errors.GoldenMalformed) as caught:
        golden.parse(text, XY)

    assert problem in str(caught.value)


def calls(loaded: Model, rows: list[list[float]]) -> list[Call]:
    """One call a row."""
    codec = Codec(model="sample", release="r1", contract=loaded.contract)
    return [codec.decode(request({"shape": [1, 2], "data": row})) for row in rows]


def test_batch_gives_each_call_its_own_rows(load: Load) -> None:
    """Calls of several rows come out of a batch as they went in."""
    loaded = load(onnx_models.identity("FP32"))
    codec = Codec(model="sample", release="r1", contract=loaded.contract)
    first = codec.decode(request({"shape": [2, 2], "data": [1, 2, 3, 4]}))
    second = codec.decode(request({"shape": [1, 2], "data": [5, 6]}))

    outcomes = batch.execute(loaded, [first, second])

    assert [[array.tolist() for array in outcome] for outcome in outcomes] == [
        [[[1.0, 2.0], [3.0, 4.0]]],
        [[[5.0, 6.0]]],
    ]


def test_bad_call_in_a_batch_fails_alone(load: Load) -> None:
    """One client's bad index does not fail the others that ran with it."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    loaded = load(onnx_models.pick(), contract)
    codec = Codec(model="sample", release="r1", contract=contract)
    bodies = [request({"shape": [1], "datatype": "INT64", "data": [index]}) for index in (0, 9, 2)]

    first, bad, last = batch.execute(loaded, [codec.decode(body) for body in bodies])

    assert isinstance(bad, errors.InvalidRequest)
    assert [first[0].tolist(), last[0].tolist()] == [[10.0], [30.0]]


class Waiting:
    """A call and the future of its outcome."""

    def __init__(self, call: Call, *, expires_at: float = inf, cancelled: bool = False) -> None:
        self.call = call
        self.submitted_at = time.perf_counter()
        self.expires_at = expires_at
        self.cancelled = cancelled
        self.future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def finish(self, outcome: Outcome) -> None:
        """Keep the outcome."""
        self.future.set_result(outcome)


async def scheduled(
    loaded: Model,
    waiting: list[Call],
    **options: Any,  # noqa: ANN401
) -> tuple[list[Outcome], Metrics]:
    """Outcomes of calls that are submitted in one turn of the event loop."""
    metrics = Metrics(model="sample", release="r1")
    scheduler = Scheduler(loaded, metrics, **options)
    futures = []
    for call in waiting:
        job = Waiting(call)
        scheduler.submit(job)
        futures.append(job.future)
    return await asyncio.gather(*futures), metrics


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize(
    ("max_rows", "max_delay_s", "runs"), [(1, 0, 20), (8, 0, 3), (8, 0.001, 3), (64, 0.001, 1)]
)
def test_waiting_calls_run_together(
    load: Load,
    inline: bool,  # noqa: FBT001
    max_rows: int,
    max_delay_s: float,
    runs: int,
) -> None:
    """Calls of one turn run in as few batches as the limit allows, each with its own answer."""
    loaded = load(onnx_models.identity("FP32"))
    rows = [[float(number), -float(number)] for number in range(20)]

    outcomes, metrics = asyncio.run(
        scheduled(
            loaded, calls(loaded, rows), inline=inline, max_rows=max_rows, max_delay_s=max_delay_s
        )
    )

    assert [outcome[0].tolist()[0] for outcome in outcomes] == rows
    assert metrics.batch_rows.total == 20
    assert metrics.compute_s.buckets()[-1][1] == runs


def test_different_shapes_never_mix(load: Load) -> None:
    """Calls whose rows differ in size run in batches of their own, in order of arrival."""
    contract = Contract(specs(x=("FP32", (-1, -1))), specs(y=("FP32", (-1, -1))))
    loaded = load(onnx_models.identity("FP32", ("N", "M")), contract)
    codec = Codec(
        model="sample", release="r1", contract=contract, shared=shared_sizes(loaded.graph)
    )
    waiting = [
        codec.decode(request({"shape": [1, size], "data": [float(size)] * size}))
        for size in (1, 2, 1, 2, 3)
    ]

    outcomes, metrics = asyncio.run(scheduled(loaded, waiting, inline=True, max_rows=8))

    assert [outcome[0].shape for outcome in outcomes] == [(1, 1), (1, 2), (1, 1), (1, 2), (1, 3)]
    assert metrics.compute_s.buckets()[-1][1] == 3


def test_calls_that_nobody_wants_are_dropped(load: Load) -> None:
    """A call whose time is over, or whose client is gone, is not run, in a batch or alone."""
    loaded = load(onnx_models.identity("FP32"))
    waiting = calls(loaded, [[float(number), 0.0] for number in range(6)])
    metrics = Metrics(model="sample", release="r1")

    async def run() -> list[Outcome]:
        scheduler = Scheduler(loaded, metrics, inline=True, max_rows=8)
        late = time.perf_counter() - 1
        jobs = [
            Waiting(call, expires_at=late if number in {0, 3} else inf, cancelled=number in {1, 4})
            for number, call in enumerate(waiting)
        ]
        for job in jobs:
            scheduler.submit(job)
        return list(await asyncio.gather(*(job.future for job in jobs)))

    outcomes = asyncio.run(run())

    kinds = [type(outcome) for outcome in outcomes]
    assert kinds == [errors.DeadlineExceeded, errors.Disconnected, list] * 2
    assert metrics.dropped == {"deadline": 2, "disconnect": 2}
    assert metrics.batch_rows.total == 2


def test_waits_are_told_apart(load: Load) -> None:
    """Time held back for other calls is batch wait, the rest is queue."""
    loaded = load(onnx_models.identity("FP32"))
    rows = [[1.0, 2.0], [3.0, 4.0]]

    _, metrics = asyncio.run(
        scheduled(loaded, calls(loaded, rows), inline=True, max_rows=8, max_delay_s=0.02)
    )

    assert metrics.batch_wait_s.total > 0.03
    assert metrics.queue_s.total < 0.02


def test_failure_reaches_its_call_only(load: Load) -> None:
    """A failing call does not disturb the scheduler."""
    contract = Contract(specs(x=("INT64", (-1,))), specs(y=("FP32", (-1,))))
    loaded = load(onnx_models.pick(), contract)
    codec = Codec(model="sample", release="r1", contract=contract)
    waiting = [
        codec.decode(request({"shape": [1], "datatype": "INT64", "data": [index]}))
        for index in (7, 1)
    ]

    (bad, good), _ = asyncio.run(scheduled(loaded, waiting, inline=False))

    assert isinstance(bad, errors.InvalidRequest)
    assert good[0].tolist() == [20.0]
