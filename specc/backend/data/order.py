"""The order of class names: natural, `2` before `10`."""

import re

DIGITS = re.compile("([0-9]+)")


def natural(name: str) -> tuple[list[tuple[str, int, str]], str]:
    """What to sort names by, so that numbers in them count as numbers, however long they are."""
    pieces = DIGITS.split(name)
    numbers = [number.lstrip("0") for number in [*pieces[1::2], ""]]
    return [(text, len(number), number) for text, number in zip(pieces[::2], numbers, strict=True)], name
