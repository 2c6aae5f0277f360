"""What ONNX Runtime and modelctl say of the bytes of a model, each asked in a child process."""

from typing import Any

from modelctl.model import contained

Proto = Any  # protobuf messages carry no types here


def theirs(content: bytes) -> str:
    """Why ONNX Runtime does not load a model on the CPU; empty where it does."""
    return _asked(loaded, content)


def ours(content: bytes) -> str:
    """What modelctl says keeps a server without a GPU from loading a model; empty for nothing."""
    return _asked(judged, content)


def _asked(read: Any, content: bytes) -> str:  # noqa: ANN401 - a function of this module
    try:
        return contained.call(read, content)
    except contained.ContainedError as error:
        return f"ended by {error}"


def loaded(content: bytes) -> str:
    """The same as `theirs`, in this process."""
    import onnxruntime  # noqa: PLC0415 - the child alone needs it

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - it has many, of no common base
        return str(error) or type(error).__name__
    return ""


def judged(content: bytes) -> str:
    """The same as `ours`, in this process."""
    import onnx  # noqa: PLC0415 - the child alone needs it
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with onnx

    from modelctl.model.soundness import judge  # noqa: PLC0415 - the child alone needs it

    try:
        found = judge.judge(onnx.ModelProto.FromString(content))
    except DecodeError:
        return "is truncated or is not an ONNX file"
    return found.problem or found.cpu_problem
