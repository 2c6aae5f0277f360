"""From a model's file or folder to what a release is made of: proven, saved where it pays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from modelctl.errors import EditRefusedError, UsageError
from modelctl.model.graph import read_graph
from modelctl.model.tensors import Contract, Graph, TensorSpec
from modelctl.packaging import (
    arrays,
    converters,
    formats,
    golden,
    joining,
    mlmodel,
    original,
    parity,
    running,
    slimming,
)
from modelctl.packaging.arrays import Arrays
from modelctl.packaging.format import Format
from modelctl.packaging.normalise import normalise
from modelctl.packaging.original import Original
from modelctl.packaging.slimming import Plan, Slimmed

# By flavour of MLflow, the format whose converter reads that framework's pickles.
_PICKLED = {"xgboost": "xgboost-json", "lightgbm": "lightgbm"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a package; paths are as they were typed."""

    source: Path
    samples: Path | None = None
    labels: Path | None = None
    before: Path | None = None
    after: Path | None = None
    quantize: str | None = None
    prune: float | None = None
    aim: str = "latency"
    max_loss_percent: float = 1.0
    trust: bool = False
    python: Path | None = None
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Package:
    """A model that answers as the original does, with the proof and the story."""

    model: bytes
    golden: bytes | None
    provenance: Mapping[str, object]
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _State:
    """A model on its way, with rows and what the model before any saving made of them."""

    model: bytes
    rows: Arrays
    reference: Arrays
    lines: tuple[str, ...]


def package(wish: Wish, contract: Contract | None = None) -> Package:
    """The package of a model; its tensors have the names of the contract where they fit it.

    Raises:
        EditRefusedError: It does not answer as the original does.
        ModelctlError: It cannot be converted, joined or run.
    """
    wish, form = _recognised(wish)
    given = arrays.read(wish.samples) if wish.samples else None
    first, raw = _first(wish, given)
    came = _original(wish, form, raw)
    proof = _proven(wish.source, came)
    state = _joined(wish, came, first, given)
    state = _named(state, contract)
    state, slim = _saved(wish, state)
    document = _golden(state, is_quantised=slim.is_quantised)
    provenance = _provenance(wish, form, came, state, slim)
    return Package(state.model, document, provenance, (*came.lines, proof, *state.lines))


def _recognised(wish: Wish) -> tuple[Wish, Format]:
    """The format of the source; of a folder that has the model inside, the model is the source."""
    try:
        form = formats.recognise(wish.source)
        if form.name == "mlflow":
            inner, flavour = mlmodel.inside(wish.source)
            form = _of_flavour(formats.recognise(inner), flavour)
            wish = replace(wish, source=inner)
    except OSError as error:
        raise UsageError(f"{wish.source} cannot be read: {error.strerror}") from error
    if form.converter is None or (form.name != "onnx" and converters.of_format(form.name) is None):
        raise UsageError(f"{wish.source} is {form.words}, which nothing here converts: {form.way}")
    if form.runs_code and not wish.trust:
        raise UsageError(
            f"{wish.source} is {form.words}: to read it runs the code in it, which wants --trust: "
            "it runs without network, in bounds; else bring a format that holds data alone, such "
            "as skops, npz, a text or JSON file of trees, or ONNX"
        )
    return wish, form


def _of_flavour(form: Format, flavour: str) -> Format:
    """The format of a flavour's file: a pickle says nothing of what is in it, the flavour does."""
    wanted = _PICKLED.get(flavour)
    if wanted is None or form.converter != "sklearn":
        return form
    return replace(formats.FORMATS[wanted], runs_code=True)


def _first(wish: Wish, given: Arrays | None) -> tuple[bytes | None, Arrays | None]:
    """The graph before the model, and what the model itself gets of the samples."""
    if wish.before is None:
        return None, given
    with running.told_as(wish.before):
        graph = normalise(wish.before).content
        return graph, running.run(graph, given) if given is not None else None


def _original(wish: Wish, form: Format, rows: Arrays | None) -> Original:
    if form.name == "onnx":
        return original.of_onnx(wish.source, rows)
    return original.of_format(
        wish.source,
        form,
        samples=rows,
        options=wish.options,
        trust=wish.trust,
        python=wish.python,
    )


