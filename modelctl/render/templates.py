"""The versions of the template that an environment may pin."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelctl.render import platform, v1, v2
from modelctl.repo.kinds import Environment, GitSource, Model, Release, Serving

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Template:
    """One version: the objects of a model in an environment, and the Application that syncs them.

    `platform` gives what the environment's Gateway is told, for all models.

    What a version gives for the same input never changes once an environment pins it: a change
    is a new version, so that it is promoted environment by environment like anything else.
    """

    objects: Callable[[Model, Sequence[Release], Serving, Environment], tuple[Object, ...]]
    application: Callable[[Model, Serving, GitSource], Object]
    platform: Callable[[Environment], tuple[Object, ...]]


TEMPLATES: Mapping[str, Template] = {
    "v1": Template(objects=v1.objects, application=v1.application, platform=lambda _: ()),
    "v2": Template(objects=v2.objects, application=v2.application, platform=platform.objects),
}
