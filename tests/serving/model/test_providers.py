"""Execution providers: what they are set up with, and that none is silently replaced."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import pytest

from modelserver.errors import ProviderMissing
from modelserver.model import providers
from modelserver.model.provider_options import CudaOptions, ProviderOptions, TensorrtOptions
from tests.serving import onnx_models
from tests.serving.conftest import write_release

if TYPE_CHECKING:
    from tests.serving.conftest import Start

GIB = 1 << 30
ROW = [0.1, -0.2, 0.3, 4.0]
BODY = {"inputs": [{"name": "x", "shape": [1, 4], "datatype": "FP32", "data": ROW}]}

Configure = Callable[[ProviderOptions], dict[str, dict[str, str]]]

on_gpu = pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers(),
    reason="this ONNX Runtime has no CUDA: it takes an NVIDIA GPU and onnxruntime-gpu",
)
without_gpu = pytest.mark.skipif(
    Path("/dev/nvidiactl").exists(), reason="this machine has an NVIDIA GPU"
)


@pytest.fixture
def configure() -> Configure:
    """Options by ONNX Runtime's name of the provider, on a GPU of 10 GiB."""

    def one(options: ProviderOptions) -> dict[str, dict[str, str]]:
        return dict(
            providers.configured(
                ["tensorrt", "cuda", "cpu"],
                options,
                device_bytes=10 * GIB,
                engine_cache=Path("/cache/engines"),
            )
        )

    return one


def test_order_is_that_of_the_release(configure: Configure) -> None:
    """Providers are asked in the order in which the release names them."""
    assert [*configure(ProviderOptions())] == [
        "TensorrtExecutionProvider",
        "CUDAExecutionProvider",
        "CPUExecutionProvider",
    ]


def test_arena_leaves_room_on_the_device(configure: Configure) -> None:
    """Unless the release says otherwise the arena takes nine tenths of the GPU or its slice."""
    found = configure(ProviderOptions())

    assert {"gpu_mem_limit": str(9 * GIB)} == found["CUDAExecutionProvider"]
    assert {} == found["CPUExecutionProvider"] == found["TensorrtExecutionProvider"]


def test_options_are_in_the_words_of_onnx_runtime(configure: Configure) -> None:
    """Numbers and switches become the texts that ONNX Runtime reads."""
    cuda = CudaOptions(gpu_mem_limit=GIB, cudnn_conv_algo_search="HEURISTIC", use_tf32=False)
    tensorrt = TensorrtOptions(trt_fp16_enable=True, trt_builder_optimization_level=3)

    found = configure(ProviderOptions(cuda=cuda, tensorrt=tensorrt))

    assert found["CUDAExecutionProvider"] == {
        "gpu_mem_limit": str(GIB),
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "0",
    }
    assert found["TensorrtExecutionProvider"] == {
        "trt_fp16_enable": "1",
        "trt_builder_optimization_level": "3",
    }


def test_engines_are_kept_where_the_server_may_write(configure: Configure) -> None:
    """Who wants TensorRT's engine cache gets it in the server's own cache."""
    found = configure(ProviderOptions(tensorrt=TensorrtOptions(trt_engine_cache_enable=True)))

    assert found["TensorrtExecutionProvider"] == {
        "trt_engine_cache_enable": "1",
        "trt_engine_cache_path": "/cache/engines",
    }


def test_missing_provider_is_an_error() -> None:
    """What ONNX Runtime left out is named, with what to do."""
    with pytest.raises(ProviderMissing, match="expected CUDAExecutionProvider as well; use the im"):
        providers.require(["cuda", "cpu"], ["CPUExecutionProvider"])


@without_gpu
def test_machine_without_a_gpu_says_so() -> None:
    """Without a driver there is no size of a GPU to reckon with."""
    with pytest.raises(ProviderMissing, match=r"found no (libcuda\.so\.1|usable GPU)"):
        providers.device_memory_bytes()


@pytest.mark.parametrize("wanted", ["cuda", "cuda,cpu", "tensorrt,cuda,cpu"])
@without_gpu
def test_start_never_falls_back_to_the_cpu(tmp_path: Path, start: "Start", wanted: str) -> None:
    """A release that asks for a GPU does not start where there is none."""
    server = start(write_release(tmp_path, onnx_models.affine(), PROVIDERS=wanted))

    assert server.exit_code() == ProviderMissing.exit_code
    assert server.events("start-failed")[0]["error"] == "ProviderMissing"


@pytest.mark.gpu
@on_gpu
def test_gpu_answers_like_the_cpu(tmp_path: Path, start: "Start") -> None:
    """The same numbers within FP32's tolerance, and the metric names the provider in use."""
    found = {}
    for wanted in ("cuda,cpu", "cpu"):
        folder = tmp_path / wanted
        folder.mkdir()
        server = start(write_release(folder, onnx_models.affine(), PROVIDERS=wanted))
        server.until("ready")
        found[wanted] = server.infer(BODY).json()["outputs"][0]["data"]
        provider = "CUDAExecutionProvider,CPUExecutionProvider" if "cuda" in wanted else ""
        assert not provider or server.metric("modelserver_model_info", provider=provider) == 1

    assert np.allclose(found["cuda,cpu"], found["cpu"], rtol=1e-3, atol=1e-4)


@pytest.mark.gpu
@on_gpu
def test_arena_is_bounded_by_the_device(tmp_path: Path) -> None:
    """The session got the bound that was reckoned from the GPU's own memory."""
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_models.affine().SerializeToString())
    prepared = providers.prepare(["cuda", "cpu"], ProviderOptions(), tmp_path)
    session = onnxruntime.InferenceSession(str(path), providers=prepared)
    limit = session.get_provider_options()["CUDAExecutionProvider"]["gpu_mem_limit"]

    assert int(limit) == int(providers.device_memory_bytes() * providers.ARENA_SHARE)
