"""Finds what each name in a spec means: a walk over its trees, and those of the files that it extends."""

from collections.abc import Iterator, Sequence
from typing import Any

from specc.check.expressions.functions import FUNCTIONS
from specc.check.settings import families
from specc.lsp.kinds import arguments_of, item_of, selects, symbols_of
from specc.lsp.names import NETWORK, Env, Names, Occurrence, Symbol, Tensors
from specc.lsp.selectors import head_name, local, named_layers, parts_of
from specc.ops import OPS
from specc.ops.expansion import NamesTensor
from specc.source import Span
from specc.syntax import tree as t
from specc.syntax.build import BROKEN
from specc.syntax.depth import deep_recursion
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import Kind
from specc.vocabulary.param import Param


def resolve(files: Sequence[t.File]) -> Names:
    """The names of a file and of those that it extends, which come after it."""
    resolver = Resolver(files)
    with deep_recursion():
        for file in files:
            for item in file.items:
                resolver.item(item)
    return Names([*resolver.occurrences, *resolver.tensors.occurrences()])


class Resolver:
    """Walks the items of files. env: what the names of lets, parameters and loops mean where it is."""

    def __init__(self, files: Sequence[t.File]) -> None:
        self.occurrences: list[Occurrence] = []
        self.tensors = Tensors()
        self.holder = ""
        items = [item for file in reversed(files) for item in file.items]
        self.blocks = {item.name: item for item in items if isinstance(item, t.Block) and not item.is_network}
        self.networks = [item for item in items if isinstance(item, t.Block) and item.is_network]
        self.lets: dict[str, Symbol] = {
            item.name: Symbol("shared" if isinstance(item, t.Shared) else "let", item.name)
            for item in items
            if isinstance(item, t.Let | t.Shared) and item.name != BROKEN
        }
        self.layers = named_layers(items)
        self.knobs = {parameter.name for network in self.networks for parameter in network.parameters}

    def add(
        self, span: Span, kind: str, symbol: Symbol | None = None, *, defines: bool = False, detail: Any = None
    ) -> None:
        self.occurrences.append(Occurrence(span, kind, symbol, defines, detail))

    # ---- items

    def item(self, item: Any) -> None:
        match item:
            case t.Let(name=name) | t.Shared(name=name) if name != BROKEN:
                self.add(item.name_span, self.lets[name].kind, self.lets[name], defines=True, detail=item)
                self.expression(item.value, self.lets, None)
            case t.Default(call=call):
                self.call(call, self.lets, ())
            case t.Block():
                self.block(item)
            case t.Section():
                self.section(item)
            case t.Variant():
                self.add(item.name_span, "variant", Symbol("variant", item.name), defines=True, detail=item)
                if item.base_span is not None:
                    self.add(item.base_span, "variant", Symbol("variant", item.base))
                for setting in item.settings:
                    self.path(setting, ())

    def block(self, block: t.Block) -> None:
        kind = "network" if block.is_network else "block"
        self.holder = NETWORK if block.is_network else block.name
        symbol = Symbol(kind, NETWORK if block.is_network else block.name)
        self.add(block.name_span, kind, symbol, defines=True, detail=block)
        env = dict(self.lets)
        for parameter in block.parameters:
            own = Symbol("parameter", parameter.name, self.holder)
            self.add(_head(parameter.span, parameter.name), "parameter", own, defines=True, detail=parameter)
            if parameter.default is not None:
                self.expression(parameter.default, env, None)
            env[parameter.name] = own
        self.body(block.body, env, ())
        self.holder = ""

    def section(self, section: t.Section) -> None:
        self.add(section.name_span, "section", detail=section.name)
        for setting in section.settings:
            if section.name in ("search", "network"):
                self.path(setting, ("network",) if section.name == "network" else ())
            elif setting.path != (BROKEN,):
                params = {param.name: param for param in SECTIONS.get(section.name, ())}
                param = params.get(setting.path[0])
                self.add(setting.path_span, "setting", detail=param and (section.name, param))
                self.expression(setting.value, self.lets, param.kind if param else None)

    def path(self, setting: t.Setting, before: tuple[str, ...]) -> None:
        """The parts of a path of a variant or a search: a section, a setting, arguments of calls."""
        kind: Kind | None = None
        root = ""
        for position, (part, span) in enumerate(_parts(setting), len(before)):
            if position == 0:
                root = part
                self.add(span, "section", detail=part)
            elif position == 1 and (root or before[0]) == "network":
                self.add(span, "parameter", Symbol("parameter", part, NETWORK) if part in self.knobs else None)
            elif position == 1:
                param = next((param for param in SECTIONS.get(root, ()) if param.name == part), None)
                kind = param.kind if param else None
                self.add(span, "setting", detail=param and (root, param))
            else:
                param = next((one for one in arguments_of(kind) if one.name == part), None)
                kind = param.kind if param else None
                self.add(span, "argument", detail=param)
        if isinstance(setting.value, t.Call) and setting.value.name in COMPONENTS["search"]:
            self.add(setting.value.callee, "word", detail=COMPONENTS["search"][setting.value.name])
            for argument in setting.value.arguments:  # each is a value of the setting
                self.expression(argument.value, self.lets, kind)
        else:
            self.expression(setting.value, self.lets, kind)

    # ---- bodies

    def body(self, body: t.Body, env: Env, taken: tuple[str, ...]) -> None:
        for statements in body.branches:
            self.statements(statements, env, taken)

    def statements(self, statements: Sequence[Any], env: Env, taken: tuple[str, ...]) -> None:
        env = dict(env)
        for statement in statements:
            match statement:
                case t.Let(name=name) | t.Shared(name=name):
                    self.expression(statement.value, env, None)
                    env[name] = local(statement)
                    self.add(statement.name_span, env[name].kind, env[name], defines=True)
                case t.Default(call=call):
                    self.call(call, env, ())
                case _:
                    self.stage(statement, env, taken)

    def loop(self, span: Span) -> Symbol:
        """The name that a loop binds at a place."""
        symbol = Symbol("loop", span.text, f"{span.source.path}:{span.start}")
        self.add(span, "loop", symbol, defines=True)
        return symbol

    def stage(self, stage: Any, env: Env, taken: tuple[str, ...]) -> None:
        """A stage of a pipeline. taken: the families whose words may stand there; none in a network."""
        match stage:
            case t.Pipe(stages=stages):
                for part in stages:
                    self.stage(part, env, taken)
            case t.If(test=test, body=body, otherwise=otherwise):
                self.expression(test, env, None)
                self.body(body, env, taken)
                if isinstance(otherwise, t.If):
                    self.stage(otherwise, env, taken)
                elif otherwise is not None:
                    self.body(otherwise, env, taken)
            case t.For(target=target, iterable=iterable, body=body):
                self.expression(iterable, env, None)
                inside = dict(env)
                for name in (node for node in t.walk(target) if isinstance(node, t.Name)):
                    inside[name.name] = self.loop(name.span)
                self.body(body, inside, taken)
            case t.Name() | t.Call():
                self.named(stage, env, taken, None)
            case _:
                self.expression(stage, env, None)

    # ---- expressions

    def expression(self, node: Any, env: Env, kind: Kind | None) -> None:
        """An expression where a value of a kind is expected; None: of any kind."""
        taken = families(kind) if kind else ()
        match node:
            case t.Name() | t.Call():
                self.named(node, env, taken, kind)
            case t.Pipe(stages=stages):
                for stage in stages:
                    self.expression(stage, env, kind)
            case t.Sequence(items=items):
                for item in items:
                    self.expression(item, env, item_of(kind))
            case t.Literal(value=str(path), span=span) if kind is not None and selects(kind):
                self.selector(path, span)
            case t.Flowing(field=field, span=span):
                self.add(Span(span.source, span.end - len(field), span.end), "flow", detail=field)
            case _:
                self.operation(node, env, kind)

    def operation(self, node: Any, env: Env, kind: Kind | None) -> None:
        """An expression that is worked out of others."""
        match node:
            case t.Group(value=inner) | t.Prefix(operand=inner):
                self.expression(inner, env, kind)
            case t.Conditional(then=then, test=test, otherwise=otherwise):
                self.expression(then, env, kind)
                self.expression(test, env, None)
                self.expression(otherwise, env, kind)
            case t.Operators(operands=operands):
                for operand in operands:
                    self.expression(operand, env, None)
            case t.Index(value=value, index=index):
                self.expression(value, env, kind if kind and kind.names_tensor else None)
                self.expression(index, env, None)

    def named(self, node: t.Name | t.Call, env: Env, taken: tuple[str, ...], kind: Kind | None) -> None:
        if isinstance(node, t.Call):
            self.call(node, env, taken)
        elif node.name != BROKEN and not self.word(node.name, node.span, env, taken, kind):
            if kind is not None and kind.names_tensor and "." not in node.name:
                self.tensors.add(self.holder, node.name, node.span, is_definition=False)
            elif kind is None or selects(kind):
                self.selector(node.name, node.span)
            else:
                self.add(node.span, "symbol")

    def selector(self, path: str, span: Span) -> None:
        """A path of weights: each name of the spec in it; what names none is a symbol."""
        parts = list(parts_of(path, span, self.layers))
        for part, symbol in parts:
            self.add(part, symbol.kind, symbol, detail=self.blocks.get(symbol.name) if symbol.kind == "block" else None)
        if not parts:
            self.add(span, "symbol")

    def word(self, name: str, span: Span, env: Env, taken: tuple[str, ...], kind: Kind | None = None) -> Any:
        """What a name that is used means: a Symbol, a word, or None where it is neither."""
        is_plain = kind is None or not kind.is_literal
        if name in env and is_plain:
            self.add(span, env[name].kind, env[name])
            return env[name]
        words = [COMPONENTS[family][name] for family in taken if name in COMPONENTS[family]]
        if words:
            self.add(span, "word", detail=words[0])
            return words[0]
        if kind is not None and (name in symbols_of(kind) or kind.names_tensor):
            return None
        if kind is not None and selects(kind):
            return None  # a path of weights
        if name in self.blocks and is_plain:
            self.add(span, "block", Symbol("block", name))
            return self.blocks[name]
        if not is_plain:
            return None
        if name in OPS and not taken:
            self.add(span, "layer", detail=OPS[name])
            return OPS[name]
        if name in FUNCTIONS:
            self.add(span, "function", detail=name)
            return name
        other = next((words[name] for words in COMPONENTS.values() if name in words), None)
        if other is not None:
            self.add(span, "word", detail=other)
        return other

    def call(self, call: t.Call, env: Env, taken: tuple[str, ...]) -> None:
        if call.name == BROKEN:
            return
        word = self.word(call.name, call.callee, env, taken)
        if word is None:
            self.add(call.callee, "symbol")
        params: dict[str, Param] = {}
        if not isinstance(word, Symbol | t.Block | str | None):
            params = {param.name.lstrip("*"): param for param in word.params}
        rest = next((param for param in params.values() if param.name.startswith("*")), None)
        for position, argument in enumerate(call.arguments):
            taker = rest or next(iter(list(params.values())[position : position + 1]), None)
            param = params.get(argument.name) if argument.name else taker
            if argument.name:
                self.argument(argument, word, param)
            if (named := head_name(call)) is not None and argument.value is named:
                self.head(named, env)
            elif param is not None and param.kind.names_tensor and _expands_to_name(word) and position == 0:
                self.given(argument.value, env)
            else:
                self.expression(argument.value, env, param.kind if param else None)
        if call.body is not None:
            inside = (word.family,) if isinstance(word, Component) else ()
            self.body(call.body, env, inside)

    def argument(self, argument: t.Argument, word: Any, param: Param | None) -> None:
        span = _head(argument.span, argument.name)
        if isinstance(word, t.Block):
            names = [parameter.name for parameter in word.parameters]
            symbol = Symbol("parameter", argument.name, word.name) if argument.name in names else None
            self.add(span, "parameter", symbol)
        else:
            self.add(span, "argument", detail=param)

    def head(self, named: t.Name, env: Env) -> None:
        """The name that an auxiliary classifier gets."""
        if named.name in env:
            self.add(named.span, env[named.name].kind, env[named.name])
        elif named.name != BROKEN:
            self.add(named.span, "head", Symbol("head", named.name), defines=True, detail=None)

    def given(self, named: Any, env: Env) -> None:
        """The name that `as` gives to a tensor; a parameter there stands for the name that it holds."""
        while isinstance(named, t.Index):
            self.expression(named.index, env, None)
            named = named.value
        if isinstance(named, t.Name) and named.name in env:
            self.add(named.span, env[named.name].kind, env[named.name])
        elif isinstance(named, t.Name):
            self.tensors.add(self.holder, named.name, named.span, is_definition=True)


def _head(span: Span, name: str) -> Span:
    """The name at the beginning of an argument or a parameter."""
    return Span(span.source, span.start, span.start + len(name))


def _parts(setting: t.Setting) -> Iterator[tuple[str, Span]]:
    """The parts of a path, and where they stand."""
    source, at = setting.path_span.source, setting.path_span.start
    for part in setting.path:
        at = source.text.find(part, at, setting.path_span.end)
        if at < 0:
            return  # a placeholder of what could not be read
        yield part, Span(source, at, at + len(part))
        at += len(part)


def _expands_to_name(word: Any) -> bool:
    return isinstance(getattr(word, "expands", None), NamesTensor)
