"""Which typed line a generated line follows from, held against what edits of typed files do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from modelctl.finding import Pointer
from modelctl.render import generated
from modelctl.render.origin import typed_source
from modelctl.repo import layout
from modelctl.repo.documents import Document
from modelctl.repo.layout import Pair, place
from modelctl.repo.loading import load
from modelctl.repo.repository import Repository
from tests.fixture_trees import BASE, MemoryTree, case_tree

PAIRS = [("digits", "prod"), ("linear", "local"), ("linear", "prod")]
_BLAMED = re.compile(r"(.+\.yaml):([0-9]+)")
_ENTRY = re.compile(r"\s*(?:- )*(?:[^\s:]+: )?(.*)")
_OTHERS = {"FP32": "FP64", "cpu": "cuda", "r1": "r9", "r2": "r9", "1": "2", "2": "3"}
_FIXED = {("scale", "metric")}
_FIXED_IN_ENVIRONMENT = {"name", "engine", "template"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value that somebody typed."""

    path: str
    pointer: Pointer
    line: int
    value: object


@dataclass(frozen=True, slots=True)
class Line:
    """One generated line, by the place of its file among those of its model."""

    pair: Pair
    file: int
    number: int


@cache
def _base() -> tuple[MemoryTree, Repository]:
    tree = case_tree(BASE)
    copies = {
        layout.release_file(folder, "r9"): tree.files[layout.release_file(folder, "r2")]
        for folder in ("digits", "linear")
    }
    tree = replace(tree, files=tree.files | copies)
    return tree, load(tree)


def _files(repository: Repository) -> Mapping[Pair, list[tuple[str, list[str]]]]:
    """Path and lines of every generated file, by model and environment, in the renderer's order."""
    files: dict[Pair, list[tuple[str, list[str]]]] = {pair: [] for pair in PAIRS}
    for folder in repository.folders:
        for path, text in generated(repository.model(folder)).items():
            pair = place(path).pair
            assert pair is not None
            files[pair].append((path, text.splitlines()))
    return files


def _documents(repository: Repository) -> Iterator[Document]:
    """Every typed file that objects may follow from."""
    yield repository.documents[layout.ENVIRONMENTS]
    for folder in repository.folders:
        yield from repository.model(folder).documents.values()


def _leaves(document: Document) -> Iterator[Leaf]:
    for pointer, span in document.values.items():
        value: Any = document.value
        for part in pointer:
            value = value[part]
        is_fixed = pointer in _FIXED or (
            pointer[0:1] == ("environments",)
            and pointer[-1] in _FIXED_IN_ENVIRONMENT
            and len(pointer) == 3
        )
        if not isinstance(value, dict | list) and not is_fixed:
            yield Leaf(document.path, pointer, span.start.line, value)


def _edited(document: Document, text: str, leaf: Leaf) -> str:
    """The text of a typed file with one value replaced by another that the file may have."""
    span = document.values[leaf.pointer]
    lines = text.splitlines(keepends=True)
    line = lines[span.start.line - 1]
    old = line[span.start.column - 1 : span.end.column - 1]
    bare = old.strip("\"'")
    if isinstance(leaf.value, int | float):
        other = "99" if bare == "100" else "0.5" if "." in bare else str(leaf.value + 1)
    elif re.fullmatch("[0-9]+[MG]i", bare):
        other = f"1{bare}"
    elif re.search("[0-9a-f]{64}$", bare):
        other = bare[:-1] + ("0" if bare[-1] != "0" else "1")
    elif bare.endswith("/"):
        other = f"{bare}x/"
    else:
        other = _OTHERS.get(bare, f"{bare}x")
    quote = old[0] if old[0] in "\"'" else ""
    before, after = line[: span.start.column - 1], line[span.end.column - 1 :]
    lines[span.start.line - 1] = f"{before}{quote}{other}{quote}{after}"
    return "".join(lines)


