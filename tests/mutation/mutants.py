"""Mutants of a module: its source with one small change each, as an error of ours would be."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass

_OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_SWAPPED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
}
_ANNOTATIONS = ("annotation", "returns", "type_comment")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A changed module, and the change in words."""

    line: int
    what: str
    tree: ast.Module


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines.

    Docstrings, annotations, texts and the table of a module's names at its top are left alone.
    """
    module = ast.parse(source)
    numbered = [node for node in _code(module) if isinstance(node, ast.expr | ast.stmt)]
    for number, node in enumerate(numbered):
        for index, _ in enumerate(_changes(node)):
            copy = deepcopy(module)
            same = [each for each in _code(copy) if isinstance(each, ast.expr | ast.stmt)][number]
            what, new = list(_changes(same))[index]
            yield Mutant(node.lineno, what, _replaced(copy, same, new))


def _code(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run, without annotations and imports."""
    for name, value in ast.iter_fields(node):
        if name in _ANNOTATIONS:
            continue
        for child in value if isinstance(value, list) else (value,):
            if isinstance(child, ast.AST) and not isinstance(child, ast.Import | ast.ImportFrom):
                yield child
                yield from _code(child)


def _changes(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    """What a node may become, in words and as a node."""
    if isinstance(node, ast.Compare):
        yield from _of_comparison(node)
    elif isinstance(node, ast.BoolOp):
        yield from _of_words(node)
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node)
    elif isinstance(node, ast.If | ast.IfExp):
        yield f"if {ast.unparse(node.test)} -> if True", _with(node, test=ast.Constant(value=True))
        yield (
            f"if {ast.unparse(node.test)} -> if False",
            _with(node, test=ast.Constant(value=False)),
        )
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield f"{ast.unparse(node)} -> {ast.unparse(node.operand)}", node.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in _SWAPPED:
        new = _with(node, op=_SWAPPED[type(node.op)]())
        yield f"{ast.unparse(node)} -> {ast.unparse(new)}", new
    elif isinstance(node, ast.FunctionDef):
        yield f"{node.name} returns at once", _with(node, body=_nothing(node))
    elif isinstance(node, ast.Return | ast.Continue | ast.Break):
        yield f"{ast.unparse(node)} is gone", ast.Pass()
    elif isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
        yield from _of_comprehension(node)


def _nothing(node: ast.FunctionDef) -> list[ast.stmt]:
    """A body that gives nothing, of a generator where the function is one."""
    yields = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in ast.walk(node))
    return [ast.Return(), *([ast.Expr(ast.Yield())] if yields else [])]


def _of_comparison(node: ast.Compare) -> Iterator[tuple[str, ast.AST]]:
    for at, operator in enumerate(node.ops):
        opposite = _OPPOSITES[type(operator)]()
        new = _with(node, ops=[*node.ops[:at], opposite, *node.ops[at + 1 :]])
        yield f"{ast.unparse(node)} -> {ast.unparse(new)}", new


def _of_words(node: ast.BoolOp) -> Iterator[tuple[str, ast.AST]]:
    """The other word, and each part left out."""
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    yield f"{ast.unparse(node)} -> {ast.unparse(_with(node, op=other))}", _with(node, op=other)
    for at, value in enumerate(node.values):
        left = node.values[:at] + node.values[at + 1 :]
        new = left[0] if len(left) == 1 else _with(node, values=left)
        yield f"{ast.unparse(value)} is gone from {ast.unparse(node)}", new


def _of_constant(node: ast.Constant) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield f"{node.value} -> {node.value + 1}", ast.Constant(node.value + 1)


def _of_comprehension(
    node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp,
) -> Iterator[tuple[str, ast.AST]]:
    """Each condition left out."""
    for number, generator in enumerate(node.generators):
        for at, condition in enumerate(generator.ifs):
            left = generator.ifs[:at] + generator.ifs[at + 1 :]
            new = _with(generator, ifs=left)
            others = [*node.generators[:number], new, *node.generators[number + 1 :]]
            yield f"if {ast.unparse(condition)} is gone", _with(node, generators=others)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    """The node with other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **fields})


def _replaced(module: ast.Module, old: ast.AST, new: ast.AST) -> ast.Module:
    class Replacing(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return ast.copy_location(new, node) if node is old else self.generic_visit(node)

    Replacing().visit(module)
    return ast.fix_missing_locations(module)
