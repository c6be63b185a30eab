"""What may stand where something is being typed: which word is called there, and the kind of value that it wants."""

from typing import Any, NamedTuple

from specc.check.expressions.functions import FUNCTIONS
from specc.check.settings import families
from specc.lsp.cursor import Cursor, Frame
from specc.lsp.kinds import item_of, setting_kind
from specc.ops import OPS
from specc.syntax import tree as t
from specc.tricks import COMPONENTS
from specc.tricks.sections import SECTIONS
from specc.vocabulary.component import Component
from specc.vocabulary.kinds import Kind
from specc.vocabulary.param import Param

Blocks = dict[str, t.Block]


class Called(NamedTuple):
    """A call that is being typed. word: an op, a component, a block or the name of a function; None for another.

    position: which argument, from 0. named: the parameter that the argument names, or "".
    """

    name: str
    word: Any
    position: int
    named: str
    given: tuple[str, ...]

    @property
    def params(self) -> tuple[Param, ...] | tuple[t.Parameter, ...]:
        if self.word is None or isinstance(self.word, str):
            return ()
        params: Any = self.word.parameters if isinstance(self.word, t.Block) else self.word.params
        return tuple(params)

    @property
    def active(self) -> int | None:
        """Which parameter the argument is for."""
        names = [param.name.lstrip("*") for param in self.params]
        if self.named:
            return names.index(self.named) if self.named in names else None
        if any(param.name.startswith("*") for param in self.params):
            return 0
        return self.position if self.position < len(names) else None


def called_at(cursor: Cursor, blocks: Blocks) -> Called | None:
    """The innermost call in whose arguments a place is."""
    for depth in range(len(cursor.frames) - 1, 0, -1):
        frame = cursor.frames[depth]
        if frame.bracket == "{":
            return None
        if frame.bracket == "(" and frame.owner and frame.owner not in ("for", "if", "in"):
            if frame.before[:1] in (("block",), ("network",), ("let",)) and depth == 1 and frame.before[0] != "let":
                return None  # the parameters that a block declares
            named = frame.tokens[0] if frame.tokens[1:2] == ["="] else ""
            return Called(frame.owner, _word(cursor, depth, blocks), frame.commas, named, tuple(frame.given))
    return None


def _word(cursor: Cursor, depth: int, blocks: Blocks) -> Any:
    """What the callee of a frame is."""
    name = cursor.frames[depth].owner
    for family in families_at(cursor, depth - 1, blocks):
        if name in COMPONENTS[family]:
            return COMPONENTS[family][name]
    if name in blocks:
        return blocks[name]
    if name in OPS:
        return OPS[name]
    if name in FUNCTIONS:
        return name
    return next((words[name] for words in COMPONENTS.values() if name in words), None)


def kind_at(cursor: Cursor, depth: int, blocks: Blocks) -> Kind | None:
    """The kind of value that is expected in a frame; None where any is, or none."""
    frame = cursor.frames[depth]
    if frame.bracket == "{":
        return _setting_kind(cursor, frame) if depth == 1 else None
    if frame.bracket == "[":
        return item_of(kind_at(cursor, depth - 1, blocks))
    if frame.bracket == "(" and frame.owner:
        called = called_at(Cursor(cursor.frames[: depth + 1]), blocks)
        if called is None or called.active is None or isinstance(called.word, t.Block):
            return None
        param: Any = called.params[called.active]
        return param.kind if isinstance(param, Param) else None
    return kind_at(cursor, depth - 1, blocks) if frame.bracket == "(" else None


def families_at(cursor: Cursor, depth: int, blocks: Blocks) -> tuple[str, ...]:
    """The families whose words may stand in a frame."""
    frame = cursor.frames[depth]
    if frame.bracket == "{" and frame.owner and depth > 1:
        word = _word(cursor, depth, blocks)
        return (word.family,) if isinstance(word, Component) else ()
    if cursor.item == "search" and frame.bracket == "{" and "=" in frame.tokens:
        return ("search",)
    kind = kind_at(cursor, depth, blocks)
    return families(kind) if kind else ()


def _setting_kind(cursor: Cursor, frame: Frame) -> Kind | None:
    """The kind of the setting whose value is being typed in a section or a variant."""
    if "=" not in frame.tokens:
        return None
    path = [part for part in frame.tokens[: frame.tokens.index("=")] if part != "."]
    if cursor.item in SECTIONS:
        path.insert(0, cursor.item)
    return setting_kind(path)
