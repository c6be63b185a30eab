"""Amounts of bytes: as people write them, and as messages show them."""

import os
import re

from specc.errors import SpeccError, clean

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}
AMOUNT = re.compile(r"(\d{1,15}(?:\.\d{1,9})?) ?([KMGT]?I?B?)", re.IGNORECASE)


def amount(text: str, what: str) -> int:
    """The bytes that `200GB`, `64 MiB` or `1000` stands for. Raises SpeccError E526. what: where it is given."""
    match = AMOUNT.fullmatch(text.strip())
    unit = UNITS.get(match[2].upper()) if match else None
    count = int(float(match[1]) * unit) if match and unit else 0
    if not count:
        message = clean(f"{what} is {text!r}, which is not an amount of bytes")
        raise SpeccError("E526", message, help="write a number and a unit, such as 500MB, 64GB or 2TiB")
    return count


def from_environment(name: str) -> int | None:
    """The bytes that a variable of the environment says; None where it is not set. Raises SpeccError E526."""
    given = os.environ.get(name)
    return amount(given, f"the environment variable {name}") if given else None


def size(count: int) -> str:
    """`1.5 GB`, `12 MB`, `340 kB`, `17 bytes`."""
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:,} bytes"
