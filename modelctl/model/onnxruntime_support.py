"""What the pinned ONNX Runtime can load; a test asks the installed one for every number here.

Source: onnxruntime 1.31.1, by loading a model at each version; `serving/requirements.lock` pins it.
"""

from collections.abc import Mapping
from types import MappingProxyType

ONNXRUNTIME = "1.31"
MAX_IR_VERSION = 13  # of ONNX's file format

# Lowest and highest operator set by domain. It loads older ones, but lacks most of their kernels.
OPSETS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "ai.onnx": (7, 26),
        "ai.onnx.ml": (1, 5),
        "ai.onnx.preview": (1, 1),
        "ai.onnx.preview.training": (1, 1),
        "ai.onnx.training": (1, 1),
        "com.microsoft": (1, 1),
        "com.microsoft.experimental": (1, 1),
        "com.microsoft.nchwc": (1, 1),
        "com.ms.internal.nhwc": (7, 26),
        "org.pytorch.aten": (1, 1),
    }
)
