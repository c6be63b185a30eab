"""Where a new line means something: the filter between the lexer and the parser."""

from collections.abc import Iterator

from lark import Token

SILENT_AFTER = frozenset({"->", "{", "|", "="})
SILENT_BEFORE = frozenset({"->", "else", "|", "}"})
ITEM_WORDS = frozenset({"EXTENDS", "BLOCK", "NETWORK", "DATA", "TRAIN", "EXPORT", "VARIANT", "SEARCH"})
OPENS = frozenset("([{")
CLOSES = frozenset(")]}")
DEEPEST = 100


class TooDeep(Exception):
    """Brackets are nested deeper than `DEEPEST`; `token` is the bracket that went too far."""

    def __init__(self, token: Token) -> None:
        super().__init__()
        self.token = token


class Layout:
    """Drops the new lines that separate nothing, and joins those that stand together.

    A new line counts only directly inside a file or `{ }`: not inside ( ) or [ ], not after -> { | =,
    not before -> else | }. `;` is a new line. Words such as `data` are names except where an item of the file begins.
    """

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        pending: Token | None = None
        previous, in_variant = "{", False  # a file begins as a body does
        brackets: list[str] = []
        for token in stream:
            if token.type == "_NL":
                if pending is None and previous not in SILENT_AFTER and not (brackets and brackets[-1] != "{"):
                    pending = token
                continue
            text = str(token)
            begins_item = not brackets and (pending is not None or previous == "{")
            if pending is not None:
                if text not in SILENT_BEFORE:
                    yield pending
                pending = None
            if begins_item:
                in_variant = token.type == "VARIANT"
            elif token.type in ITEM_WORDS and not (token.type == "EXTENDS" and in_variant and not brackets):
                token = Token.new_borrow_pos("NAME", text, token)
            if text in OPENS:
                brackets.append(text)
                if len(brackets) > DEEPEST:
                    raise TooDeep(token)
            elif text in CLOSES and brackets:
                brackets.pop()
            previous = text
            yield token
