"""Brings a release from one environment into another, as text of its serving file."""

from dataclasses import dataclass

from modelctl.edit.operations import WHOLE, shift
from modelctl.edit.scaffold import serving_text
from modelctl.edit.text import with_traffic
from modelctl.errors import EditRefusedError
from modelctl.repo import layout
from modelctl.repo.kinds import Serving
from modelctl.repo.repository import ModelFiles


@dataclass(frozen=True, slots=True)
class Brought:
    """The serving file of the environment that gets the release, and whether it is a first one."""

    path: str
    text: str
    is_first: bool


def brought(files: ModelFiles, source: Serving, environment: str, release: str) -> Brought:
    """The edit that brings a release into an environment: warm at 0, or all there is at 100.

    The first serving file of an environment has the scale of the one that the release comes from.

    Raises:
        EditRefusedError: The release runs there already, or the file there is not valid.
    """
    path = layout.serving_file(files.folder, environment)
    there = files.servings.get(environment)
    if there is None and path not in files.entries:
        weights = {release: WHOLE}
        first = Serving(
            files.folder, environment, release, weights, None, source.scale, paused=False
        )
        return Brought(path, serving_text(first), is_first=True)
    if there is None:
        faults = "; ".join(str(fault) for fault in files.faults if fault.path == path)
        raise EditRefusedError(f"{path}: found a file that is not valid, expected one: {faults}")
    if release in there.weights:
        raise EditRefusedError(
            f"{release} runs in {environment} already, at {there.weights[release]} %: "
            f"`modelctl shift {files.folder} --env {environment} {release}=5` gives it traffic"
        )
    wanted = shift(there, {release: 0})
    text = with_traffic(files.documents[path], files.texts[path], wanted)
    return Brought(path, text, is_first=False)
