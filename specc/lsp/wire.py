"""Messages as an editor sends them: a header that tells the length, an empty line, and that many bytes."""

from typing import BinaryIO

from specc.errors import SpeccError

LONGEST_LINE = 8_192  # bytes of a line of a header
LARGEST = 1 << 28  # bytes of a message; the largest text that is a spec has a million characters
HELP = "an editor starts `specc lsp`, and speaks the Language Server Protocol to it; see docs/editors.md"


def read_message(stream: BinaryIO) -> bytes | None:
    """The body of the next message; None where the input ends between two messages.

    Raises SpeccError E541 where no message can be made out: nobody knows then where the next one begins.
    """
    length: int | None = None
    is_begun = False
    while line := stream.readline(LONGEST_LINE):
        if line.strip():
            is_begun = True
            length = _length(line, length)
        elif length is not None:
            return _body(stream, length)
        elif is_begun:
            raise _broken("a message has no `Content-Length`")
    if is_begun:
        raise _broken("the input ends within the header of a message")
    return None


def _length(line: bytes, before: int | None) -> int | None:
    """The length that the lines of a header tell so far."""
    name, colon, value = line.partition(b":")
    if not colon or not name.strip().replace(b"-", b"").isalpha():
        raise _broken(f"expected the header of a message, found `{_shown(line)}`")
    if name.strip().lower() != b"content-length":
        return before
    digits = value.strip()
    if not digits.isdigit():
        raise _broken(f"`Content-Length` is no number: `{_shown(digits)}`")
    if len(digits.lstrip(b"0")) > len(str(LARGEST)) or int(digits) > LARGEST:
        raise _broken(f"a message may have at most {LARGEST:,} bytes, but one is said to have `{_shown(digits)}`")
    return int(digits)


def _body(stream: BinaryIO, length: int) -> bytes:
    body = stream.read(length) if length else b""
    if len(body) < length:
        raise _broken(f"the input ends after {len(body):,} of the {length:,} bytes of a message")
    return body


def _shown(text: bytes) -> str:
    shown = text[:40].decode("ascii", "backslashreplace").strip()
    return shown if len(text) <= 40 else f"{shown}…"


def _broken(message: str) -> SpeccError:
    return SpeccError("E541", message, help=HELP)
