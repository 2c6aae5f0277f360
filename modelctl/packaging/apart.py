"""Work on models in a child process, in the words of what could not be done there."""

import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelctl.errors import ModelctlError, UsageError
from modelctl.model import contained

_WORDS = 500  # characters of a library's own message


def asked(reply: Callable[[bytes], str], request: Mapping[str, object]) -> dict[str, Any]:
    """The answer of a function that is called in the child.

    Raises:
        UsageError: The model ends the child, or the library refuses it.
        ModelctlError: A module is not installed.
    """
    try:
        answer: dict[str, Any] = json.loads(contained.call(reply, json.dumps(request).encode()))
    except contained.ContainedError as error:
        raise UsageError(
            f"found a model that ends the process that runs it ({error}), expected answers: give "
            "rows that it takes with --samples, or change the model"
        ) from error
    if missing := answer.get("missing"):
        raise ModelctlError(f"found no module {missing}, which this needs: pip install modelserver")
    if problem := answer.get("problem"):
        raise UsageError(str(problem))
    return answer


def answered(work: Callable[[dict[str, Any]], Mapping[str, object]], request: bytes) -> str:
    """What the child says: the result of the work, or why there is none."""
    try:
        return json.dumps(work(json.loads(request)))
    except ModuleNotFoundError as error:
        return json.dumps({"missing": error.name})
    except Exception as error:  # noqa: BLE001 - libraries' errors have many types
        words = " ".join(str(error).split()) or type(error).__name__
        return json.dumps({"problem": words[:_WORDS]})


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for files that go to the child and back."""
    with tempfile.TemporaryDirectory(prefix="modelctl-") as path:
        yield Path(path)
