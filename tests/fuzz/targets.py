"""What is fuzzed, each a function that takes one input from chance and judges what comes of it."""

import random
from collections.abc import Callable, Mapping
from contextlib import suppress

from modelctl.check.effects import effects
from modelctl.check.engine import check, errors
from modelctl.check.report.effects_json import effects_as_json
from modelctl.check.report.effects_markdown import markdown
from modelctl.edit import operations
from modelctl.edit.plan import Live, plan_edit
from modelctl.edit.text import Traffic, with_traffic
from modelctl.errors import EditRefusedError
from modelctl.model.graph import artifact_facts
from modelctl.repo import layout
from modelctl.repo.documents import parse
from modelctl.repo.kinds import Serving
from modelctl.repo.loading import load
from modelctl.repo.repository import ModelFiles
from tests.fixture_trees import memory_change
from tests.fuzz import corpus, histories, onnx_mutations, yaml_mutations
from tests.fuzz.judging import UnjustError, judge, require_rendered

Target = Callable[[random.Random], None]
_RELEASES = ("r1", "r2", "r3", "r9", "", "x")
_WEIGHTS = (0, 0, 1, 5, 50, 95, 99, 100, 101, -1, 10**30)
_ENDED_BY_OURS = "exit code"  # of the child that reads models: an exception of ours, no crash
_ONNX = tuple(onnx_mutations.samples())


def document(chance: random.Random) -> None:
    """One file, parsed: faults of form lie in it, and values have places in it."""
    files = corpus.tree(chance).files
    path = chance.choice(sorted(files))
    content = yaml_mutations.mutated(chance, files[path], [files[path]])
    found, faults = parse(path, content)
    judge(faults, corpus.FuzzTree({path: content}))
    if found is not None:
        for pointer in yaml_mutations.places(found.value):
            if pointer not in found.values:
                raise UnjustError(f"a value has no place: {pointer} of {path}")


def whole(chance: random.Random) -> None:
    """A repository, checked: refused at a place inside of a file, or rendered."""
    tree = corpus.mutated(chance, corpus.tree(chance))
    findings = check(load(tree))
    judge(findings, tree)
    require_rendered(tree, findings)


def change(chance: random.Random) -> None:
    """A change from or to a mutated repository, checked with its base, and its effects."""
    start = corpus.tree(chance)
    other = corpus.mutated(chance, start)
    if chance.random() < 0.3:
        start = corpus.mutated(chance, start)
    before, after = (start, other) if chance.random() < 0.5 else (other, start)
    changed = memory_change(before, after)
    judge(check(load(after), change=changed), before, after)
    found = list(effects(changed, load(after)))
    markdown(found, "base").encode("utf-8", "backslashreplace")
    effects_as_json(found, "base")


def model(chance: random.Random) -> None:
    """An ONNX file, read: it has facts, and whatever ends the child is no error of ours."""
    content = onnx_mutations.mutated(chance, chance.choice(_ONNX))
    facts = artifact_facts("x.onnx", content)
    if _ENDED_BY_OURS in facts.problem:
        raise UnjustError(f"the reader fails: {facts.problem}")
    if facts.graph is None and not facts.problem:
        raise UnjustError("neither a graph nor a problem")


def edit(chance: random.Random) -> None:
    """An edit of traffic in a mutated serving file: refused, or whole and without new errors."""
    start = corpus.tree(chance)
    paths = [path for path in start.files if layout.place(path).kind is layout.Kind.SERVING]
    if not paths:
        return
    path = chance.choice(paths)
    content = start.files[path]
    for _ in range(chance.randrange(3)):
        content = yaml_mutations.mutated(chance, content, [content])
    tree = corpus.FuzzTree({**start.files, path: content})
    where = layout.place(path)
    files = load(tree).model(where.model)
    serving = files.servings.get(where.environment)
    if serving is None or path not in files.documents:
        return
    with suppress(EditRefusedError):
        _edit(tree, files, serving, _wanted(chance, serving))


def _wanted(chance: random.Random, serving: Serving) -> Traffic:
    """The traffic after an operation with any arguments."""
    release = chance.choice((*serving.weights, *_RELEASES))
    operation = chance.randrange(4)
    if operation == 0:
        return operations.promote(serving, chance.choice((release, None)))
    if operation == 1:
        return operations.retire(serving, chance.choice((release, None)))
    if operation == 2 and release not in serving.weights:
        return operations.shift(serving, {release: 0})
    return operations.shift(serving, {release: chance.choice(_WEIGHTS)})


def _edit(tree: corpus.FuzzTree, files: ModelFiles, serving: Serving, wanted: Traffic) -> None:
    path = layout.serving_file(serving.folder, serving.environment)
    text = with_traffic(files.documents[path], tree.read(path).decode(), wanted)
    pair = (serving.folder, serving.environment)
    live = Live(pair, operations.gaining(serving, wanted))
    plan = plan_edit(tree, {path: text.encode()}, [live])
    left = {p: c for p, c in {**tree.files, **plan.changes}.items() if c is not None}
    after = load(corpus.FuzzTree(left))
    edited = after.model(serving.folder).servings.get(serving.environment)
    if edited is None or sum(edited.weights.values()) != operations.WHOLE:
        raise UnjustError(f"an edit serves no more: {path} {text!r}")
    refused = [f for f in errors(check(after, [serving.folder])) if live.is_concerned_by(f)]
    if refused:
        raise UnjustError(
            f"{refused[0].rule} refuses what an accepted edit makes live: {refused[0]}"
        )


TARGETS: Mapping[str, Target] = {
    "document": document,
    "whole": whole,
    "change": change,
    "model": model,
    "edit": edit,
    "history": histories.history,
}
# Of a hundred inputs, so many: a history starts git by the dozen, a document takes a millisecond.
SHARES: Mapping[str, int] = {
    "document": 39,
    "whole": 20,
    "change": 15,
    "model": 15,
    "edit": 10,
    "history": 1,
}
