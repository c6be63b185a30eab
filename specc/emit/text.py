"""Lines of Python source, broken as ruff's formatter breaks them."""

from typing import NamedTuple

WIDTH = 120
INDENT = "    "


class Line(NamedTuple):
    """A line and the comment behind it."""

    text: str
    comment: str = ""

    def indented(self, by: str = INDENT) -> "Line":
        return Line(by + self.text, self.comment)

    def __str__(self) -> str:
        """The line, broken where it is too long. A comment that does not fit stands above it."""
        whole = f"{self.text}  # {self.comment}" if self.comment else self.text
        if len(whole) <= WIDTH:
            return whole
        broken = "\n".join(_broken(self.text))
        indent = self.text[: len(self.text) - len(self.text.lstrip())]
        return f"{indent}# {self.comment}\n{broken}" if self.comment else broken


def _broken(text: str) -> list[str]:
    """Break a line at its outermost last brackets: their content on one line, or an item a line."""
    if len(text) <= WIDTH:
        return [text]
    opening, closing = _last_brackets(text)
    if opening < 0:
        return [text]
    indent = text[: len(text) - len(text.lstrip())]
    inside = f"{indent}{INDENT}{text[opening + 1 : closing]}"
    if len(inside) <= WIDTH:
        return [text[: opening + 1], inside, indent + text[closing:]]
    items = [part for item in _items(text[opening + 1 : closing]) for part in _broken(f"{indent}{INDENT}{item},")]
    return [text[: opening + 1], *items, indent + text[closing:]]


def _last_brackets(text: str) -> tuple[int, int]:
    """Where the last pair of brackets that is in no other one opens and closes; (-1, -1) where there is none."""
    depth, start, brackets = 0, -1, (-1, -1)
    for place, letter in enumerate(text):
        if letter in "([{":
            start = place if depth == 0 else start
            depth += 1
        elif letter in ")]}":
            depth -= 1
            brackets = (start, place) if depth == 0 and place > start + 1 else brackets
    return brackets


def _items(text: str) -> list[str]:
    """What commas part that stand in no brackets."""
    depth, start, items = 0, 0, []
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            items.append(text[start:place].strip())
            start = place + 1
    return [item for item in [*items, text[start:].strip()] if item]
