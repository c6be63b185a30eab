"""The functions that expressions may call, and the bounds that keep arithmetic finite."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from specc.values import Size

LARGEST_INTEGER = 2**63
LONGEST_LIST = 100_000
DEEPEST_LIST = 50


class Misuse(Exception):
    """A value that an operator or function cannot take; the message says why."""


class TooLarge(Misuse):
    """A result beyond the bounds of the language."""


def bounded(value: Any) -> Any:
    """The value, unless it is an integer or list beyond the language's bounds, or not finite."""
    if isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        raise TooLarge("the result has more than 63 bits")
    if isinstance(value, float) and not math.isfinite(value):
        raise TooLarge("the result is not a finite number")
    if is_sequence(value):
        extent(value)
    return value


def is_sequence(value: Any) -> bool:
    """Whether this is a list or tuple of the language; sizes, names and layers are tuples of Python only."""
    return isinstance(value, list) or type(value) is tuple


def extent(value: Any, depth: int = 1) -> int:
    """How many entries a list holds, those of its lists too. Raises `TooLarge` beyond the language's bounds.

    Lists may hold the same list many times, so without this check a short text could describe an endless one.
    """
    if depth > DEEPEST_LIST:
        raise TooLarge(f"lists are nested more than {DEEPEST_LIST} levels deep")
    count = len(value)
    for item in value:
        if is_sequence(item):
            count += extent(item, depth + 1)
        if count > LONGEST_LIST:
            break
    if count > LONGEST_LIST:
        raise TooLarge(f"the list has more than {LONGEST_LIST:,} entries")
    return count


def number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misuse("expected a number")
    return value


def integer(value: Any) -> int:
    if number(value) != value // 1:
        raise Misuse("expected an integer")
    return int(bounded(int(value)))


def sequence(value: Any) -> list[Any]:
    if is_sequence(value):
        return list(value)
    raise Misuse("expected a list")


def round_to(x: Any, multiple: Any) -> int:
    """Nearest multiple, never below 90% of x: the channel rounding of the MobileNet papers (Howard et al., 2017)."""
    step = integer(multiple)
    if step < 1:
        raise Misuse("the multiple must be at least 1")
    rounded = max(step, int(number(x) + step / 2) // step * step)
    return rounded + step if rounded < 0.9 * x else rounded


def _range(*bounds: Any) -> list[int]:
    numbers = [integer(bound) for bound in bounds]
    if len(numbers) == 3 and numbers[2] == 0:
        raise Misuse("the step must not be 0")
    integers = range(*numbers)
    if integers[LONGEST_LIST:]:
        raise TooLarge(f"the range has more than {LONGEST_LIST:,} entries")
    return list(integers)


def _log(x: Any, base: Any = math.e) -> float:
    if number(x) <= 0 or number(base) <= 0 or base == 1:
        raise Misuse("expected a positive number")
    return math.log(x, base) if base != math.e else math.log(x)


def _sqrt(x: Any) -> float:
    if number(x) < 0:
        raise Misuse("expected a number of at least 0")
    return math.sqrt(x)


def _extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    def function(*values: Any) -> Any:
        candidates = sequence(values[0]) if len(values) == 1 else list(values)
        if not candidates:
            raise Misuse("expected at least one value")
        return choose(map(number, candidates))

    return function


def _mod(a: Any, b: Any) -> Any:
    if number(b) == 0:
        raise Misuse("division by zero")
    return number(a) % b


def _zip(*lists: Any) -> list[tuple[Any, ...]]:
    rows = [sequence(values) for values in lists]
    if len({len(row) for row in rows}) > 1:
        raise Misuse(f"the lists differ in length: {', '.join(str(len(row)) for row in rows)}")
    return list(zip(*rows, strict=True))


def _enumerate(values: Any, start: Any = 0) -> list[tuple[int, Any]]:
    return list(enumerate(sequence(values), integer(start)))


class Function(NamedTuple):
    """A function of the language: how many arguments it takes, and what it does."""

    least: int
    most: int
    apply: Callable[..., Any]


MANY = 1000

FUNCTIONS = {
    "min": Function(1, MANY, _extreme(min)),
    "max": Function(1, MANY, _extreme(max)),
    "abs": Function(1, 1, lambda x: abs(number(x))),
    "round": Function(1, 1, lambda x: round(number(x))),
    "floor": Function(1, 1, lambda x: math.floor(number(x))),
    "ceil": Function(1, 1, lambda x: math.ceil(number(x))),
    "sqrt": Function(1, 1, _sqrt),
    "log": Function(1, 2, _log),
    "cos": Function(1, 1, lambda x: math.cos(number(x))),
    "len": Function(1, 1, lambda x: len(sequence(x))),
    "sum": Function(1, 1, lambda x: sum(map(number, sequence(x)))),
    "range": Function(1, 3, _range),
    "enumerate": Function(1, 2, _enumerate),
    "zip": Function(1, MANY, _zip),
    "size": Function(2, 2, lambda h, w: Size(integer(h), integer(w))),
    "mod": Function(2, 2, _mod),
    "round_to": Function(2, 2, round_to),
}


def operate(operator: str, left: Any, right: Any) -> Any:
    """The value of `left operator right` for numbers and lists. Raises `Misuse`."""
    if operator == "+" and isinstance(left, list) and isinstance(right, list):
        return bounded(left + right)
    number(left), number(right)
    match operator:
        case "+":
            return bounded(left + right)
        case "-":
            return bounded(left - right)
        case "*":
            return bounded(left * right)
        case "/" | "//":
            if right == 0:
                raise Misuse("division by zero")
            return bounded(left / right if operator == "/" else left // right)
        case "**":
            return _power(left, right)
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _power(base: Any, exponent: Any) -> Any:
    """A power, refused before it is computed if it would be astronomically large."""
    if base == 0 and exponent < 0:
        raise Misuse("division by zero")
    if base < 0 and exponent != exponent // 1:
        raise Misuse("a negative base needs an integer exponent")
    whole = isinstance(base, int) and isinstance(exponent, int)
    if whole and exponent > 0 and abs(base) > 1 and exponent * math.log2(abs(base)) > 64:
        raise TooLarge("the result has more than 63 bits")
    try:
        return bounded(base**exponent)
    except OverflowError:
        raise TooLarge("the result is not a finite number") from None
