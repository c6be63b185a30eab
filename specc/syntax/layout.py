"""Where a new line means something: the filter between the lexer and the parser."""

from collections.abc import Callable, Iterator

from lark import Token

from specc.syntax.depth import DEEPEST_BRACKETS

SILENT_AFTER = frozenset({"->", "{", "|", "="})
SILENT_BEFORE = frozenset({"->", "else", "|", "}"})
ITEM_WORDS = frozenset({"EXTENDS", "BLOCK", "NETWORK", "DATA", "TRAIN", "EXPORT", "VARIANT", "SEARCH"})
OPENS = frozenset("([{")
CLOSES = frozenset(")]}")

GoOn = Callable[[], None]


def on_and_on() -> None:
    """Never stops anything."""


class TooDeep(Exception):
    """Brackets are nested deeper than `DEEPEST_BRACKETS`; `token` is the one that went too far."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


class Filter:
    """Drops the new lines that separate nothing, and joins those that stand together.

    A new line counts only directly inside a file or `{ }`: not inside ( ) or [ ], not after -> { | =,
    not before -> else | }. `;` is a new line. Words such as `data` are names except where an item of the file begins.
    """

    def __init__(self) -> None:
        self.brackets: list[Token] = []
        self.pending: Token | None = None
        self.previous = "{"  # a file begins as a body does
        self.of_variant = 0  # how many words after `variant` the next one is; 0 elsewhere

    def feed(self, token: Token) -> list[Token]:
        """The tokens that the parser gets for this one. Raises `TooDeep`."""
        if token.type == "_NL":
            inside = bool(self.brackets) and self.brackets[-1] != "{"
            if self.pending is None and self.previous not in SILENT_AFTER and not inside:
                self.pending = token
            return []
        text = str(token)
        begins_item = not self.brackets and (self.pending is not None or self.previous == "{")
        out = [self.pending] if self.pending is not None and text not in SILENT_BEFORE else []
        self.pending = None
        if begins_item:
            self.of_variant = int(token.type == "VARIANT")
        else:
            if token.type in ITEM_WORDS and not (token.type == "EXTENDS" and self.of_variant == 2):
                token = Token.new_borrow_pos("NAME", text, token)
            self.of_variant += self.of_variant > 0
        if text in OPENS:
            self.brackets.append(token)
            if len(self.brackets) > DEEPEST_BRACKETS:
                raise TooDeep(token)
        elif text in CLOSES and self.brackets:
            self.brackets.pop()
        self.previous = text
        return [*out, token]


class Layout:
    """The filter as lark's lexers want it. With `raw` they give every token as it is.

    go_on: called at each token; it raises where nobody wants the tree any more.
    """

    always_accept = ()
    raw = False

    def __init__(self) -> None:
        self.go_on: GoOn = on_and_on

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        if self.raw:
            yield from stream
            return
        layout, go_on = Filter(), self.go_on
        for token in stream:
            go_on()
            yield from layout.feed(token)
