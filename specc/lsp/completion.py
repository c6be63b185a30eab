"""What may be typed at a place: words with their pages, names, settings, values and files."""

import re
from collections.abc import Iterator, Sequence

from lsprotocol import types as lsp

from specc.check.expressions.flow import FIELDS
from specc.check.expressions.functions import FUNCTIONS
from specc.check.gather.spec import Spec
from specc.lsp import pages
from specc.lsp.cursor import Cursor, cursor_at
from specc.lsp.data import sent_back
from specc.lsp.expected import Called, called_at, families_at, kind_at
from specc.lsp.kinds import arguments_of, selects, setting_kind, symbols_of
from specc.lsp.paths import quoted
from specc.ops import OPS
from specc.report.words import Entry, about, default_text
from specc.source import Source
from specc.syntax import tree as t
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.vocabulary.kinds import Kind
from specc.vocabulary.param import REQUIRED, Param

Kinds = lsp.CompletionItemKind
TRIGGERS = [".", "=", "(", '"', "/", ",", " "]
STATEMENTS = {
    "let": "let ${1:name} = $0",
    "shared": "shared ${1:name} = $0",
    "default": "default ${1:conv}($0)",
    "if": "if ${1:condition} { $0 }",
    "for": "for ${1:i} in ${2:range(3)} { $0 }",
}
ITEMS = {
    "extends": 'extends "$0"',
    "data": "data {\n  source = $0\n}",
    "network": "network ${1:Net}(${2:width=32}) {\n  $0\n}",
    "block": "block ${1:name}(${2:c}) {\n  $0\n}",
    "train": "train {\n  epochs = ${1:20}\n  $0\n}",
    "export": "export {\n  $0\n}",
    "variant": "variant ${1:name} {\n  $0\n}",
    "search": "search {\n  $0\n}",
    "let": "let ${1:name} = $0",
    "default": "default ${1:conv}($0)",
}
PLACEHOLDER = re.compile(r"\$\{\d+:([^}]*)\}|\$\d+")
TENSOR = re.compile(r"\bas\s*\(\s*([A-Za-z_]\w*)")


def completion(source: Source, spec: Spec, position: int, snippets: bool) -> list[lsp.CompletionItem]:
    """What may be typed at an offset. spec: what was last known. snippets: whether the client fills in templates."""
    cursor = cursor_at(source.text, position)
    if cursor.is_nothing:
        return []
    items = list(_items(cursor, spec, source))
    if not snippets:
        items = [_plain(item) for item in items]
    return items


def resolved(item: lsp.CompletionItem) -> lsp.CompletionItem:
    """The item with the page of its word."""
    entry = pages.entry_of(sent_back(item.data, "family"), sent_back(item.data, "name"))
    if entry is not None:
        item.documentation = lsp.MarkupContent(lsp.MarkupKind.Markdown, pages.word_page(entry))
    return item


def _items(cursor: Cursor, spec: Spec, source: Source) -> Iterator[lsp.CompletionItem]:
    frame, blocks = cursor.frame, spec.blocks
    if cursor.string is not None:
        yield from quoted(cursor, source)
    elif frame.tokens[-2:] == ["in", "."]:
        yield from (_item(name, Kinds.Property, pages.FIELDS[name]) for name in FIELDS)
    elif frame.bracket == "":
        yield from _of_file(frame.tokens, spec)
    elif frame.bracket == "{" and cursor.item in (*SECTIONS, "variant", "search") and len(cursor.frames) == 2:
        yield from _settings(cursor, spec, source)
    elif frame.bracket == "{" and cursor.item == "network" and len(cursor.frames[1].before) == 1:
        yield from _knobs(spec)  # `network { … }` without a name
    else:
        yield from _in_body(cursor, spec, source, called_at(cursor, blocks))


def _of_file(tokens: Sequence[str], spec: Spec) -> Iterator[lsp.CompletionItem]:
    if not tokens:
        yield from (_item(name, Kinds.Keyword, "", snippet) for name, snippet in ITEMS.items())
    elif tokens[0] == "variant" and tokens[-1] == "extends":
        yield from (_item(name, Kinds.EnumMember, "variant") for name in spec.variants if name != tokens[1])
    elif tokens[0] == "variant" and len(tokens) == 2:
        yield _item("extends", Kinds.Keyword, "")
    elif tokens[0] == "default" and len(tokens) == 1:
        yield from _layers(spec)
    elif tokens[0] in ("let", "shared") and "=" in tokens:
        yield from (*_layers(spec), *_functions(), *_lets(spec))


def _settings(cursor: Cursor, spec: Spec, source: Source) -> Iterator[lsp.CompletionItem]:
    """Settings, paths and their values, in a section, a variant or a search."""
    frame = cursor.frame
    if "=" in frame.tokens:
        kind = kind_at(cursor, len(cursor.frames) - 1, spec.blocks)
        yield from _values(kind, families_at(cursor, len(cursor.frames) - 1, spec.blocks))
        yield from _lets(spec)
        if cursor.item in ("variant", "search"):
            yield from _functions()
        if kind is not None and selects(kind):
            yield from (_item(name, Kinds.Function, "block") for name in spec.blocks)
        return
    path = [part for part in frame.tokens if part != "."]
    if cursor.item in SECTIONS:
        params = [param for param in SECTIONS[cursor.item] if param.name not in frame.given]
        yield from (_setting(param, " = ") for param in params if not path)
    elif not path:
        yield from (_item(name, Kinds.Module, "section") for name in ("network", *SECTIONS))
    elif path[0] == "network":
        yield from _knobs(spec) if len(path) == 1 else ()
    elif len(path) == 1:
        yield from (_setting(param, "") for param in SECTIONS.get(path[0], ()))
    else:
        yield from (_setting(param, "") for param in arguments_of(setting_kind(path)))


