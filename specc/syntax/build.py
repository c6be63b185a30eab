"""Lark's parse tree to our syntax tree, one short rule for each rule of the grammar."""

from collections.abc import Callable
from math import isfinite
from typing import Any

from lark import Token, Tree

from specc.diagnostics import Diagnostic
from specc.source import Source, Span
from specc.syntax import tree as t
from specc.syntax.depth import DEEPEST_TREE
from specc.syntax.layout import GoOn
from specc.values import UNKNOWN, Percent, Size

LONGEST_INTEGER = 18  # digits
Parts = list[Any]
Nodes = tuple[Any, ...]
Method = Callable[[Parts, Span], Any]


class TooDeepTree(Exception):
    """The tree is deeper than `DEEPEST_TREE`; `span` is the part that went too far."""

    def __init__(self, span: Span) -> None:
        super().__init__()
        self.span = span


class Builder:
    """Turns parse trees of one source into nodes. A method is named after the grammar rule that it handles."""

    def __init__(self, source: Source, go_on: GoOn) -> None:
        self.source, self.go_on = source, go_on
        self.problems: list[Diagnostic] = []
        self.depth = 0

    def build(self, part: Any) -> Any:
        """The node of a parse tree; None stays None (an optional part that is not there)."""
        if part is None:
            return None
        if isinstance(part, Token):
            return t.Name(str(part), self.token_span(part))
        span = Span(self.source, part.start, part.end)
        if self.depth == DEEPEST_TREE:
            raise TooDeepTree(span)
        rule: str = part.data
        method: Method = getattr(self, rule.partition("{")[0])
        self.depth += 1
        node = method(part.children, span)
        self.depth -= 1
        return node

    def all(self, parts: Parts) -> Nodes:
        """The nodes of all parts that are there and could be read."""
        self.go_on()
        return tuple([self.build(part) for part in parts if part is not None and not is_broken(part)])

    def token_span(self, token: Token) -> Span:
        assert token.start_pos is not None and token.end_pos is not None
        return Span(self.source, token.start_pos, token.end_pos)

    def whole(self, digits: str, span: Span) -> Any:
        """The value of an integer literal; UNKNOWN, with a problem, for an absurdly long one."""
        if len(digits) <= LONGEST_INTEGER:
            return int(digits)
        return self.too_large(f"this integer has more than {LONGEST_INTEGER} digits", span)

    def finite(self, number: str, span: Span) -> Any:
        """The value of a float literal; UNKNOWN, with a problem, for one beyond all floats."""
        value = float(number)
        return value if isfinite(value) else self.too_large("this number is too large", span)

    def too_large(self, message: str, span: Span) -> Any:
        self.problems.append(Diagnostic("E104", message, span, help="write a smaller number"))
        return UNKNOWN

    # ---- expressions

    def integer(self, parts: Parts, span: Span) -> t.Literal:
        return t.Literal(self.whole(parts[0], span), span)

    def float(self, parts: Parts, span: Span) -> t.Literal:
        return t.Literal(self.finite(parts[0], span), span)

    def percent(self, parts: Parts, span: Span) -> t.Literal:
        value = self.finite(parts[0][:-1], span)
        return t.Literal(UNKNOWN if value is UNKNOWN else Percent(value / 100), span)

    def size(self, parts: Parts, span: Span) -> t.Literal:
        sides = [self.whole(digits, span) for digits in parts[0].split("x")]
        return t.Literal(UNKNOWN if UNKNOWN in sides else Size(*sides), span)

    def text(self, parts: Parts, span: Span) -> t.Literal:
        return t.Literal(unquote(parts[0]), span)

    def true(self, parts: Parts, span: Span) -> t.Literal:
        return t.Literal(True, span)

    def false(self, parts: Parts, span: Span) -> t.Literal:
        return t.Literal(False, span)

    def name(self, parts: Parts, span: Span) -> t.Name:
        return t.Name(".".join(map(str, parts)), span)

    def flowing(self, parts: Parts, span: Span) -> t.Flowing:
        return t.Flowing(str(parts[0]), span)

    def symbol_in(self, parts: Parts, span: Span) -> t.Name:
        return t.Name("in", span)

    def prefix(self, parts: Parts, span: Span) -> t.Prefix:
        return t.Prefix(str(parts[0]), self.build(parts[1]), span)

    def operators(self, parts: Parts, span: Span) -> t.Operators:
        return t.Operators(self.all(parts[::2]), tuple(map(str, parts[1::2])), span)

    def conditional(self, parts: Parts, span: Span) -> t.Conditional:
        then, test, otherwise = self.all(parts)
        return t.Conditional(then, test, otherwise, span)

    def group(self, parts: Parts, span: Span) -> t.Group:
        return t.Group(self.build(parts[0]), span)

    def tuple(self, parts: Parts, span: Span) -> t.Sequence:
        return t.Sequence(self.all(parts), False, span)

    def list(self, parts: Parts, span: Span) -> t.Sequence:
        return t.Sequence(self.all(parts), True, span)

    def index(self, parts: Parts, span: Span) -> t.Index:
        return t.Index(self.build(parts[0]), self.build(parts[1]), span)

    def pipe(self, parts: Parts, span: Span) -> t.Pipe:
        return t.Pipe(self.all(parts), span)

    def named_call(self, parts: Parts, span: Span) -> t.Call:
        return t.Call(str(parts[0]), self.arguments(parts[1].children), None, self.token_span(parts[0]), span)

    def bodied(self, parts: Parts, span: Span) -> t.Call:
        arguments = self.arguments(parts[1].children) if len(parts) == 3 else ()
        body = self.build(parts[-1])
        return t.Call(str(parts[0]), arguments, body, self.token_span(parts[0]), span, len(parts) == 3)

    def arguments(self, parts: Parts) -> Nodes:
        return self.all(parts)

    def argument(self, parts: Parts, span: Span) -> t.Argument:
        return t.Argument("", self.build(parts[0]), span)

    def named_argument(self, parts: Parts, span: Span) -> t.Argument:
        return t.Argument(str(parts[0]), self.build(parts[1]), span)

    # ---- bodies

    def body(self, parts: Parts, span: Span) -> t.Body:
        return t.Body((self.all(parts),), False, span)

    def branches(self, parts: Parts, span: Span) -> t.Body:
        return t.Body(tuple([self.all(part.children) for part in parts]), True, span)

    def pipeline(self, parts: Parts, span: Span) -> Any:
        return self.build(parts[0]) if len(parts) == 1 else t.Pipe(self.all(parts), span)

    def let(self, parts: Parts, span: Span) -> t.Let:
        return t.Let(str(parts[0]), self.build(parts[1]), span, self.token_span(parts[0]))

    def shared(self, parts: Parts, span: Span) -> t.Shared:
        return t.Shared(str(parts[1]), self.build(parts[2]), span, self.token_span(parts[1]))

    def default(self, parts: Parts, span: Span) -> t.Default:
        call = self.build(parts[0])
        if isinstance(call, t.Name):
            call = t.Call(call.name, (), None, call.span, call.span, False)
        return t.Default(call, span)

    def if_stage(self, parts: Parts, span: Span) -> t.If:
        return t.If(self.build(parts[0]), self.build(parts[1]), self.build(parts[2]), span)

    def for_stage(self, parts: Parts, span: Span) -> t.For:
        target, iterable, body = self.all(parts)
        return t.For(target, iterable, body, span)

    def target(self, parts: Parts, span: Span) -> Any:
        if isinstance(parts[0], Token):
            return self.build(parts[0])
        return t.Sequence(self.all(parts), False, span)

    def grouped_target(self, parts: Parts, span: Span) -> Any:
        return self.build(parts[0])

    # ---- the file

    def extends(self, parts: Parts, span: Span) -> t.Extends:
        return t.Extends(unquote(parts[0]), span)

    def param(self, parts: Parts, span: Span) -> t.Parameter:
        return t.Parameter(str(parts[0]), self.build(parts[1]), span)

    def block(self, parts: Parts, span: Span, is_network: bool = False) -> t.Block:
        name, params, body = parts
        parameters = self.all(params.children) if params is not None else ()
        return t.Block(str(name), parameters, self.build(body), is_network, span, self.token_span(name))

    def network(self, parts: Parts, span: Span) -> t.Block:
        return self.block(parts, span, is_network=True)

    def settings(self, part: Any) -> Nodes:
        return self.all(part.children)

    def setting(self, parts: Parts, span: Span) -> t.Setting:
        path = parts[0]
        path_span = Span(self.source, path.start, path.end)
        return t.Setting(tuple(map(str, path.children)), self.build(parts[1]), span, path_span)

    def section(self, parts: Parts, span: Span) -> t.Section:
        return t.Section(str(parts[0]), self.settings(parts[1]), span, self.token_span(parts[0]))

    def search(self, parts: Parts, span: Span) -> t.Section:
        return self._section("search", parts, span)

    def knobs(self, parts: Parts, span: Span) -> t.Section:
        return self._section("network", parts, span)

    def _section(self, name: str, parts: Parts, span: Span) -> t.Section:
        """A section whose word is no token of the tree, but stands where it starts."""
        return t.Section(name, self.settings(parts[0]), span, Span(self.source, span.start, span.start + len(name)))

    def variant(self, parts: Parts, span: Span) -> t.Variant:
        name, base, settings = parts
        base_span = self.token_span(base) if base is not None else None
        return t.Variant(str(name), str(base or ""), self.settings(settings), span, self.token_span(name), base_span)


def is_broken(part: Any) -> bool:
    """Whether this is what `recover` left of a setting or an item that could not be read."""
    return isinstance(part, Tree) and part.data in ("setting", "let") and BROKEN in (part.children[0], *name_of(part))


def name_of(part: Any) -> Parts:
    """The names in a setting's path."""
    return part.children[0].children if isinstance(part.children[0], Tree) else []


# Stands for a statement that could not be parsed; no spec can contain such a name.
BROKEN = "a broken line"
ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


def unquote(token: str) -> str:
    r"""The text of a quoted string. `\n`, `\t`, `\"` and `\\` are escapes; another character after `\` stays itself."""
    out, characters = [], iter(token[1:-1])
    for character in characters:
        if character == "\\":
            following = next(characters)
            out.append(ESCAPES.get(following, "\\" + following))
        else:
            out.append(character)
    return "".join(out)
