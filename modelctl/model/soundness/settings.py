"""Attributes that ONNX allows and ONNX Runtime's CPU kernels refuse when they are made.

Source: what onnxruntime 1.31.1 says of each attribute with a wrong value.
"""

from collections.abc import Mapping, Sequence

from modelctl.model.onnxruntime_support import ONNXRUNTIME
from modelctl.model.soundness.view import Node

_PADS = ("", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")
_PADDED = (
    *("AveragePool", "Conv", "ConvInteger", "ConvTranspose", "LpPool", "MaxPool", "QLinearConv"),
    *("FusedConv", "NhwcMaxPool", "QLinearAveragePool"),
)
_DIRECTIONS = ("forward", "reverse", "bidirectional")
_RECURRENT = ("GRU", "LSTM", "RNN")
_TRANSFORMS = ("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT")
_TRANSFORMED = (
    *("LinearClassifier", "LinearRegressor", "TreeEnsembleClassifier", "TreeEnsembleRegressor"),
)
_WORDS: Mapping[tuple[str, str], Sequence[str]] = {
    **{(name, "auto_pad"): _PADS for name in _PADDED},
    **{(name, "direction"): _DIRECTIONS for name in _RECURRENT},
    **{(name, "post_transform"): _TRANSFORMS for name in _TRANSFORMED},
    ("BitShift", "direction"): ("LEFT", "RIGHT"),
    ("Cast", "round_mode"): ("up", "down", "nearest"),
    ("CastMap", "cast_to"): ("TO_FLOAT", "TO_STRING", "TO_INT64"),
    ("CastMap", "map_form"): ("DENSE", "SPARSE"),
    ("DepthToSpace", "mode"): ("DCR", "CRD"),
    ("GridSample", "mode"): ("bilinear", "linear", "nearest", "bicubic", "cubic"),
    ("GridSample", "padding_mode"): ("zeros", "border", "reflection"),
    ("Normalizer", "norm"): ("MAX", "L1", "L2"),
    ("Pad", "mode"): ("constant", "reflect", "edge", "wrap"),
    ("Resize", "coordinate_transformation_mode"): (
        *("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "tf_half_pixel_for_nn"),
        *("asymmetric", "align_corners", "tf_crop_and_resize"),
    ),
    ("Resize", "keep_aspect_ratio_policy"): ("stretch", "not_larger", "not_smaller"),
    ("Resize", "mode"): ("nearest", "linear", "cubic"),
    ("Resize", "nearest_mode"): (
        *("", "simple", "floor", "ceil", "round_prefer_floor", "round_prefer_ceil"),
    ),
    ("RoiAlign", "mode"): ("avg", "max"),
    ("StringNormalizer", "case_change_action"): ("NONE", "LOWER", "UPPER"),
    ("SVMClassifier", "kernel_type"): ("LINEAR", "POLY", "RBF", "SIGMOID"),
    ("SVMRegressor", "kernel_type"): ("LINEAR", "POLY", "RBF", "SIGMOID"),
    ("TensorScatter", "mode"): ("linear", "circular"),
    ("TfIdfVectorizer", "mode"): ("TF", "IDF", "TFIDF"),
}
_NUMBERS: Mapping[tuple[str, str], Sequence[int]] = {
    **dict.fromkeys([(name, "layout") for name in _RECURRENT], (0,)),
    ("CumProd", "exclusive"): (0, 1),
    ("CumProd", "reverse"): (0, 1),
    ("CumSum", "exclusive"): (0, 1),
    ("CumSum", "reverse"): (0, 1),
    ("LpNormalization", "p"): (1, 2),
    ("MaxPool", "storage_order"): (0, 1),
    ("Mod", "fmod"): (0, 1),
    ("NonMaxSuppression", "center_point_box"): (0, 1),
}
_NEEDED: Mapping[str, Sequence[str]] = {
    **dict.fromkeys(_RECURRENT, ("hidden_size",)),
    "FeatureVectorizer": ("inputdimensions",),
    "LinearClassifier": ("intercepts",),
    "LinearRegressor": ("coefficients",),
    "MaxRoiPool": ("pooled_shape",),
    "RegexFullMatch": ("pattern",),
    "Scaler": ("scale",),
}
_NEW_GRID_SAMPLE = 20
"""From this version on its modes are called linear and cubic, before bilinear and bicubic."""


def problem(node: Node) -> str:
    """Which attribute of a node its kernel refuses; empty where there is none."""
    if node.domain not in ("ai.onnx", "ai.onnx.ml"):
        return ""
    for name in _NEEDED.get(node.op, ()):
        if name not in node.attributes:
            return _sentence(node, f"without the attribute {name!r}")
    for name, attribute in node.attributes.items():
        words = _words(node, name)
        text = attribute.s.decode(errors="replace")
        if words and text not in words:
            return _wrong(node, name, repr(text), words)
        numbers = _NUMBERS.get((node.op, name))
        if numbers and attribute.i not in numbers:
            return _wrong(node, name, str(attribute.i), numbers)
    return ""


def _words(node: Node, name: str) -> Sequence[str]:
    words = _WORDS.get((node.op, name), ())
    if (node.op, name) == ("GridSample", "mode"):
        other = "bi" if node.opset >= _NEW_GRID_SAMPLE else ("linear", "cubic")
        return [word for word in words if not word.startswith(other)]
    return words


def _wrong(node: Node, name: str, found: str, allowed: Sequence[object]) -> str:
    expected = ", ".join(str(each) for each in allowed if each != "")
    return _sentence(node, f"with {name} {found}, expected {expected}")


def _sentence(node: Node, what: str) -> str:
    return (
        f"calls {node.operator} in {node} {what}, as ONNX Runtime {ONNXRUNTIME}'s CPU kernel asks"
    )
