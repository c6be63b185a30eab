"""Error recovery: parsing goes on after a syntax error, so one broken line does not hide the errors after it.

The broken statement is taken off the parser's stack, a placeholder is put in its place, and parsing goes on at the next
line of the same body (panic mode: Aho, Lam, Sethi and Ullman, 2006, section 4.8).
"""

import re
from typing import Any

from lark import Lark, Token
from lark.exceptions import UnexpectedCharacters, UnexpectedToken

from specc.diagnostics import Diagnostic
from specc.source import Source
from specc.syntax.build import BROKEN
from specc.syntax.layout import CLOSES, ITEM_WORDS, OPENS, SILENT_BEFORE, Filter, Layout
from specc.syntax.mistakes import character_mistake, mistake, span_of, unexpected

CLOSING = {"(": ")", "[": "]", "{": "}"}
MOST = 50  # mistakes; after that the file is probably no spec
MOST_AHEAD = 5000  # tokens that are looked at to find where brackets end
MOST_LEXED = 5  # times that the text is read anew, where a character is out of place in a way that PIECE does not see
PIECE = re.compile(  # what a spec may be made of; else one character, as group 1
    r'#[^\n]*|"(?:[^"\\\n]|\\.)*"|[A-Za-z_]\w*|[0-9]+(?:\.[0-9]+)?%|[0-9]+|!=|[-+*/<>={}()\[\],.;|\s]|(.)', re.ASCII
)


def recover(source: Source, lark: Lark, layout: Layout) -> tuple[Any, list[Diagnostic]]:
    """A file's parse tree with its broken statements replaced, None where little is left; and every syntax error."""
    tokens, problems = _tokens(source, lark, layout)
    reader = Reader(source, lark, layout, tokens, problems)
    return reader.file(), reader.problems


def _tokens(source: Source, lark: Lark, layout: Layout) -> tuple[list[Token], list[Diagnostic]]:
    """All tokens, new lines included. Characters that mean nothing are reported and skipped."""
    problems = _characters(source)
    if len(problems) >= MOST:
        return [], problems
    text = source.text
    for problem in problems:
        text = _patched(text, problem)
    layout.raw = True
    lark.lexer = lark.parser.lexer.lexer  # that of the parser: without one, `lex` builds its own each time
    try:
        for _ in range(MOST_LEXED):
            try:
                return list(lark.lex(text)), problems
            except UnexpectedCharacters as error:
                problems.append(mistake(source, error))
                text = _patched(text, problems[-1])
        return [], problems
    finally:
        layout.raw = False


def _characters(source: Source) -> list[Diagnostic]:
    """The characters that mean nothing anywhere, and texts without their closing quote."""
    problems: list[Diagnostic] = []
    at = 0
    while (found := next((m for m in PIECE.finditer(source.text, at) if m[1]), None)) and len(problems) < MOST:
        problems.append(character_mistake(source, found.start()))
        at = problems[-1].span.end
    return problems


def _patched(text: str, problem: Diagnostic) -> str:
    """A text without its closing quote is given one; any other character becomes a space."""
    start, end = problem.span.start, problem.span.end
    patch = f'"{" " * (end - start - 2)}"' if end - start > 1 else " "
    return text[:start] + patch + text[end:]


