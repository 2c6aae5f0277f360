"""Options of execution providers that a release may set, checked before anything is loaded."""

from typing import Annotated, Literal

from msgspec import Meta, Struct, structs


class _Options(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Options, under the names that ONNX Runtime gives them."""

    def words(self) -> dict[str, str]:
        """The options that were chosen, as ONNX Runtime reads them."""
        return {
            name: str(int(value)) if isinstance(value, bool) else str(value)
            for name, value in structs.asdict(self).items()
            if value is not None
        }


class CpuOptions(_Options, frozen=True):
    """Options of the CPU provider; ONNX Runtime takes them with the options of the session."""

    enable_cpu_mem_arena: bool | None = None


class CudaOptions(_Options, frozen=True):
    """Options of the CUDA provider; `gpu_mem_limit` is in bytes."""

    gpu_mem_limit: Annotated[int, Meta(gt=0)] | None = None
    arena_extend_strategy: Literal["kNextPowerOfTwo", "kSameAsRequested"] | None = None
    cudnn_conv_algo_search: Literal["EXHAUSTIVE", "HEURISTIC", "DEFAULT"] | None = None
    cudnn_conv_use_max_workspace: bool | None = None
    use_tf32: bool | None = None


class TensorrtOptions(_Options, frozen=True):
    """Options of the TensorRT provider; `trt_max_workspace_size` is in bytes."""

    trt_max_workspace_size: Annotated[int, Meta(gt=0)] | None = None
    trt_fp16_enable: bool | None = None
    trt_builder_optimization_level: Annotated[int, Meta(ge=0, le=5)] | None = None
    trt_engine_cache_enable: bool | None = None


class ProviderOptions(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The options of each provider that has any."""

    cpu: CpuOptions = CpuOptions()
    cuda: CudaOptions = CudaOptions()
    tensorrt: TensorrtOptions = TensorrtOptions()
