"""Arguments that are of the wrong type, or no word that is known: refused before anything is done."""

from collections.abc import Collection


def need_type(name: str, value: object, kind: type, hint: str) -> None:
    """Raise TypeError where an argument is not of a type."""
    if not isinstance(value, kind):
        raise TypeError(f"`{name}` must be a {kind.__name__}, not {_words(value)}: {hint}")


def need_word(name: str, value: object, words: Collection[str]) -> None:
    """Raise ValueError where an argument is none of some words."""
    if value not in words:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, words))}, not {value!r}")


def _words(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
