"""A bound on ONNX Runtime's memory: an allocation past it fails, and the process goes on.

Without a bound a run takes what it asks for, until the kernel refuses all of this process, health
checks included, or ends it.
"""

import onnxruntime

_GROW_BY_DOUBLING = 0  # ONNX Runtime's own default, kNextPowerOfTwo


def bound(most_bytes: int) -> None:
    """Bound the arena of sessions that are loaded from now on, if they are told to share one."""
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg(
        {"max_mem": most_bytes, "arena_extend_strategy": _GROW_BY_DOUBLING}
    )
    onnxruntime.create_and_register_allocator(memory, arena)