def _in_body(cursor: Cursor, spec: Spec, source: Source, called: Called | None) -> Iterator[lsp.CompletionItem]:
    """Layers, names and values, in the body of a network or in the arguments of a call."""
    frame, depth = cursor.frame, len(cursor.frames) - 1
    kind, taken = kind_at(cursor, depth, spec.blocks), families_at(cursor, depth, spec.blocks)
    names = [_item(name, Kinds.Variable, "bound here") for name in dict.fromkeys(cursor.names)]
    if called is not None and frame.bracket == "(" and not called.named and not frame.tokens:
        yield from _parameters(called)
    if kind is not None and kind.names_tensor:
        yield from (_item(name, Kinds.Variable, "tensor") for name in dict.fromkeys(TENSOR.findall(source.text)))
    yield from _values(kind, taken)
    if taken:
        yield from _lets(spec)
    elif frame.bracket == "{":
        if not frame.tokens:
            yield from (_item(name, Kinds.Keyword, "", snippet) for name, snippet in STATEMENTS.items())
        yield from (*_layers(spec), *names, *_lets(spec))
        if frame.tokens and frame.tokens[-1] != "->":
            yield from _functions()
    else:
        yield from (*names, *_lets(spec), *_functions())
        if called is None or isinstance(called.word, t.Block):
            yield from _layers(spec)


def _values(kind: Kind | None, taken: Sequence[str]) -> Iterator[lsp.CompletionItem]:
    if kind is not None:
        yield from (_item(name, Kinds.EnumMember, kind.needs) for name in symbols_of(kind))
    for family in taken:
        yield from (_word(entry) for entry in COMPONENTS[family].values())


def _layers(spec: Spec) -> Iterator[lsp.CompletionItem]:
    yield from (_block(block) for block in spec.blocks.values())
    yield from (_word(op) for op in OPS.values() if op.name not in spec.blocks)


def _lets(spec: Spec) -> Iterator[lsp.CompletionItem]:
    for name, let in spec.lets.items():
        if name.isidentifier():
            yield _item(name, Kinds.Variable, let.span.text.partition("\n")[0])


def _knobs(spec: Spec) -> Iterator[lsp.CompletionItem]:
    for parameter in spec.network.parameters if spec.network else ():
        yield _item(parameter.name, Kinds.Property, parameter.span.text)


def _functions() -> Iterator[lsp.CompletionItem]:
    yield from (_item(name, Kinds.Operator, "function", f"{name}($0)") for name in FUNCTIONS)


def _parameters(called: Called) -> Iterator[lsp.CompletionItem]:
    """The parameters that may still be named."""
    before = [param.name for param in called.params[: called.position - len(called.given)]]
    for param in called.params:
        if param.name in (*called.given, *before) or param.name.startswith("*"):
            continue
        detail = about(param) if isinstance(param, Param) else param.span.text
        yield _item(f"{param.name}=", Kinds.Field, detail, first=True)


def _setting(param: Param, equals: str) -> lsp.CompletionItem:
    item = _item(param.name, Kinds.Property, param.doc, f"{param.name}{equals}")
    default = "required" if param.default is REQUIRED else f"default {default_text(param)}"
    item.documentation = lsp.MarkupContent(lsp.MarkupKind.Markdown, f"{param.kind.needs}; {default}")
    return item


def _word(entry: Entry) -> lsp.CompletionItem:
    required = [param.name for param in entry.params if param.default is REQUIRED and not param.name.startswith("*")]
    item = _item(
        entry.name, Kinds.Class if entry.body else Kinds.Function, entry.doc, call(entry.name, required, entry.body)
    )
    item.data = {"family": entry.family, "name": entry.name}
    return item


def _block(block: t.Block) -> lsp.CompletionItem:
    required = [parameter.name for parameter in block.parameters if parameter.default is None]
    head = f"{block.name}({', '.join(parameter.span.text for parameter in block.parameters)})"
    return _item(block.name, Kinds.Function, f"block {head}", call(block.name, required, ""), first=True)


def call(name: str, required: Sequence[str], body: str) -> str:
    """A call with places for what it needs, as a snippet."""
    places = ", ".join(f"${{{number}:{param}}}" for number, param in enumerate(required, 1))
    more = len(required) + 1
    bodies = {"": "", "one": " { $0 }", "branches": f" {{\n  | ${more}\n  | $0\n}}"}
    return f"{name}({places}){bodies[body]}" if places else f"{name}{bodies[body]}"


def _item(
    name: str, kind: lsp.CompletionItemKind, detail: str, insert: str = "", *, first: bool = False
) -> lsp.CompletionItem:
    item = lsp.CompletionItem(name, kind=kind, detail=detail or None)
    if insert and insert != name:
        item.insert_text = insert
        item.insert_text_format = lsp.InsertTextFormat.Snippet if "$" in insert else None
    item.sort_text = f"{'0' if first else '1'}{name}"
    return item


def _plain(item: lsp.CompletionItem) -> lsp.CompletionItem:
    """An item for a client without snippets."""
    if item.insert_text_format == lsp.InsertTextFormat.Snippet:
        item.insert_text, item.insert_text_format = PLACEHOLDER.sub(r"\1", item.insert_text or ""), None
    return item
