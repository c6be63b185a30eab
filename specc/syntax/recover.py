"""Reading on after a syntax error, so that one broken line does not hide the errors after it.

The broken statement is taken off the parser's stack, a placeholder is put in its place, and parsing goes on at the next
line of the same body (panic mode: Aho, Lam, Sethi and Ullman, 2006, section 4.8).
"""

from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from specc.diagnostics import Diagnostic
from specc.source import Source
from specc.syntax.build import BROKEN
from specc.syntax.layout import CLOSES, ITEM_WORDS, OPENS, Filter, Layout
from specc.syntax.mistakes import mistake, span_of, unexpected

CLOSING = {"(": ")", "[": "]", "{": "}"}
PAIRS = {"(": ")", "[": "]", "{": "}"}
MOST = 50  # mistakes; after that the file is probably no spec


def recover(source: Source, lark: Lark, layout: Layout) -> tuple[Any, list[Diagnostic]]:
    """A file's parse tree with its broken statements replaced, None where little is left; and every syntax error."""
    tokens, problems = _tokens(source, lark, layout)
    reader = Reader(source, lark, problems)
    for position, token in enumerate(tokens):
        reader.read(token, begins_line=_begins_line(source, tokens, position))
        if len(reader.problems) >= MOST:
            return None, reader.problems
    return reader.finish(), reader.problems


def _begins_line(source: Source, tokens: list[Token], position: int) -> bool:
    return position == 0 or tokens[position - 1].type == "_NL"


def _tokens(source: Source, lark: Lark, layout: Layout) -> tuple[list[Token], list[Diagnostic]]:
    """All tokens, new lines included. Characters that mean nothing are reported and skipped."""
    text, problems = source.text, list[Diagnostic]()
    layout.raw = True
    try:
        while True:
            try:
                return list(lark.lex(text)), problems
            except UnexpectedCharacters as error:
                problems.append(mistake(source, error))
                if len(problems) >= MOST:
                    return [], problems
                span = problems[-1].span
                # A text without its closing quote is given one; anything else becomes a space.
                patch = f'"{" " * (span.end - span.start - 2)}"' if span.end - span.start > 1 else " "
                text = text[: span.start] + patch + text[span.end :]
    finally:
        layout.raw = False


