"""Which platform a file or folder is from, and what it says of its model."""

from collections.abc import Callable
from pathlib import Path

from modelctl.errors import UsageError
from modelctl.importing import kserve, kubernetes, mlserver, seldon, triton
from modelctl.importing.found import Found

_MOST_BYTES = 4 << 20  # of a description; a larger file is an artifact
_KNOWN = (
    "a KServe InferenceService or SeldonDeployment (YAML), MLServer's model-settings.json, "
    "Triton's config.pbtxt, a folder with one of them, or models:/NAME/VERSION of MLflow"
)
_BY_KIND: dict[str, Callable[[dict[str, object]], Found]] = {
    **dict.fromkeys(kserve.KINDS, kserve.read),
    **dict.fromkeys(seldon.KINDS, seldon.read),
}
_NAMES = (mlserver.NAME, triton.NAME)


def read(source: Path, name: str | None = None) -> Found:
    """What a description on disk says of its model; `name` chooses among several.

    Raises:
        UsageError: No platform is recognised, or the description is of no model.
    """
    file = _file(source)
    text = _text(file)
    if file.name == mlserver.NAME:
        return mlserver.read(text, file.parent, str(file))
    if file.suffix == ".pbtxt":
        return triton.read(text, file.parent, str(file))
    objects = [one for one in kubernetes.documents(text, str(file)) if one.get("kind") in _BY_KIND]
    return _chosen(objects, file, name)


def _file(source: Path) -> Path:
    if not source.is_dir():
        return source
    there = [source / name for name in _NAMES if (source / name).is_file()]
    if not there:
        raise UsageError(f"{source}: found no description of a model, expected {_KNOWN}")
    return there[0]


def _text(file: Path) -> str:
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UsageError(
                f"{file}: found more than {_MOST_BYTES >> 20} MiB, expected {_KNOWN}: a model file "
                "itself goes into `modelctl new MODEL --artifact FILE` or `modelctl package FILE`"
            )
        return file.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{file}: found bytes that are no text, expected {_KNOWN}: a model file itself goes "
            "into `modelctl new MODEL --artifact FILE` or `modelctl package FILE`"
        ) from error


def _chosen(objects: list[dict[str, object]], file: Path, name: str | None) -> Found:
    """The one object of a file, or the one of that name."""
    named = {_name(one): one for one in objects}
    if len(objects) > 1 and name not in named:
        raise UsageError(
            f"{file}: found {len(objects)} models ({', '.join(map(str, named))}), expected one: "
            "choose it by --only NAME"
        )
    if not objects:
        raise UsageError(f"{file}: found nothing of a platform that is known, expected {_KNOWN}")
    one = objects[0] if len(objects) == 1 else named[name]
    return _BY_KIND[str(one["kind"])](one)


def _name(one: dict[str, object]) -> object:
    metadata = one.get("metadata")
    return metadata.get("name") if isinstance(metadata, dict) else None
