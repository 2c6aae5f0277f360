"""The table of operators: for each, how an axis of rows passes it.

What is not in it proves nothing, so a new operator of the standard only costs a batch until a line
says how it behaves. The test beside it tries every line against ONNX Runtime.

Source: the ONNX standard's operators and their versions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from modelserver.model.rows.rules import (
    across,
    counting,
    elementwise,
    layout,
    learners,
    nested,
    picking,
    products,
    sequences,
    windows,
)
from modelserver.model.rows.step import Step
from modelserver.model.rows.values import Known, UnprovenError

Apply = Callable[[Step], Sequence[Known]]


@dataclass(frozen=True, slots=True)
class Rule:
    """How one operator behaves.

    At the inputs `counts` it may take elements that count rows, of which `apply` knows what they
    mean. `pure` says that outputs follow from inputs alone: where all of these are the same in
    every run, those are. `hides_rows` says that an output may be the same in every run even where
    an input has rows.
    """

    apply: Apply
    counts: tuple[int, ...] = ()
    pure: bool = True
    hides_rows: bool = False


def only_constants(step: Step) -> Sequence[Known]:
    """Nothing is known but that equal inputs give equal outputs."""
    raise UnprovenError(f"rows may meet in {step.node.op_type}")


_ELEMENTWISE = Rule(elementwise.elementwise)
_LIKE_FIRST = Rule(elementwise.like_first)
_QUANTIZED = Rule(elementwise.quantized)
_REDUCE = Rule(across.reduce)
_ARG = Rule(across.arg_reduce)
_SOFTMAX = Rule(across.softmax)
_CHANNEL = Rule(across.per_channel)
_POOL = Rule(windows.pool)
_GLOBAL = Rule(windows.global_pool)
_IMAGE = Rule(windows.per_image)
_RECURRENT = Rule(sequences.recurrent)
_PREDICTED = Rule(learners.predicted)
_CLASSIFIED = Rule(learners.classified)
_KEPT = Rule(learners.kept)
_CONSTANT = Rule(only_constants)

_STANDARD = {
    "Abs": _ELEMENTWISE,
    "Acos": _ELEMENTWISE,
    "Acosh": _ELEMENTWISE,
    "Add": _ELEMENTWISE,
    "And": _ELEMENTWISE,
    "Asin": _ELEMENTWISE,
    "Asinh": _ELEMENTWISE,
    "Atan": _ELEMENTWISE,
    "Atanh": _ELEMENTWISE,
    "BitShift": _ELEMENTWISE,
    "BitwiseAnd": _ELEMENTWISE,
    "BitwiseNot": _ELEMENTWISE,
    "BitwiseOr": _ELEMENTWISE,
    "BitwiseXor": _ELEMENTWISE,
    "Cast": _ELEMENTWISE,
    "Ceil": _ELEMENTWISE,
    "Celu": _ELEMENTWISE,
    "Cos": _ELEMENTWISE,
    "Cosh": _ELEMENTWISE,
    "Div": _ELEMENTWISE,
    "Elu": _ELEMENTWISE,
    "Equal": _ELEMENTWISE,
    "Erf": _ELEMENTWISE,
    "Exp": _ELEMENTWISE,
    "Floor": _ELEMENTWISE,
    "Gelu": _ELEMENTWISE,
    "Greater": _ELEMENTWISE,
    "GreaterOrEqual": _ELEMENTWISE,
    "HardSigmoid": _ELEMENTWISE,
    "HardSwish": _ELEMENTWISE,
    "Identity": _ELEMENTWISE,
    "IsInf": _ELEMENTWISE,
    "IsNaN": _ELEMENTWISE,
    "LeakyRelu": _ELEMENTWISE,
    "Less": _ELEMENTWISE,
    "LessOrEqual": _ELEMENTWISE,
    "Log": _ELEMENTWISE,
    "Max": _ELEMENTWISE,
    "Mean": _ELEMENTWISE,
    "Min": _ELEMENTWISE,
    "Mish": _ELEMENTWISE,
    "Mod": _ELEMENTWISE,
    "Mul": _ELEMENTWISE,
    "Neg": _ELEMENTWISE,
    "Not": _ELEMENTWISE,
    "Or": _ELEMENTWISE,
    "ParametricSoftplus": _ELEMENTWISE,
    "Pow": _ELEMENTWISE,
    "Reciprocal": _ELEMENTWISE,
    "RegexFullMatch": _ELEMENTWISE,
    "Relu": _ELEMENTWISE,
    "Round": _ELEMENTWISE,
    "ScaledTanh": _ELEMENTWISE,
    "Selu": _ELEMENTWISE,
    "Shrink": _ELEMENTWISE,
    "Sigmoid": _ELEMENTWISE,
    "Sign": _ELEMENTWISE,
    "Sin": _ELEMENTWISE,
    "Sinh": _ELEMENTWISE,
    "Softplus": _ELEMENTWISE,
    "Softsign": _ELEMENTWISE,
    "Sqrt": _ELEMENTWISE,
    "StringConcat": _ELEMENTWISE,
    "Sub": _ELEMENTWISE,
    "Sum": _ELEMENTWISE,
    "Swish": _ELEMENTWISE,
    "Tan": _ELEMENTWISE,
    "Tanh": _ELEMENTWISE,
    "ThresholdedRelu": _ELEMENTWISE,
    "Where": _ELEMENTWISE,
    "Xor": _ELEMENTWISE,
    "Constant": Rule(counting.constant),
    "CastLike": _LIKE_FIRST,
    "Clip": _LIKE_FIRST,
    "PRelu": Rule(elementwise.stretched_to_first),
    "Dropout": Rule(elementwise.dropout, pure=False),
    "QuantizeLinear": _QUANTIZED,
    "DequantizeLinear": _QUANTIZED,
    "MatMul": Rule(products.matmul),
    "MatMulInteger": Rule(products.matmul_integer),
    "QLinearMatMul": Rule(products.qlinear_matmul),
    "Gemm": Rule(products.gemm),
    "Einsum": Rule(products.einsum),
    "Conv": Rule(windows.conv),
    "ConvInteger": Rule(windows.conv),
    "QLinearConv": Rule(windows.qlinear_conv),
    "ConvTranspose": Rule(windows.conv_transpose),
    "DeformConv": Rule(windows.deform_conv),
    "AveragePool": _POOL,
    "LpPool": _POOL,
    "MaxPool": _POOL,
    "GlobalAveragePool": _GLOBAL,
    "GlobalLpPool": _GLOBAL,
    "GlobalMaxPool": _GLOBAL,
    "Col2Im": Rule(windows.columns_to_image),
    "GridSample": Rule(windows.grid_sample),
    "DepthToSpace": _IMAGE,
    "SpaceToDepth": _IMAGE,
    "Resize": Rule(windows.resize, counts=(3,)),
    "Upsample": Rule(windows.resize),
    "ReduceL1": _REDUCE,
    "ReduceL2": _REDUCE,
    "ReduceLogSum": _REDUCE,
    "ReduceLogSumExp": _REDUCE,
    "ReduceMax": _REDUCE,
    "ReduceMean": _REDUCE,
    "ReduceMin": _REDUCE,
    "ReduceProd": _REDUCE,
    "ReduceSum": _REDUCE,
    "ReduceSumSquare": _REDUCE,
    "ArgMax": _ARG,
    "ArgMin": _ARG,
    "Softmax": _SOFTMAX,
    "LogSoftmax": _SOFTMAX,
    "Hardmax": _SOFTMAX,
    "CumSum": Rule(across.cumulated),
    "CumProd": Rule(across.cumulated),
    "TopK": Rule(across.top_k),
    "LpNormalization": Rule(across.along(-1)),
    "LayerNormalization": Rule(across.layer_normalization),
    "RMSNormalization": Rule(across.layer_normalization),
    "BatchNormalization": Rule(across.batch_normalization, pure=False),
    "InstanceNormalization": _CHANNEL,
    "GroupNormalization": _CHANNEL,
    "LRN": _CHANNEL,
    "MeanVarianceNormalization": Rule(across.mean_variance_normalization),
    "Trilu": Rule(across.last_two),
    "Det": Rule(across.determinant),
    "ReverseSequence": Rule(across.reverse_sequence),
    "Transpose": Rule(layout.transpose),
    "Unsqueeze": Rule(layout.unsqueeze),
    "Squeeze": Rule(layout.squeeze),
    "Flatten": Rule(layout.flatten),
    "Reshape": Rule(layout.reshape, counts=(1,)),
    "Expand": Rule(layout.expand, counts=(1,)),
    "ConstantOfShape": Rule(layout.constant_of_shape, counts=(0,)),
    "Tile": Rule(layout.tile, counts=(1,)),
    "Concat": Rule(layout.concat),
    "Split": Rule(layout.split),
    "Slice": Rule(layout.slice_, counts=(1, 2)),
    "Pad": Rule(layout.pad),
    "Shape": Rule(counting.shape, hides_rows=True),
    "Size": Rule(counting.size, hides_rows=True),
    "Gather": Rule(picking.gather),
    "GatherElements": Rule(picking.gather_elements),
    "GatherND": Rule(picking.gather_nd),
    "Scatter": Rule(picking.scatter_elements),
    "ScatterElements": Rule(picking.scatter_elements),
    "OneHot": Rule(picking.one_hot),
    "LSTM": _RECURRENT,
    "GRU": _RECURRENT,
    "RNN": _RECURRENT,
    "Attention": Rule(sequences.attention),
    "RotaryEmbedding": Rule(sequences.rotary_embedding),
    "If": Rule(nested.if_, pure=False, hides_rows=True),
    "Loop": Rule(nested.loop, pure=False, hides_rows=True),
    "Scan": Rule(nested.scan, pure=False, hides_rows=True),
    # Of these rows may meet: they prove something of constants only.
    "BlackmanWindow": _CONSTANT,
    "CenterCropPad": _CONSTANT,
    "Compress": _CONSTANT,
    "DynamicQuantizeLinear": _CONSTANT,
    "EyeLike": _CONSTANT,
    "HammingWindow": _CONSTANT,
    "HannWindow": _CONSTANT,
    "MelWeightMatrix": _CONSTANT,
    "NonMaxSuppression": _CONSTANT,
    "NonZero": _CONSTANT,
    "Range": _CONSTANT,
    "ScatterND": _CONSTANT,
    "Unique": _CONSTANT,
}

_LEARNERS = {
    "ArrayFeatureExtractor": Rule(picking.picked_features),
    "Binarizer": _ELEMENTWISE,
    "CategoryMapper": _ELEMENTWISE,
    "FeatureVectorizer": Rule(learners.joined),
    "Imputer": _KEPT,
    "LabelEncoder": _ELEMENTWISE,
    "LinearClassifier": _CLASSIFIED,
    "LinearRegressor": _PREDICTED,
    "Normalizer": _KEPT,
    "OneHotEncoder": Rule(picking.one_more_axis),
    "SVMClassifier": _CLASSIFIED,
    "SVMRegressor": _PREDICTED,
    "Scaler": _KEPT,
    "TreeEnsemble": _PREDICTED,
    "TreeEnsembleClassifier": _CLASSIFIED,
    "TreeEnsembleRegressor": _PREDICTED,
}

TABLE: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        **{("", name): rule for name, rule in _STANDARD.items()},
        **{("ai.onnx.ml", name): rule for name, rule in _LEARNERS.items()},
        ("com.microsoft", "Gelu"): _ELEMENTWISE,
        ("com.microsoft", "QuickGelu"): _ELEMENTWISE,
        ("com.microsoft", "FastGelu"): Rule(elementwise.stretched_to_first),
        ("com.microsoft", "BiasGelu"): Rule(elementwise.stretched_to_first),
    }
)
