"""A format that models come in."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Format:
    """What is known of a format; `words` say it with its article.

    `converter` is the folder of what makes ONNX of it, None where nothing here does. `runs_code`
    says that to read it runs whatever code is in it. `way` is the way to a release: of a converter
    it is the command, and else what the person does first.
    """

    name: str
    words: str
    is_folder: bool = False
    converter: str | None = None
    runs_code: bool = False
    way: str = ""

    def at(self, path: Path, *, inside: str = "", known: str = "") -> "Format":
        """The same, with a way that names the path as it was typed."""
        typed = shlex.quote(str(path))
        if not self.way and self.converter:
            return replace(self, way=_package(typed, self))
        folder = shlex.quote(str(path.parent))
        way = self.way.format(path=typed, folder=folder, inside=inside, known=known)
        return replace(self, way=way)


def _package(typed: str, found: Format) -> str:
    if found.name == "onnx":
        return f"`modelctl new NAME --artifact {typed}`"
    trust = " --trust" if found.runs_code else ""
    why = ", which runs the code in it, in a process without network" if trust else ""
    return f"`modelctl package {typed} --model NAME{trust}`{why}"
