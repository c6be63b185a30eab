"""Where in an unfinished text something is being typed: read from the tokens before it, since there is no tree yet."""

import re
from dataclasses import dataclass, field

from specc.syntax.depth import DEEPEST_BRACKETS
from specc.syntax.layout import SILENT_AFTER

TOKEN = re.compile(
    r"(?P<comment>#[^\n]*)"
    r'|(?P<string>"(?:[^"\\\n]|\\.)*(?P<closed>"?))'
    r"|(?P<name>[A-Za-z_]\w*)"
    r"|(?P<number>[0-9][\w.%]*)"
    r"|(?P<sign>->|\*\*|//|[=!<>]=|\n|[^\s\w])",
    re.ASCII,
)
ITEMS = ("extends", "block", "network", "data", "train", "export", "variant", "search", "let", "shared", "default")
CALLED = "()"  # stands for a pair of brackets and what is in it
PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass
class Frame:
    """A bracket that is open, or the file itself.

    bracket: "(", "[" or "{"; "" for the file. owner: what it belongs to: a callee, a word such as `for`, or the word of
    an item. before: the tokens of the statement or argument in which it stands. tokens: those since the last separator
    in it. commas: how many there were. given: the arguments that were named. names: what is bound in it.
    """

    bracket: str
    owner: str = ""
    before: tuple[str, ...] = ()
    tokens: list[str] = field(default_factory=list)
    commas: int = 0
    given: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


@dataclass
class Cursor:
    """A place in a text. frames: the brackets that are open there, the file first.

    prefix: the part of a name that stands before it. start: where that begins. string: what of a text in quotes stands
    before it; None outside of one. is_nothing: it is in a comment or a number, where nothing can be offered.
    """

    frames: list[Frame]
    prefix: str = ""
    start: int = 0
    string: str | None = None
    is_nothing: bool = False

    @property
    def frame(self) -> Frame:
        return self.frames[-1]

    @property
    def item(self) -> str:
        """The word of the item of the file in which this is: "network", "train"; "" outside of one."""
        outer = self.frames[1].before if len(self.frames) > 1 else tuple(self.frames[0].tokens)
        return outer[0] if outer and outer[0] in ITEMS else ""

    @property
    def names(self) -> list[str]:
        """The parameters, lets and loop variables that are bound here, the innermost first."""
        return [name for frame in reversed(self.frames) for name in frame.names]


def cursor_at(text: str, offset: int) -> Cursor:
    """What is being typed at an offset."""
    cursor = _cursor_at(text, offset)
    if len(cursor.frames) > DEEPEST_BRACKETS:
        return Cursor(cursor.frames[:1], start=offset, is_nothing=True)
    return cursor


def _cursor_at(text: str, offset: int) -> Cursor:
    reader = _Reader()
    for match in TOKEN.finditer(text, 0, offset):
        kind, word = match.lastgroup, match.group()
        if kind == "comment" or (kind == "number" and match.end() == offset):
            if match.end() == offset:
                return Cursor(reader.frames, is_nothing=True, start=offset)
        elif match.group("string") is not None:
            if not match.group("closed"):
                return Cursor(reader.frames, string=word[1:], start=match.start() + 1)
            reader.read('""', begins_line=False)
        elif kind == "name" and match.end() == offset:
            return Cursor(reader.frames, word, match.start())
        else:
            reader.read(word, begins_line=match.start() == 0 or text[match.start() - 1] == "\n")
    return Cursor(reader.frames, start=offset)


class _Reader:
    """Follows the brackets. An item that begins in the first column ends all that is open, as the parser has it."""

    def __init__(self) -> None:
        self.frames = [Frame("")]

    def read(self, word: str, begins_line: bool) -> None:
        frame = self.frames[-1]
        if begins_line and word in ITEMS:
            self.frames = [self.frames[0]]
            frame = self.frames[0]
            frame.tokens.clear()
        if word in PAIRS:
            self._open(word, frame)
        elif word in PAIRS.values():
            self._close(word)
        elif word in ("\n", ";"):
            if frame.bracket in ("", "{") and (word == ";" or not frame.tokens or frame.tokens[-1] not in SILENT_AFTER):
                self._end_statement(frame)
        elif word == "|" and frame.bracket == "{":
            self._end_statement(frame)
        elif word == "," and frame.bracket in ("(", "["):
            self._end_argument(frame)
        else:
            frame.tokens.append(word)

    def _open(self, word: str, frame: Frame) -> None:
        tokens = [token for token in frame.tokens if token != CALLED]
        owner = tokens[-1] if tokens and re.fullmatch(r"\w+", tokens[-1]) else ""
        is_control = any(token in ("if", "for", "else") for token in frame.tokens)
        if word == "{" and frame.bracket == "" and tokens and tokens[0] in ITEMS:
            owner = tokens[0]
        elif word == "{" and is_control:
            owner = ""
        opened = Frame(word, owner, tuple(frame.tokens))
        if word == "{":
            opened.names = self._looped(frame.tokens)
            if frame.bracket == "":  # the parameters, which `_close` left there
                opened.names, frame.names = frame.names, []
        self.frames.append(opened)

    def _close(self, word: str) -> None:
        if len(self.frames) == 1 or PAIRS[self.frames[-1].bracket] != word:
            return
        closed = self.frames.pop()
        frame = self.frames[-1]
        if closed.bracket == "(":
            self._end_argument(closed)
            if closed.before[:1] in (("block",), ("network",)) and frame.bracket == "":
                frame.names += closed.given
            if closed.owner == "for":
                frame.tokens += [name for name in closed.names if name not in frame.tokens]
        frame.tokens.append(CALLED)
        if closed.bracket == "{" and frame.bracket == "":
            self._end_statement(frame)

    @staticmethod
    def _looped(tokens: list[str]) -> list[str]:
        """The names that `for … in` binds."""
        if "for" not in tokens:
            return []
        last = len(tokens) - 1 - tokens[::-1].index("for")
        return [token for token in tokens[last + 1 : _index(tokens, "in", last)] if token.isidentifier()]

    @staticmethod
    def _end_statement(frame: Frame) -> None:
        if frame.tokens[:1] in (["let"], ["shared"]) and len(frame.tokens) > 2 and frame.bracket == "{":
            frame.names.append(frame.tokens[1])
        if frame.bracket == "{" and frame.tokens[1:2] == ["="]:
            frame.given.append(frame.tokens[0])
        frame.tokens.clear()

    @staticmethod
    def _end_argument(frame: Frame) -> None:
        is_declaration = frame.before[:1] in (("block",), ("network",))
        if frame.tokens and (frame.tokens[1:2] == ["="] or is_declaration):
            frame.given.append(frame.tokens[0])
        frame.names += [token for token in frame.tokens[:1] if frame.owner == "for"]
        if frame.commas >= 0:
            frame.commas += 1
        frame.tokens.clear()


def _index(tokens: list[str], word: str, start: int) -> int:
    """The place of a word behind another; the end where there is none."""
    return tokens.index(word, start) if word in tokens[start:] else len(tokens)
