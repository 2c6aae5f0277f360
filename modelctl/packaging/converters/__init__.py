"""The converters: a folder each, whose program runs in an interpreter of its own.

A folder holds `convert.py`, `converter.json` and, unless it runs in this interpreter,
`requirements.in` with `requirements.lock`. `README.md` has the protocol.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

NAMES = ("npz", "sklearn", "keras", "xgboost", "lightgbm", "catboost", "torch")
_FOLDER = Path(__file__).parent
CHILD = _FOLDER / "support" / "child.py"


@dataclass(frozen=True, slots=True)
class Converter:
    """A program that makes an ONNX file of some formats.

    `needs_trust` says that reading the format runs code that the file brings. `has_environment`
    is false where the interpreter of this command does.
    """

    name: str
    accepts: tuple[str, ...]
    needs_trust: bool
    has_environment: bool

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return _FOLDER / self.name

    @property
    def lock(self) -> Path:
        """The versions of its environment, with hashes."""
        return self.folder / "requirements.lock"

    @property
    def digest(self) -> str:
        """SHA-256 of the lock file and the program: what the outcome depends on."""
        files = [self.folder / "convert.py", *([self.lock] if self.has_environment else [])]
        return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def named(name: str) -> Converter:
    """The converter of that name, one of `NAMES`."""
    fields = json.loads((_FOLDER / name / "converter.json").read_text("utf-8"))
    own = fields["python"] != "own"
    return Converter(name, tuple(fields["accepts"]), bool(fields["needs_trust"]), own)


def of_format(form: str) -> Converter | None:
    """The converter that takes a format, if any does."""
    return next((one for one in map(named, NAMES) if form in one.accepts), None)
