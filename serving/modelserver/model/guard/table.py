"""Operators in which ONNX Runtime ends the process, by the input that does it.

Found by trying every operator of the standard, and those that ONNX Runtime makes of them, on empty
tensors, other sizes and extreme values: `tests/serving/native` does it again. It aborts, divides by
zero or reads outside its memory.
"""

from collections.abc import Mapping
from types import MappingProxyType

NEEDS_ELEMENTS: Mapping[tuple[str, str], tuple[int, ...]] = MappingProxyType(
    {
        ("", "Attention"): (1, 2),
        ("", "Conv"): (1,),
        ("", "ConvTranspose"): (0, 1),
        ("", "GRU"): (0,),
        ("", "LSTM"): (0,),
        ("", "STFT"): (2,),
        ("", "Unique"): (0,),
        ("ai.onnx.ml", "FeatureVectorizer"): (),
    }
)
"""By domain and name of an operator the inputs that must have elements; () stands for all."""

NEEDS_NONZERO: Mapping[tuple[str, str], tuple[int, ...]] = MappingProxyType({("", "STFT"): (3,)})
"""The inputs, numbers by themselves, that must not be 0."""

DIVIDES = frozenset({("", "Div"), ("", "Mod")})
"""Of whole numbers, the smallest divided by -1 is no whole number of that type."""

_KEEP = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh BatchNormalization BitwiseAnd
BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Celu Clip Cos Cosh CumSum DequantizeLinear
Div Dropout DynamicQuantizeLinear Elu Equal Erf Exp Flatten Floor GRU Gelu Gemm
GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish
Hardmax Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less
LessOrEqual Log LogSoftmax LpNormalization MatMul MatMulInteger Max Mean
MeanVarianceNormalization Min Mish Mod Mul Neg Not Or PRelu Pow QLinearMatMul QuantizeLinear
RMSNormalization RNN Reciprocal Relu Reshape Round Selu Shrink Sigmoid Sign Sin Sinh Softmax
Softplus Softsign Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Transpose Unsqueeze Where
Xor
"""

KEEPS_ELEMENTS = frozenset(_KEEP.split())
"""Operators of the standard whose outputs have elements if all their inputs have some.

Convolutions and pools are not among them: a window that is larger than its input leaves nothing.
"""
