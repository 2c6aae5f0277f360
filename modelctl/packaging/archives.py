"""What a packed file tells of its format: several formats are zip archives inside."""

import gzip
import zlib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile

from modelctl.packaging import heads

_MOST_NAMED = 3
_MODELS = (
    *(".onnx", ".pkl", ".pickle", ".joblib", ".skops", ".pt", ".pth", ".pt2", ".keras", ".h5"),
    *(".safetensors", ".tflite", ".cbm", ".ubj", "saved_model.pb", "MLmodel"),
)


def name_of_zip(path: Path) -> tuple[str, str]:
    """The name of the format of a zip archive, and which models lie in it if it is none itself."""
    try:
        with ZipFile(path) as archive:
            names = archive.namelist()
    except (BadZipFile, OSError, ValueError, NotImplementedError):
        return ("torch", "") if path.suffix.lower() in {".pt", ".pth"} else ("zip", "")
    return _of_names(names, path) or ("zip", _inside(names))


def _of_names(names: Collection[str], path: Path) -> tuple[str, str] | None:
    leaves = {PurePosixPath(name).name for name in names}
    files = [name for name in names if not name.endswith("/")]
    found = ""
    if files and all(name.endswith(".npy") for name in files):
        found = "npz"
    elif "schema.json" in leaves and path.suffix.lower() != ".keras":
        found = "skops"
    elif {"config.json", "metadata.json"} <= leaves and "model.weights.h5" in leaves:
        found = "keras"
    elif {"serialized_exported_program.json", "archive_format"} & leaves:
        found = "torch-export"
    elif "data.pkl" in leaves:
        found = "torchscript" if "constants.pkl" in leaves else "torch"
    elif "model.ini" in leaves:
        found = "mojo"
    return (found, "") if found else None


def _inside(names: Collection[str]) -> str:
    models = [name for name in names if name.endswith(_MODELS)]
    return f": {', '.join(models[:_MOST_NAMED])}" if models else ""


def name_of_gzip(path: Path) -> tuple[str, str]:
    """The name of the format of a file packed by gzip, and what lies in it."""
    try:
        with gzip.open(path) as file:
            head = file.read(heads.LENGTH)
    except (OSError, EOFError, zlib.error):
        return "gzip", ""
    if head[257:262] == b"ustar":
        return "tar", ""
    inner = path.with_suffix("")
    name = heads.name_of(head, inner) if not head.startswith(b"\x89HDF") else "keras-h5"
    if name in {"joblib", "pickle"}:  # joblib reads its packed pickles itself
        return "joblib", ""
    if name in {"unknown", "empty"}:
        return "gzip", ""
    return name if name == "rds" else "gzip", f", which gives {name}"
