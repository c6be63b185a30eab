"""The mutations of a module: each changes one expression or statement of its syntax tree, and nothing else."""

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import NamedTuple, TypeVar

COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
    ast.In: [ast.NotIn],
    ast.NotIn: [ast.In],
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
FUNCTIONS = {"min": "max", "max": "min", "any": "all", "all": "any", "sum": "max", "sorted": "list"}
METHODS = {
    "max": ["min", "mean", "sum"],
    "min": ["max"],
    "mean": ["sum"],
    "sum": ["mean"],
    "any": ["all"],
    "all": ["any"],
}
WORDS = {"doc", "help", "example", "note"}  # keywords that hold text for people
IDLE = {"strict", "maxsize"}  # keywords that change no result
AROUND = 30  # characters of what is the same that are shown
DECLARED = {"TypeVar", "cast", "Protocol"}


Node = TypeVar("Node", bound=ast.expr | ast.stmt)
Item = TypeVar("Item")
Changeable = ast.expr | ast.stmt


class Mutation(NamedTuple):
    """A change of one place.

    line, first: of what is changed, and of the statement that it stands in, counted from 1. function: its dotted name.
    before, after: the source of what is changed, on one line. original, text: the module, and the changed one.
    """

    line: int
    first: int
    function: str
    before: str
    after: str
    original: str
    text: str

    def __str__(self) -> str:
        """Both, without most of what is the same at their beginnings and ends."""
        before, after = self.before, self.after
        if after != "pass":
            start = max(_alike(before, after) - AROUND, 0)
            end = max(_alike(before[:start:-1], after[:start:-1]) - AROUND, 0)
            if start + end > 2 * AROUND:
                before, after = (text[start : len(text) - end] for text in (before, after))
        return f"{before}  =>  {after}"


def _alike(one: str, other: str) -> int:
    """How many characters at their beginnings are the same."""
    return next(
        (at for at, pair in enumerate(zip(one, other, strict=False)) if pair[0] != pair[1]),
        len(min(one, other, key=len)),
    )


def mutations(text: str) -> Iterator[Mutation]:
    """Every mutation of a module, in the order of its source."""
    lines = [0]
    for line in text.encode().splitlines(keepends=True):
        lines.append(lines[-1] + len(line))
    source = text.encode()
    for node, function, first in _places(ast.parse(text), "", 1):
        start = lines[node.lineno - 1] + node.col_offset
        assert node.end_lineno is not None and node.end_col_offset is not None
        end = lines[node.end_lineno - 1] + node.end_col_offset
        for other in _changed(node):
            after = ast.unparse(ast.fix_missing_locations(other))
            written = f"({after})" if isinstance(other, ast.expr) else after
            before = " ".join(ast.unparse(node).split())
            changed = source[:start] + written.encode() + source[end:]
            after = " ".join(after.split())
            yield Mutation(node.lineno, first, function, before, after, text, changed.decode())


def _places(node: ast.AST, function: str, first: int) -> Iterator[tuple[ast.expr | ast.stmt, str, int]]:
    """What may be changed, with the name of the function or class, and the line of the statement, that it stands in."""
    if isinstance(node, ast.JoinedStr | ast.Import | ast.ImportFrom | ast.Assert | ast.Global | ast.Nonlocal):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in DECLARED:
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        function = f"{function}.{node.name}".lstrip(".")
    if isinstance(node, ast.stmt):
        first = node.lineno
    if isinstance(node, ast.expr | ast.stmt):
        yield node, function, first
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.keyword) and child.arg in WORDS | IDLE:
                continue
            if isinstance(child, ast.AST):
                yield from _places(child, function, first)


def _changed(node: Changeable) -> Iterator[Changeable]:
    """What a node is changed to, one at a time."""
    for rule in RULES:
        yield from rule(node)


