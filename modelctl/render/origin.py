"""Which typed line a generated line follows from, found out by rendering.

The renderer is a pure function. So one typed value is changed, the model is rendered again in
memory, and the lines that differ follow from that value. A line has one source only if no other
value changes it too.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any

from modelctl.finding import Pointer
from modelctl.render import generated
from modelctl.repo import layout, schema, typed
from modelctl.repo.documents import Document
from modelctl.repo.kinds import Environment, Environments, Release, Serving
from modelctl.repo.repository import ModelFiles

Leaf = tuple[str, Pointer]  # a typed file, and where in it a value stands
Lines = frozenset[tuple[int, int]]  # a generated file and a line in it, both counted from 0

_NOWHERE = "its typed file"  # said where the file cannot be known
_RENAMED = "x"  # appended to names and texts, so that they are others
# Values that choose which objects there are: with another one no line could be compared.
_STRUCTURE = frozenset({"engine", "template", "metric"})
_MUCH = 1000  # times a number: past every bound within which it has no effect


def typed_source(files: ModelFiles, path: str, number: int | None = None) -> str:
    """Where a line of a generated file comes from, the line counted from 0; None for all of it.

    That is `path:line` of the one typed value that it follows from; else the path of the typed
    file; else the template, which has the line for every model.
    """
    environment = layout.place(path).environment
    origins = _origins(files, environment) if environment else None
    if origins is None:
        return _NOWHERE
    return origins.serving_path if number is None else origins.source(path, number)


@lru_cache(maxsize=1)
def _origins(files: ModelFiles, name: str) -> "_Origins | None":
    """The renderer of a model in one environment; kept for the last one that was asked about."""
    environment = files.environments.get(name)
    serving = files.servings.get(name)
    if environment is None or serving is None:
        return None
    kinds = {layout.serving_file(files.folder, name): "serving"}
    kinds |= {layout.release_file(files.folder, release): "release" for release in serving.deployed}
    kinds |= {layout.model_file(files.folder): "model", layout.ENVIRONMENTS: "environments"}
    documents = {**files.repository.documents, **files.documents}
    return _Origins(files, documents, environment, serving, kinds)


@dataclass(frozen=True, slots=True)
class _Origins:
    """One model in one environment, rendered again and again with something changed."""

    files: ModelFiles
    documents: Mapping[str, Document]
    environment: Environment
    serving: Serving
    kinds: Mapping[str, str]  # by path, the most likely source first
    known: dict[tuple[frozenset[Leaf], str], dict[str, str]] = field(default_factory=dict)

    @property
    def serving_path(self) -> str:
        return layout.serving_file(self.files.folder, self.environment.name)

    def source(self, path: str, number: int) -> str:
        """Where one line comes from."""
        rendered = self._rendered()
        lines = rendered.get(path, "").splitlines()
        if number >= len(lines):
            return self.serving_path
        line = list(rendered).index(path), number
        is_named = line in self._changed(renamed=_RENAMED)
        sources = [file for file in self.kinds if line in self._changed(self._leaves(file))]
        if not sources:
            template = f"template {self.environment.template} of {self.environment.name}"
            return self.serving_path if is_named else template
        if len(sources) > 1 or is_named:
            return sources[0]
        return self._line(sources[0], line, lines[number])

    def _line(self, file: str, line: tuple[int, int], text: str) -> str:
        """`path:line` of the one value that a line follows from and shows, else the file alone."""
        leaves = self._leaves(file)
        shown = [leaf for leaf in leaves if _shown(self._value(leaf)) in text]
        givers = [leaf for leaf in shown if line in self._changed({leaf})]
        # One by one: with all of them another, a file may have other lines, that match by chance.
        others = (line in self._changed({leaf}) for leaf in leaves if leaf not in givers)
        if len(givers) != 1 or any(others):
            return file
        return f"{file}:{self.documents[file].at(*givers[0][1]).line}"

    def _leaves(self, file: str) -> frozenset[Leaf]:
        """The values of a file that this model's objects may follow from."""
        index = self.files.environments.ordered.index(self.environment)
        pointers = self.documents[file].values
        return frozenset(
            (file, at)
            for at in pointers
            if not isinstance(self._value((file, at)), dict | list)
            and at[-1] not in _STRUCTURE
            # An environment's name is also where its files lie: it is changed by `renamed` alone.
            and (at[0] != "environments" or (at[1] == index and at[2:] != ("name",)))
        )

    def _value(self, leaf: Leaf) -> object:
        value: Any = self.documents[leaf[0]].value
        for part in leaf[1]:
            value = value[part]
        return value

    def _changed(self, leaves: Iterable[Leaf] = (), *, renamed: str = "") -> Lines:
        """The lines that differ when some values, or all names, are replaced by others."""
        before = self._rendered().values()
        after = self._rendered(frozenset(leaves), renamed).values()
        pairs = enumerate(zip(before, after, strict=False))
        return frozenset((file, n) for file, (old, new) in pairs for n in _differing(old, new))

    def _rendered(self, leaves: frozenset[Leaf] = frozenset(), renamed: str = "") -> dict[str, str]:
        if (leaves, renamed) not in self.known:
            changed = {file: self._with_others(file, leaves) for file in self.kinds}
            self.known[leaves, renamed] = generated(self._small(changed, renamed))
        return self.known[leaves, renamed]

    def _with_others(self, file: str, leaves: frozenset[Leaf]) -> dict[str, Any]:
        """The fields of a file, some of its values replaced by others that its schema allows."""
        others = {
            at: _other(self._value((path, at)), schema.part(self.kinds[file], at))
            for path, at in leaves
            if path == file
        }
        if ("stable",) in others:  # a release that is known plays another role then
            unlike = [each for each in self.serving.weights if each != self.serving.stable]
            others["stable",] = unlike[0] if unlike else others["stable",]
        fields: dict[str, Any] = _replaced(self.documents[file].value, (), others)
        return fields

    def _small(self, fields: Mapping[str, dict[str, Any]], renamed: str) -> ModelFiles:
        """The model's files with these fields, in this environment alone."""
        folder, name = self.files.folder + renamed, self.environment.name + renamed
        serving = typed.serving(folder, name, fields[self.serving_path])
        weights = {release + renamed: weight for release, weight in serving.weights.items()}
        serving = replace(serving, weights=weights)  # who is stable is a value, not a name
        environments = typed.environments(fields[layout.ENVIRONMENTS])
        model = typed.model(folder, fields[layout.model_file(self.files.folder)])
        repository = replace(
            self.files.repository, environments=self._with_name(environments, name)
        )
        return replace(
            self.files,
            folder=folder,
            repository=repository,
            model=model,
            releases=dict(self._releases(fields, serving)),
            servings={name: serving},
        )

    def _releases(
        self, fields: Mapping[str, dict[str, Any]], serving: Serving
    ) -> Iterator[tuple[str, Release]]:
        """The deployed releases under their changed names, each with its own file's content."""
        for index, new in enumerate(serving.deployed):
            old = self.serving.deployed[min(index, len(self.serving.deployed) - 1)]
            content = fields[layout.release_file(self.files.folder, old)]
            yield new, typed.release(serving.folder, new, content)

    def _with_name(self, environments: Environments, name: str) -> Environments:
        index = self.files.environments.ordered.index(self.environment)
        ordered = list(environments.ordered)
        ordered[index] = replace(ordered[index], name=name)
        return replace(environments, ordered=tuple(ordered))


