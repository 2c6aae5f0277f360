"""What a folder tells of its format."""

from pathlib import Path

_MOST_NAMED = 5

# A file that only such a folder has, in the order of looking: an MLflow folder holds others.
_MARKS: tuple[tuple[str, str], ...] = (
    ("MLmodel", "mlflow"),
    ("config.pbtxt", "triton"),
    ("saved_model.pb", "saved-model"),
    ("saved_model.pbtxt", "saved-model"),
    ("Manifest.json", "coreml"),
    ("model.safetensors", "huggingface"),
    ("model.safetensors.index.json", "huggingface"),
    ("pytorch_model.bin", "huggingface"),
    ("__model__", "paddle"),
    ("inference.pdmodel", "paddle"),
    ("checkpoint", "tensorflow-checkpoint"),
    ("metadata/part-00000", "spark"),
    ("model.json", "tfjs"),
)


def name_of(path: Path) -> tuple[str, str]:
    """The name of the format of a folder, and which ONNX models lie in it if there are several."""
    for mark, name in _MARKS:
        if (path / mark).is_file():
            return name, ""
    models = sorted(each.name for each in path.glob("*.onnx") if each.is_file())
    if models:
        return "onnx-folder", ", ".join(models[:_MOST_NAMED])
    return "folder", ""