def _proven(source: Path, came: Original) -> str:
    """The line that says that the model answers as the original does.

    Raises:
        EditRefusedError: It does not.
    """
    with running.told_as(source):
        found = running.run(came.model, came.rows)
        result = parity.compare(came.expected, found)
    if not result.holds:
        worst = "\n".join(f"  {each}" for each in result.worst)
        raise EditRefusedError(
            f"{source}: {result.failed_rows} of {result.rows} rows are answered in another way "
            f"than the original does, expected none (numbers within {parity.ABSOLUTE:g} of their "
            f"typical size plus {parity.RELATIVE:g} of each):\n{worst}\n"
            "train in float32, or round the features that a threshold meets; nothing was written"
        )
    return (
        f"answers as the original does: {result.rows} rows, largest difference "
        f"{result.largest_difference:.2g}"
    )


def _joined(wish: Wish, came: Original, first: bytes | None, given: Arrays | None) -> _State:
    """The model with the graphs before and after it, and rows as a client sends them."""
    count = arrays.count(came.rows) - came.edge_rows
    rows: Arrays = arrays.first(came.rows, count)
    if first is None and wish.after is None:
        return _State(came.model, rows, running.run(came.model, rows), ())
    model, lines = came.model, []
    if first is not None:
        model = joining.joined(first, model, "model")
        lines.append(f"{wish.before} comes before it")
        rows = given if given is not None else original.made_up(wish.source, model)
    if wish.after is not None:
        with running.told_as(wish.after):
            model = joining.joined(model, normalise(wish.after).content, "after")
        lines.append(f"{wish.after} comes after it")
    model = normalise(model).content
    return _State(model, rows, running.run(model, rows), tuple(lines))


def _named(state: _State, contract: Contract | None) -> _State:
    """The model with the names that its contract promises, where kinds and shapes agree."""
    if contract is None:
        return state
    graph = read_graph(state.model)
    names = {**_pairs(graph.inputs, contract.inputs), **_pairs(graph.outputs, contract.outputs)}
    if not names:
        return state
    model = joining.renamed(state.model, names)
    words = ", ".join(f"{old} is now {new}" for old, new in names.items())
    return _State(
        model,
        {names.get(name, name): each for name, each in state.rows.items()},
        {names.get(name, name): each for name, each in state.reference.items()},
        (*state.lines, f"named as the contract says: {words}"),
    )


def _pairs(own: Sequence[TensorSpec], wanted: Sequence[TensorSpec]) -> dict[str, str]:
    same = len(own) == len(wanted) and all(
        a.datatype == b.datatype and len(a.shape) == len(b.shape)
        for a, b in zip(own, wanted, strict=True)
    )
    if not same or {each.name for each in own} == {each.name for each in wanted}:
        return {}
    return {a.name: b.name for a, b in zip(own, wanted, strict=True) if a.name != b.name}


def _saved(wish: Wish, state: _State) -> tuple[_State, Slimmed]:
    truth = arrays.read(wish.labels) if wish.labels else None
    slim = slimming.slimmed(
        state.model,
        state.rows,
        state.reference,
        truth=None if truth is None else next(iter(truth.values())),
        plan=Plan(wish.quantize, wish.prune, wish.aim, wish.max_loss_percent),
    )
    lines = (*state.lines, *slim.lines)
    if slim.lines and wish.samples is None:
        lines += ("the loss is measured on made-up rows: give real ones with --samples FILE",)
    return _State(slim.model, state.rows, state.reference, lines), slim


def _golden(state: _State, *, is_quantised: bool) -> bytes | None:
    """The golden file, None where no row has finite answers."""
    graph = read_graph(state.model)
    rows, outputs = golden.chosen(
        state.rows, running.run(state.model, state.rows), _fixed_rows(graph)
    )
    if not arrays.count(rows):
        return None
    return golden.document(graph, rows, outputs, is_quantised=is_quantised)


def _fixed_rows(graph: Graph) -> int | None:
    """The number of rows that a graph takes at once, None for any."""
    first = {each.shape[0] for each in graph.inputs if each.shape}
    return next((size for size in first if size > 0), None)


def _provenance(
    wish: Wish, form: Format, came: Original, state: _State, slim: Slimmed
) -> dict[str, object]:
    """What a release keeps of where it comes from."""
    converter = converters.of_format(form.name) if form.name != "onnx" else None
    fields: dict[str, object] = {"source_sha256": original.digest(wish.source)}
    if converter is not None:
        fields |= {"converter": converter.name, "converter_sha256": converter.digest}
    fields["samples_sha256"] = arrays.digest(state.rows)
    steps = [path for path in (wish.before, wish.after) if path]
    if steps:
        fields["joined_sha256"] = [original.digest(path) for path in steps]
    if slim.kept:
        fields["savings"] = list(slim.kept)
    return fields | {"versions": dict(came.versions)} if came.versions else fields
