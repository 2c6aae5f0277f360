"""Options of execution providers that a release may set, checked before anything is loaded."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class _Options(BaseModel):
    """Options, under the names that ONNX Runtime gives them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def words(self) -> dict[str, str]:
        """The options that were chosen, as ONNX Runtime reads them."""
        chosen = self.model_dump(exclude_none=True)
        return {
            name: str(int(value)) if isinstance(value, bool) else str(value)
            for name, value in chosen.items()
        }


class CpuOptions(_Options):
    """Options of the CPU provider; ONNX Runtime takes them with the options of the session."""

    enable_cpu_mem_arena: bool | None = None


class CudaOptions(_Options):
    """Options of the CUDA provider; `gpu_mem_limit` is in bytes."""

    gpu_mem_limit: int | None = Field(default=None, gt=0)
    arena_extend_strategy: Literal["kNextPowerOfTwo", "kSameAsRequested"] | None = None
    cudnn_conv_algo_search: Literal["EXHAUSTIVE", "HEURISTIC", "DEFAULT"] | None = None
    cudnn_conv_use_max_workspace: bool | None = None
    use_tf32: bool | None = None


class TensorrtOptions(_Options):
    """Options of the TensorRT provider; `trt_max_workspace_size` is in bytes."""

    trt_max_workspace_size: int | None = Field(default=None, gt=0)
    trt_fp16_enable: bool | None = None
    trt_builder_optimization_level: int | None = Field(default=None, ge=0, le=5)
    trt_engine_cache_enable: bool | None = None


class ProviderOptions(BaseModel):
    """The options of each provider that has any."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu: CpuOptions = CpuOptions()
    cuda: CudaOptions = CudaOptions()
    tensorrt: TensorrtOptions = TensorrtOptions()
