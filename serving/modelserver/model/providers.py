"""The execution providers of ONNX Runtime: whether one is missing, and how each is set up."""

import ctypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import onnxruntime

from modelserver.errors import ProviderMissing
from modelserver.model.provider_options import ProviderOptions

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "cpu": "CPUExecutionProvider",
        "cuda": "CUDAExecutionProvider",
        "tensorrt": "TensorrtExecutionProvider",
    }
)
"""ONNX Runtime's name of each provider that a release may ask for."""

ARENA_SHARE = 0.9
"""Part of the memory of a GPU, or of its slice, that the arena may take unless options say more.

The rest is for the CUDA context, cuDNN's handles and what TensorRT keeps outside of the arena.
"""

_GPU = ("cuda", "tensorrt")
_DRIVER = "libcuda.so.1"  # the name under which NVIDIA's driver is installed

# ONNX Runtime's name of a provider, and its options as text.
Configured = tuple[str, dict[str, str]]


def prepare(names: Sequence[str], options: ProviderOptions, engine_cache: Path) -> list[Configured]:
    """ONNX Runtime's name and options of each provider, in order; their libraries are now loaded.

    `engine_cache` is the folder of compiled TensorRT engines.

    Raises:
        ProviderMissing: A provider, the driver or the device is not there.
    """
    require(names, onnxruntime.get_available_providers())
    device_bytes = 0
    if any(name in _GPU for name in names):
        device_bytes = device_memory_bytes()
        onnxruntime.preload_dlls(directory="")
    return configured(names, options, device_bytes=device_bytes, engine_cache=engine_cache)


def configured(
    names: Sequence[str], options: ProviderOptions, *, device_bytes: int, engine_cache: Path
) -> list[Configured]:
    """ONNX Runtime's name and options of each provider, on a device of `device_bytes` of memory."""
    cuda = {"gpu_mem_limit": str(int(device_bytes * ARENA_SHARE))} | options.cuda.words()
    tensorrt = options.tensorrt.words()
    if options.tensorrt.trt_engine_cache_enable:
        tensorrt["trt_engine_cache_path"] = str(engine_cache)
    words: dict[str, dict[str, str]] = {"cpu": {}, "cuda": cuda, "tensorrt": tensorrt}
    return [(NAMES[name], words[name]) for name in names]


def require(names: Sequence[str], found: Sequence[str]) -> None:
    """Return if every provider is among those that were found.

    ONNX Runtime itself would go on with the CPU, at a fraction of the speed.

    Raises:
        ProviderMissing: One is not.
    """
    missing = [NAMES[name] for name in names if NAMES[name] not in found]
    if missing:
        raise ProviderMissing(
            f"found {', '.join(found)}, expected {', '.join(missing)} as well; use the image built "
            "for this hardware, check that the device reached the pod, or change runtime.providers"
        )


def device_memory_bytes() -> int:
    """The memory of the GPU that this process may use, or of its MIG slice.

    Raises:
        ProviderMissing: There is no driver, or no device.
    """
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError as error:
        raise ProviderMissing(
            f"found no {_DRIVER} ({error}), expected NVIDIA's driver; run the pod with the NVIDIA "
            "runtime on a node with a GPU, or change runtime.providers"
        ) from error
    device, size = ctypes.c_int(), ctypes.c_size_t()
    if code := (
        driver.cuInit(0)
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    ):
        raise ProviderMissing(
            f"found no usable GPU (CUDA error {code}), expected one; check resources.gpu of the "
            "release and the device plugin, or change runtime.providers"
        )
    return size.value
