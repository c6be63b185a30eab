"""What the values of the language have in common: equality, and being unknown."""

from typing import Any

from specc.check.expressions.functions import is_sequence
from specc.check.expressions.scope import Layer
from specc.values import UNKNOWN, Ref, Size


def same(left: Any, right: Any) -> bool:
    """Equality of the language: bare names by name, layers by what was written; true is not 1, but 3 is 3x3."""
    names = [_layer_name(value) for value in (left, right)]
    if names[0] is not None or names[1] is not None:
        return names[0] == names[1]
    if isinstance(left, bool) != isinstance(right, bool):
        return False
    if isinstance(left, Size) != isinstance(right, Size):  # 3 is 3x3, but (3, 3) is not
        return bool(_square(left) == _square(right))
    return bool(left == right)


def _square(value: Any) -> Any:
    return Size(value, value) if isinstance(value, int) else value if isinstance(value, Size) else None


def _layer_name(value: Any) -> str | None:
    if isinstance(value, Ref):
        return value.name
    return " ".join(value.span.text.split()) if isinstance(value, Layer) else None


def has_unknown(value: Any) -> bool:
    return value is UNKNOWN or (is_sequence(value) and any(map(has_unknown, value)))