@cache
def _effects() -> Mapping[Leaf, frozenset[Line]]:
    """The generated lines that change when a typed value is edited, for every value."""
    tree, repository = _base()
    before = _files(repository)
    effects = {}
    for document in _documents(repository):
        for leaf in _leaves(document):
            text = _edited(document, tree.files[leaf.path].decode(), leaf)
            after = _files(load(replace(tree, files=tree.files | {leaf.path: text.encode()})))
            effects[leaf] = frozenset(_changed(before, after))
    return effects


def _changed(
    before: Mapping[Pair, list[tuple[str, list[str]]]],
    after: Mapping[Pair, list[tuple[str, list[str]]]],
) -> Iterator[Line]:
    for pair in PAIRS:
        for file, ((_, old), (_, new)) in enumerate(zip(before[pair], after[pair], strict=True)):
            for number, (one, other) in enumerate(zip(old, new, strict=True)):
                if one != other:
                    yield Line(pair, file, number)


def _lines() -> Iterator[tuple[Line, str, str, set[Leaf]]]:
    """Every generated line: place, text, what it is said to follow from, and what changes it."""
    _, repository = _base()
    for pair, files in _files(repository).items():
        model = repository.model(pair[0])
        for file, (path, lines) in enumerate(files):
            for number, text in enumerate(lines):
                line = Line(pair, file, number)
                givers = {leaf for leaf, changed in _effects().items() if line in changed}
                yield line, text, typed_source(model, path, number), givers


def test_a_blamed_line_gives_the_generated_one() -> None:
    """Of every line that names a typed line, one value on that line changes it, and no other."""
    blamed = 0
    for line, text, source, givers in _lines():
        if match := _BLAMED.fullmatch(source):
            assert [(match[1], int(match[2]))] == [(leaf.path, leaf.line) for leaf in givers], (
                line,
                text,
            )
            blamed += 1

    assert blamed > 200


def test_a_line_that_is_not_blamed_has_no_one_giver() -> None:
    """No other line is changed by just one value that is equal to the line's own.

    An alert repeats its lines, and other values give it more or fewer of them, so that they cannot
    be told apart: there the file that holds the value is enough.
    """
    _, repository = _base()
    rules = {
        (pair, number)
        for pair, files in _files(repository).items()
        for number, (path, _) in enumerate(files)
        if "/prometheusrule-" in path
    }
    for line, text, source, givers in _lines():
        entry = _ENTRY.fullmatch(text)
        shown = entry[1].strip("\"'") if entry else ""
        equal = [leaf for leaf in givers if str(leaf.value) == shown]

        if (line.pair, line.file) in rules and source in {leaf.path for leaf in equal}:
            continue
        assert _BLAMED.fullmatch(source) or len(givers) != 1 or not equal, (line, text, givers)


def test_a_line_of_the_template_follows_from_nothing() -> None:
    """A line that is said to be the template's is changed by no value at all."""
    constant = 0
    for line, text, source, givers in _lines():
        if source.startswith("template "):
            assert source == f"template v2 of {line.pair[1]}"
            assert set() == givers, text
            constant += 1

    assert constant > 1000


def test_a_named_file_is_one_that_changes_the_line() -> None:
    """A line that follows from several values, or from a name, names a file that has one."""
    for _, text, source, givers in _lines():
        if not _BLAMED.fullmatch(source) and not source.startswith("template "):
            files = {leaf.path for leaf in givers}
            assert source in files or not files or source.endswith("/model.yaml"), (text, source)


def test_a_line_of_a_route_has_a_source() -> None:
    """What the template alone gives of both routes is told as the template's."""
    _, repository = _base()
    model = repository.model("linear")
    routes = {path: text for path, text in generated(model).items() if "httproute-" in path}
    sources = [
        typed_source(model, path, text[: text.index("kind: HTTPRoute")].count("\n"))
        for path, text in routes.items()
    ]

    assert len(sources) > 1
    assert [] == [source for source in sources if not source.startswith("template v2 of ")]