class Reader:
    """Feeds tokens to the parser and mends its stack where one does not fit."""

    def __init__(self, source: Source, lark: Lark, problems: list[Diagnostic]) -> None:
        self.source = source
        self.problems = problems
        self.parser: Any = lark.parse_interactive("")
        self.layout = Filter()
        self.skipping = False
        self.depth = 0  # of brackets opened while skipping

    @property
    def state(self) -> Any:
        return self.parser.parser_state

    def read(self, token: Token, begins_line: bool) -> None:
        """Take one raw token."""
        if self._closes_all(token, begins_line):
            self._missing_brace(token)
        if self.skipping and not self._skipped(token):
            self.skipping = False
        if not self.skipping:
            for fed in self.layout.feed(token):
                if not self.skipping:  # the token before may have been the one that does not fit
                    self._feed(fed, begins_line)

    def _feed(self, token: Token, begins_line: bool) -> None:
        accepted = self.parser.accepts() if token.type not in self._row() else set[str]()
        try:
            self.parser.feed_token(token)
        except UnexpectedToken as error:
            accepted = accepted or error.accepts or set(error.expected)
            self._report(token, accepted, begins_line)
            if self._opened() or "_NL" not in accepted:  # an item of the file that is complete is kept
                self._drop_statement(token)
            self.skipping, self.depth = True, 0
            if begins_line and token.type != "_NL":
                # The line before was the broken one: this one is read as it stands.
                self.skipping = False
                if token not in CLOSES:
                    self.parser.feed_token(Token.new_borrow_pos("_NL", "\n", token))
                self.read(token, begins_line=False)
            elif not self._skipped(token):
                self.skipping = False
                for fed in self.layout.feed(token):
                    self._feed(fed, False)

    def _row(self) -> Any:
        return self.state.parse_conf.parse_table.states[self.state.position]

    def _report(self, token: Token, accepted: set[str], begins_line: bool) -> None:
        """Report a mistake, unless its line has one: the second is most often the first one's shadow."""
        problem = unexpected(self.source, token, accepted)
        opened = self._opened()
        if opened and opened[-1] != "{" and (begins_line or (token in CLOSES and token != PAIRS[opened[-1]])):
            problem = self._never_closed(opened[-1])
        if all(problem.span.line != other.span.line for other in self.problems):
            self.problems.append(problem)

    def _opened(self) -> list[Token]:
        """The brackets that are open. A closed pair may still lie on the stack, until the next token reduces it."""
        opened: list[Token] = []
        for value in self.state.value_stack:
            if isinstance(value, Token) and value in OPENS:
                opened.append(value)
            elif isinstance(value, Token) and value in CLOSES:
                opened.pop()
        return opened

    def _never_closed(self, opened: Token, help: str = "") -> Diagnostic:
        help = help or f"put `{CLOSING[opened]}` where it ends"
        return Diagnostic("E108", f"this `{opened}` is never closed", span_of(self.source, opened), help=help)

    def _skipped(self, token: Token) -> bool:
        """Whether a token still belongs to the broken statement."""
        text = str(token)
        if self.depth == 0 and (token.type == "_NL" or (text == "}" and self.layout.brackets)):
            return False
        self.depth += (text in OPENS) - (text in CLOSES and self.depth > 0)
        return True

    def _drop_statement(self, token: Token) -> None:
        """Take the broken statement off the stack and put a placeholder in its place."""
        values, states = self.state.value_stack, self.state.state_stack
        keep, closed = len(values), 0
        while keep > 0:
            value = values[keep - 1]
            if isinstance(value, Token):
                if closed == 0 and value.type in ("LBRACE", "_NL", "VBAR"):
                    break
                closed += (value in CLOSES) - (value in OPENS and closed > 0)
            keep -= 1
        del values[keep:], states[keep + 1 :]
        self.layout.brackets = self._opened()
        self.layout.pending, self.layout.previous = None, BROKEN
        name = Token.new_borrow_pos("NAME", BROKEN, token)
        equals, let = Token.new_borrow_pos("EQUAL", "=", token), Token.new_borrow_pos("LET", "let", token)
        row = self._row()
        if "NETWORK" in row:
            placeholder = [let, name, equals, name]
        elif "LET" in row:
            placeholder = [name]
        else:
            placeholder = [name, equals, name]
        for part in placeholder:
            self.parser.feed_token(part)

    def _closes_all(self, token: Token, begins_line: bool) -> bool:
        """A section that begins in the first column of a line, while a brace is open: the brace was never closed."""
        starts_item = token.type in ITEM_WORDS and token.column == 1 and begins_line
        return starts_item and bool(self.layout.brackets)

    def _missing_brace(self, token: Token) -> None:
        opened = self.layout.brackets[0]
        if not self.problems:
            help = f"put its closing bracket before `{token}` in line {token.line}"
            self.problems.append(self._never_closed(opened, help))
        self.skipping = False
        self._close_braces(token)
        self.layout.pending, self.layout.previous = Token.new_borrow_pos("_NL", "\n", token), "}"

    def _close_braces(self, token: Token) -> None:
        """Close every body that is open, as if its braces stood before `token`."""
        while self._opened():
            self._drop_statement(token)
            if self._opened():  # an item whose parameters are not closed is gone altogether
                self.parser.feed_token(Token.new_borrow_pos("RBRACE", "}", token))
        self.layout.brackets = []

    def finish(self) -> Any:
        """The tree at the file's end."""
        last = Token("$END", "", len(self.source.text), 1, 1, 1, 1, len(self.source.text))
        opened = self._opened()
        if opened and not self.problems:
            self.problems.append(self._never_closed(opened[-1]))
        self._close_braces(last)
        try:
            return self.parser.feed_eof(last)
        except UnexpectedToken as error:
            if not self.problems:
                self.problems.append(unexpected(self.source, last, error.accepts or error.expected))
        self._drop_statement(last)
        return self.parser.feed_eof(last)
