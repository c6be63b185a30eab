"""The one exception that a user's situation may raise: no traceback, a code, a help line, an exit status."""

from collections.abc import Sequence
from typing import Any
from unicodedata import category

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # categories of characters that move the cursor, or turn the reading direction


class SpeccError(Exception):
    """Something that the user can mend, outside the spec: files, data, devices, runs.

    code: E4xx. message: a line, or several. No name of a file that it cites can begin another line or move the cursor:
    such characters are escaped here. status: 1 where the user's input is wrong, 2 where the command could not do its
    work.
    """

    def __init__(self, code: str, message: str | Sequence[str], *, help: str = "", status: int = 2) -> None:
        message = [message] if isinstance(message, str) else message
        self.code, self.message, self.help, self.status = code, "\n".join(map(clean, message)), clean(help), status
        super().__init__(self.message)

    def __reduce__(self) -> tuple[Any, ...]:
        """As it is, for another process, whatever a subclass is made from."""
        return _again, (type(self), self.args, self.__dict__)


def _again(kind: type[SpeccError], arguments: tuple[Any, ...], state: dict[str, Any]) -> SpeccError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(state)
    return error


def clean(text: str) -> str:
    """Text without characters that would move the cursor or hide something: they are escaped."""
    return "".join(_escape(character) if category(character) in HIDDEN else character for character in text)


def clean_lines(text: str) -> str:
    """`clean` for a text of several lines, which stay."""
    return "\n".join(map(clean, text.split("\n")))


def counted(number: float, noun: str) -> str:
    """`1 image`, `2 images`, `1,000 classes`, `0.5 epochs`. noun: in the singular."""
    plural = f"{noun}es" if noun.endswith(("s", "x", "tch", "nch")) else f"{noun}s"
    shown = f"{number:,}" if isinstance(number, int) else f"{number:,g}"
    return f"{shown} {noun if number == 1 else plural}"


def _escape(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