def _comparison(node: Changeable) -> Iterator[Changeable]:
    """Another operator: its neighbor at the bound, and its opposite."""
    if isinstance(node, ast.Compare):
        for at, op in enumerate(node.ops):
            for other in COMPARISONS[type(op)]:
                yield _set(node, ops=[*node.ops[:at], other(), *node.ops[at + 1 :]])


def _arithmetic(node: Changeable) -> Iterator[Changeable]:
    """Another operator; no sign."""
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC and not _is_text(node):
        yield _set(node, op=ARITHMETIC[type(node.op)]())
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield deepcopy(node.operand)


def _logic(node: Changeable) -> Iterator[Changeable]:
    """`and` for `or`, one condition less, no `not`, and either side of a choice."""
    match node:
        case ast.BoolOp(op=op, values=values):
            yield _set(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for rest in _one_less(values):
                yield _set(node, values=rest) if len(rest) > 1 else deepcopy(rest[0])
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield deepcopy(operand)
        case ast.IfExp(body=body, orelse=orelse):
            yield deepcopy(body)
            yield deepcopy(orelse)


def _constant(node: Changeable) -> Iterator[Changeable]:
    """One more, twice as much, the other truth."""
    match node:
        case ast.Constant(value=bool() as truth):
            yield ast.Constant(not truth)
        case ast.Constant(value=int() as integer):
            yield ast.Constant(integer + 1)
        case ast.Constant(value=float() as number):
            yield ast.Constant(number * 2 if number else 1.0)


def _function(node: Changeable) -> Iterator[Changeable]:
    """Another of the functions that make one of many: `max` for `min`, the mean for the largest."""
    match node:
        case ast.Call(func=ast.Name(id=name)) if name in FUNCTIONS and not (name == "sorted" and node.keywords):
            yield _set(node, func=ast.Name(FUNCTIONS[name], ast.Load()))
        case ast.Call(func=ast.Attribute(attr=name, value=value)) if name in METHODS:
            for other in METHODS[name]:
                yield _set(node, func=ast.Attribute(deepcopy(value), other, ast.Load()))


def _element(node: Changeable) -> Iterator[Changeable]:
    """One element, argument or filter less."""
    match node:
        case ast.Dict(keys=keys, values=values) if len(keys) > 1:
            for some_keys, some_values in zip(_one_less(keys), _one_less(values), strict=True):
                yield _set(node, keys=some_keys, values=some_values)
        case ast.Set(elts=elements) | ast.List(elts=elements, ctx=ast.Load()) if len(elements) > 1:
            for some in _one_less(elements):
                yield _set(node, elts=some)
        case ast.Call(keywords=keywords) if not _is_problem(node):
            for at, keyword in enumerate(keywords):
                if keyword.arg and keyword.arg not in WORDS | IDLE:
                    yield _set(node, keywords=[*keywords[:at], *keywords[at + 1 :]])
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            for number, generator in enumerate(node.generators):
                for at in range(len(generator.ifs)):
                    other = deepcopy(node)
                    del other.generators[number].ifs[at]
                    yield other


def _statement(node: Changeable) -> Iterator[Changeable]:
    """A statement less, and nothing for what is returned."""
    match node:
        case ast.Expr(value=ast.Call()) | ast.AugAssign() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            yield ast.Return(ast.Constant(None))


RULES = (_comparison, _arithmetic, _logic, _constant, _function, _element, _statement)


def _is_text(node: ast.BinOp) -> bool:
    """Whether texts are joined or repeated, which only people read."""
    return any(
        isinstance(side, ast.JoinedStr) or (isinstance(side, ast.Constant) and isinstance(side.value, str))
        for side in (node.left, node.right)
    )


def _is_problem(node: ast.Call) -> bool:
    """Whether this makes an error, whose words are for people."""
    name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
    return name in ("Problem", "SpeccError", "report", "Diagnostic")


def _one_less(items: list[Item]) -> Iterator[list[Item]]:
    for at in range(len(items)):
        yield [*items[:at], *items[at + 1 :]]


def _set(node: Node, **fields: object) -> Node:
    other = deepcopy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other