def _replaced(value: object, at: Pointer, others: Mapping[Pointer, object]) -> Any:  # noqa: ANN401 - any value of YAML
    if isinstance(value, dict):
        return {key: _replaced(item, (*at, key), others) for key, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, (*at, index), others) for index, item in enumerate(value)]
    return others.get(at, value)


def _other(value: object, part: Mapping[str, Any]) -> object:
    """Another value of the same type, as far as possible one that the schema allows too."""
    if "enum" in part:
        return next((each for each in part["enum"] if each != value), value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        most = part.get("maximum", value * _MUCH + _MUCH)
        return most if most != value else value // 2  # not 0, which may leave objects out
    if isinstance(value, str):  # a quantity stays one
        digit = "2" if value[:1] == "1" else "1"
        return digit + value[1:] if value[:1].isdecimal() else value + _RENAMED
    return value


def _shown(value: object) -> str:
    """A value as a generated line would have it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _differing(old: str, new: str) -> Iterator[int]:
    """The lines of the old text that the new one does not have at that place."""
    if old == new:
        return
    before, after = old.split("\n"), new.split("\n")
    if len(before) == len(after):
        yield from (n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b)
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    for kind, first, last, _, _ in matcher.get_opcodes():
        if kind != "equal":
            yield from range(first, last)