class Reader:
    """Feeds tokens to the parser and repairs its stack where one does not fit."""

    def __init__(
        self, source: Source, lark: Lark, layout: Layout, tokens: list[Token], problems: list[Diagnostic]
    ) -> None:
        self.source = source
        self.tokens = tokens
        self.problems = problems
        self.position = 0
        self.resume = 0  # the position up to which tokens belong to a broken statement
        self.go_on = layout.go_on
        self.parser: Any = lark.parse_interactive("")
        self.layout = Filter()
        self.skipping = False
        self.depth = 0  # of brackets opened while skipping

    @property
    def state(self) -> Any:
        return self.parser.parser_state

    def file(self) -> Any:
        """The parse tree of all tokens; None where there are too many mistakes."""
        for position, token in enumerate(self.tokens):
            self.go_on()
            self.position = position
            if position >= self.resume:
                self.read(token, self._begins_line(position))
            if len(self.problems) >= MOST:
                return None
        return self.finish() if self.tokens else None

    def _begins_line(self, position: int) -> bool:
        return position == 0 or self.tokens[position - 1].type == "_NL"

    def read(self, token: Token, begins_line: bool) -> None:
        """Take one raw token."""
        if self._closes_all(token, begins_line):
            self._missing_brace(token)
        if self.skipping and not self._skipped(token):
            self.skipping = False
        if str(token) == "{" and begins_line and self.layout.pending and not self.skipping:
            self._join_lines(token)
        if not self.skipping:
            for fed in self.layout.feed(token):
                if not self.skipping:  # the token before may have been the one that does not fit
                    self._feed(fed, begins_line)

    def _join_lines(self, brace: Token) -> None:
        """A brace on a line of its own, where the line before may have a body: it is read as if it were there."""
        if "LBRACE" in self.parser.accepts():
            before = next(one for one in reversed(self.tokens[: self.position]) if one.type != "_NL")
            problem = unexpected(self.source, brace, ())
            self.problems.append(problem._replace(help=f"move it to the end of line {before.line}, after `{before}`"))
            self.layout.pending = None

    def _feed(self, token: Token, begins_line: bool) -> None:
        accepted = self.parser.accepts() if token.type not in self._row() else set[str]()
        try:
            self.parser.feed_token(token)
        except UnexpectedToken as error:
            accepted = accepted or error.accepts or set(error.expected)
            end = self._end_of_brackets(token)
            self._report(token, accepted, begins_line, is_closed=end > 0)
            if self._opened() or "_NL" not in accepted:  # an item of the file that is complete is kept
                self._drop_statement(token)
            self.skipping, self.depth = True, 0
            if end:
                self.resume = end
            elif begins_line and token.type != "_NL":
                # The line before was the broken one: this one is read as it stands.
                self.skipping = False
                if token not in SILENT_BEFORE:
                    self.parser.feed_token(Token.new_borrow_pos("_NL", "\n", token))
                self.read(token, begins_line=False)
            elif not self._skipped(token):
                self.skipping = False
                for fed in self.layout.feed(token):
                    self._feed(fed, False)

    def _row(self) -> Any:
        return self.state.parse_conf.parse_table.states[self.state.position]

    def _end_of_brackets(self, token: Token) -> int:
        """Where the ( and [ that are open end: the position behind the last one's closing bracket, 0 if they do not."""
        opened = self._opened()
        open_ = len(opened) - max((i + 1 for i, bracket in enumerate(opened) if bracket == "{"), default=0)
        if not open_:
            return 0
        is_stray = token in CLOSES and token != CLOSING[opened[-1]]
        braces = 0
        for position in range(self.position + is_stray, min(self.position + MOST_AHEAD, len(self.tokens))):
            text = str(self.tokens[position])
            braces += (text == "{") - (text == "}")
            open_ += (text in "([") - (text in ")]") if len(text) == 1 else 0
            if braces < 0 or self._begins_item(position):
                return 0
            if open_ == 0:
                return position + 1
        return 0

    def _begins_item(self, position: int) -> bool:
        token = self.tokens[position]
        return token.type in ITEM_WORDS and token.column == 1 and self._begins_line(position)

    def _report(self, token: Token, accepted: set[str], begins_line: bool, is_closed: bool) -> None:
        """Report a mistake, unless it is most likely the shadow of one before it."""
        opened = self._opened()
        problem = unexpected(self.source, token, accepted)
        in_brackets = bool(opened) and opened[-1] != "{" and not is_closed
        if in_brackets and (begins_line or (token in CLOSES and token != CLOSING[opened[-1]])):
            problem = self._never_closed(opened[-1])
        if not self._is_shadow(problem, token, is_outside=not opened):
            self.problems.append(problem)

    def _is_shadow(self, problem: Diagnostic, token: Token, is_outside: bool) -> bool:
        """Whether a mistake comes from one before it."""
        text = str(token)
        if any(problem.span.line == other.span.line for other in self.problems):
            return True
        # What follows a body whose brace is missing or ends it too early.
        is_indented = self._begins_line(self.position) and (token.column or 1) > 1
        after_body = is_outside and (text == "}" or is_indented)
        # The branches of a body whose first one has no bar.
        after_bar = text == "|" and any(other.span.text == "|" for other in self.problems)
        return bool(self.problems) and (after_body or after_bar)

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
        help = help or f"add `{CLOSING[opened]}` where it should end"
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
        return bool(self.layout.brackets) and begins_line and self._begins_item(self.position)

    def _missing_brace(self, token: Token) -> None:
        opened = self.layout.brackets[0]
        if not self.problems:
            help = f"add its closing bracket before `{token}` on line {token.line}"
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
